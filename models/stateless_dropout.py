"""Dropout whose masks are a function of a seed that comes with the batch, and of the layer.

tf-models-official's and Keras' layers make their own `tf.keras.layers.Dropout`, which draws from
hidden state: a run that is resumed, or spread over another number of devices, draws other masks.
`make_stateless(model)` gives each of them a drawer of masks without state; while a model runs,
`seeded(seed)` says which seed they draw from: one for the micro-batch (BERT), or one for each
example (image models), whose masks no micro-batch or number of devices changes.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence

import tensorflow as tf

from largebatch.models import example_dropout
from largebatch.models.keras_internals import draw_masks_from, flat_layers

# MirroredStrategy traces each replica in a thread of its own: a seed is seen by its replica alone.
_ACTIVE = threading.local()

# A mask is drawn from 16 bits an element: half the random bits of a float, and the rate is met to
# 1 / 131072. The scale is that of the rate as met, so that the mean is kept exactly.
_LEVELS = 1 << 16


def make_stateless(model: tf.keras.layers.Layer) -> int:
    """Makes every dropout layer of a built model stateless; returns how many there are.

    They are numbered in the order in which Keras lists them, which is that of construction: the
    same in every process.
    """
    layers = [la for la in flat_layers(model) if isinstance(la, tf.keras.layers.Dropout)]
    for index, layer in enumerate(layers):
        draw_masks_from(layer, MaskDrawer(index))
    return len(layers)


@contextlib.contextmanager
def seeded(seed: tf.Tensor | None, layers: int) -> Iterator[None]:
    """Within this context, dropout draws from `seed`; None: dropout is an error.

    Args:
      seed: int32 [2], of the whole micro-batch, or [B, 2], of each example (`example_dropout`).
      layers: what `make_stateless` returned.
    """
    before = getattr(_ACTIVE, "draw", None)
    _ACTIVE.draw = None if seed is None else _drawing(tf.convert_to_tensor(seed), layers)
    try:
        yield
    finally:
        _ACTIVE.draw = before


@contextlib.contextmanager
def drawn_for_rows(rows: tf.Tensor, length: int | tf.Tensor) -> Iterator[None]:
    """Within this context, inputs are `rows` [b, R] of the `length` along their last axis but one:
    their masks are those rows of the mask that all of them together have."""
    _ACTIVE.rows = (rows, length)
    try:
        yield
    finally:
        _ACTIVE.rows = None


def _drawing(seed, layers: int):
    """(inputs, rate, the layer's number) -> outputs."""
    if seed.shape.rank == 2:
        return lambda inputs, rate, index: example_dropout.dropout(inputs, rate, seed, index)
    seeds = _layer_seeds(seed, layers)
    return lambda inputs, rate, index: dropout(
        inputs, rate, seeds[index], getattr(_ACTIVE, "rows", None)
    )


def _layer_seeds(seed, layers: int):
    """int32 [layers, 2] from int32 [2], in one operation."""
    positive = 0x7FFFFFFF  # XLA extends a negative seed to 64 bits in another way than the kernels
    seed = tf.bitwise.bitwise_and(tf.ensure_shape(seed, [2]), positive)
    drawn = tf.random.stateless_uniform([layers, 2], seed, None, None, tf.int32)
    return tf.bitwise.bitwise_and(drawn, positive)


class MaskDrawer(tf.Module):
    """Stands where a dropout layer of Keras 2.15 keeps its random generator."""

    def __init__(self, index: int):
        super().__init__()
        self._index = index

    def _maybe_init(self):
        """Keras calls this when it builds a layer; there is no state to make."""

    def dropout(
        self, inputs: tf.Tensor, rate: float, noise_shape: Sequence[int] | None = None
    ) -> tf.Tensor:
        draw = getattr(_ACTIVE, "draw", None)
        if draw is None:
            raise ValueError(
                "a dropout layer runs in training outside of its model, where no seed is given; "
                "call the model, with 'dropout_seed' in its batch"
            )
        if noise_shape is not None:
            raise ValueError(f"stateless dropout takes no noise_shape, found {noise_shape}")
        return draw(inputs, rate, self._index)


def dropout(
    inputs: tf.Tensor, rate: float, seed: tf.Tensor, rows: tuple[tf.Tensor, int] | None = None
) -> tf.Tensor:
    """Zeroes each element with probability round(65536 rate) / 65536 and scales up the others.

    The mask is a function of `seed` (int [2]) and of the shape alone. With or without XLA a CPU and
    a GPU draw the same one; a TPU draws from its own generator. With `rows`, int [b, R] of so many,
    it is drawn for all of these (the last axis but one), and the rows of it are taken.
    """
    dropped = round(rate * _LEVELS)
    if not 0 <= dropped < _LEVELS:
        raise ValueError(f"the dropout rate is {rate}, wanted at least 0 and below 1")
    # The two halves of each word serve the two halves of the last axis but one: words of 32 bits in
    # the tensor's own layout, where 16-bit elements would be laid out anew on a TPU.
    axis = max(inputs.shape.rank - 2, 0)
    dynamic = tf.shape(inputs)
    sizes = [dynamic[i] if size is None else size for i, size in enumerate(inputs.shape)]
    if rows is not None:
        sizes[axis] = rows[1]
    size, sizes[axis] = sizes[axis], (sizes[axis] + 1) // 2
    # Unsigned: TensorFlow compares int32 in a GPU's host memory.
    words = tf.random.stateless_uniform(sizes, seed, None, None, tf.uint32)
    flipped = tf.bitwise.bitwise_xor(words, tf.constant(1 << 31, tf.uint32))
    high = flipped >= tf.constant(dropped * _LEVELS, tf.uint32)
    low = tf.bitwise.bitwise_and(words, tf.constant(_LEVELS - 1, tf.uint32)) >= dropped
    keep = tf.concat([high, low], axis)
    if not (isinstance(size, int) and size % 2 == 0):
        keep = keep[(slice(None),) * axis + (slice(size),)]  # one too many when the size is odd
    if rows is not None:
        keep = tf.gather(keep, rows[0], axis=axis, batch_dims=1)
    return _kept(inputs, keep, _LEVELS / (_LEVELS - dropped))


def _kept(inputs, keep, scale: float):
    """inputs where keep, times scale, else 0; keeps the mask's bytes for the gradient."""

    # A product with the mask: on a CPU two thirds of the time of a choice (tf.where).
    @tf.custom_gradient
    def masked(x):
        def gradient(upstream):
            return upstream * (tf.cast(keep, upstream.dtype) * scale)

        return x * (tf.cast(keep, x.dtype) * scale), gradient

    return masked(inputs)
