"""Where a fine-tuning's encoder comes from: a run's own pre-training, or a released checkpoint."""

from __future__ import annotations

import os
import re
from pathlib import Path

from largebatch.experiments.program.errors import UserError
from largebatch.experiments.rows.row import Row
from largebatch.experiments.tasks.finetuning import Encoder


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


def released(path: str) -> Encoder:
    """Google's released BERT: the folder with bert_model.ckpt and vocab.txt.

    Raises:
      UserError: There is no vocabulary beside it.
    """

    def load(model):
        from largebatch.models import load_google_checkpoint

        load_google_checkpoint(model, path)

    folder = path if os.path.isdir(path) else os.path.dirname(path)
    vocabulary = os.path.join(folder, "vocab.txt")
    if not os.path.exists(vocabulary):
        raise UserError(
            f"--init_checkpoint={path}: no vocab.txt in {folder}; give the folder that Google's "
            "release was unpacked into"
        )
    # The releases say it in their names: uncased_L-24_H-1024_A-16, cased_L-...
    cased = re.search(r"(^|[^n])cased_", os.path.basename(os.path.abspath(folder)))
    return Encoder(load, f"released: {os.path.basename(folder)}", vocabulary, not cased)
