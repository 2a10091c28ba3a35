"""The last block of an encoder, computed only where its output is read.

A pre-trainer reads the encoder's output at the masked words and at [CLS]: with 20 predictions in
128 tokens, at 21 positions. The last block's keys and values come from all tokens; its queries,
their projection and the feed-forward layer are needed at those positions only. Attention treats
each query separately, and the rest of a block works on single tokens, so the values are the same,
to rounding. BERT-Tiny saves a third of its encoder's operations, BERT-Large a fiftieth.

Dropout draws its masks for all tokens and takes the rows that are read, so these do not change
either. Axes: b sequences, L their length, R rows.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import tensorflow as tf

from largebatch.models.keras_internals import call_by
from largebatch.models.stateless_dropout import drawn_for_rows

_ACTIVE = threading.local()  # MirroredStrategy traces each replica in a thread of its own


@contextlib.contextmanager
def chosen(rows: tf.Tensor | None) -> Iterator[None]:
    """Within this context, `computes_chosen_rows` blocks give these rows; None: all of them.

    Args:
      rows: int32 [b, R], places in the sequence.
    """
    before = getattr(_ACTIVE, "rows", None)
    _ACTIVE.rows = rows
    try:
        yield
    finally:
        _ACTIVE.rows = before


def computes_chosen_rows(block: tf.keras.layers.Layer) -> None:
    """Lets tf-models-official's TransformerEncoderBlock give the rows of `chosen`: [b, R, H].

    It takes [queries, keys and values, mask [b, R, L]] of itself.
    """
    whole = block.call

    def call(inputs, output_range=None):
        rows = getattr(_ACTIVE, "rows", None)
        if rows is None:
            return whole(inputs, output_range)
        sequence, mask = inputs  # [b, L, H], [b, L, L]
        queries, mask = (tf.gather(value, rows, axis=1, batch_dims=1) for value in (sequence, mask))
        with drawn_for_rows(rows, sequence.shape[1] or tf.shape(sequence)[1]):
            return whole([queries, sequence, mask], output_range)

    call_by(block, call)
