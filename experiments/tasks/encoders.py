"""Where a fine-tuning's encoder comes from: a run's own pre-training, or a released checkpoint."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from largebatch import stack
from largebatch.experiments.program.errors import UserError
from largebatch.experiments.rows.row import Row
from largebatch.experiments.rows.source import Source
from largebatch.experiments.tasks.finetuning import Encoder

if TYPE_CHECKING:
    from largebatch.data.text.wordpiece import Vocabulary


def of_run(row: Row, checkpoints: Path, data: dict) -> Encoder:
    """The encoder at the end of a run's pre-training, from its newest whole checkpoint."""

    def load(model):
        from largebatch import tpu
        from largebatch.experiments.tasks.pretraining import build_pretrainer

        pretrainer = build_pretrainer(row)
        tpu.restore_model(pretrainer, checkpoints)
        model.encoder.set_weights(pretrainer.encoder.get_weights())

    return Encoder(
        load, f"this run's step {row.steps}", data["vocabulary_file"], data["lower_case"]
    )


def released(row: Row, path: str, lower_case: bool | None = None) -> tuple[Row, Encoder]:
    """A released BERT of any size, and the row that fine-tunes it.

    Args:
      row: What else is run. Where the encoder is not the row's, its size and vocabulary become
        overrides, so that the run fills no cell of the paper's.
      path: A folder with weights, their config and vocab.txt, or the weights' file or prefix in it:
        Google's checkpoints, tf-models-official's, Hugging Face's safetensors.
      lower_case: Whether text is lower-cased. None: as the config says, else by the vocabulary.

    Raises:
      ValueError: The weights, config or vocabulary are missing or do not fit each other, or the
        row's windows are longer than the encoder's positions.
    """
    from largebatch import models
    from largebatch.data.files import storage
    from largebatch.data.text.wordpiece import Vocabulary

    flag = f"--init_checkpoint={path}"
    weights = models.find_weights(path)
    folder = os.path.dirname(weights) or "."
    config = models.read_bert_config(folder)
    vocabulary_file = os.path.join(folder, "vocab.txt")
    if storage.size(vocabulary_file) is None:
        raise UserError(f"{flag}: no vocab.txt in {folder}; copy the weights' own there")
    vocabulary = Vocabulary.read(vocabulary_file)
    if len(vocabulary) != config.vocabulary_size:
        raise UserError(
            f"{vocabulary_file} has {len(vocabulary)} pieces and {config.file} a vocab_size of "
            f"{config.vocabulary_size}: it is another model's vocabulary"
        )
    shapes = models.open_weights(weights).shapes
    (positions, _), (types, _) = (
        shapes.get(f"bert/embeddings/{kind}_embeddings", (0, 0))
        for kind in ("position", "token_type")
    )
    shape = {
        "max_positions": config.max_positions or positions,
        "types": config.types or types,
        "activation": config.activation,
    }
    if row.squad_sequence_length > shape["max_positions"]:
        raise UserError(
            f"{flag}: the encoder has {shape['max_positions']} positions and the row windows of "
            f"{row.squad_sequence_length}; --set squad_sequence_length to fewer"
        )
    lower, why = _lower_case(lower_case, config.lower_case, vocabulary)
    stack.say(
        f"{flag}: {config.model}, {len(vocabulary)} pieces; text is "
        f"{'' if lower else 'not '}lower-cased ({why})"
    )

    def load(model):
        models.load_bert_checkpoint(model, weights)

    origin = f"released: {os.path.basename(os.path.abspath(folder))}"
    encoder = Encoder(load, origin, vocabulary_file, lower, shape, vocabulary.sha256)
    return _fitted(row, flag, config), encoder


def record(encoder: Encoder) -> dict[str, Any]:
    """What a run's files say of a released encoder."""
    from largebatch.data.files import storage

    file = encoder.vocabulary_file
    return {
        "vocabulary_file": file if storage.is_remote(file) else os.path.abspath(file),
        "vocabulary_sha256": encoder.vocabulary_sha256,
        "lower_case": encoder.lower_case,
        "encoder": encoder.shape,
    }


def _lower_case(
    asked: bool | None, stated: bool | None, vocabulary: Vocabulary
) -> tuple[bool, str]:
    """(whether text is lower-cased, who says so)."""
    if asked is not None:
        return asked, "--lower_case"
    if stated is not None:
        return stated, "do_lower_case of its config"
    words = (piece for piece in vocabulary.pieces if not piece.startswith("["))
    capital = next((word for word in words if any("A" <= c <= "Z" for c in word)), None)
    if capital is None:
        return True, "no piece of the vocabulary has a capital; --nolower_case to change"
    return False, f"the vocabulary has {capital!r}; --lower_case to change"


def _fitted(row: Row, flag: str, config: Any) -> Row:
    """The row with the encoder's size and vocabulary."""
    wanted = {"model": config.model, "vocabulary_size": config.vocabulary_size}
    changes = {field: value for field, value in wanted.items() if getattr(row, field) != value}
    for field in set(changes) & set(row.overrides):
        raise UserError(
            f"--set {field}={row.overrides[field]}: {config.file} says {wanted[field]}; leave it "
            f"out with {flag}"
        )
    note = Source("assumed", f"of the checkpoint's config, {os.path.basename(config.file)}")
    return dataclasses.replace(
        row,
        **changes,
        overrides={**row.overrides, **changes},
        sources={**row.sources, **dict.fromkeys(changes, note)},
    )
