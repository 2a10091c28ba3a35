"""Exports what a BERT run has trained: as a SavedModel, or as a checkpoint of Google's BERT code.

    python -m largebatch.experiments.export --run=OUT --part=encoder --output_dir=encoder
    python -m largebatch.experiments.export --run=OUT --part=squad --format=google --output_dir=bert

`encoder` is the pre-trained model: its encoder as a SavedModel, or with both heads for Google's
code. `squad` is the fine-tuned one, whose answers gave the run's F1.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from largebatch import cli
from largebatch.experiments.program.errors import UserError
from largebatch.experiments.records.reader import Run
from largebatch.experiments.records.reopen import open_run
from largebatch.experiments.rows.row import Row
from largebatch.experiments.tasks.finetuning import FOLDER
from largebatch.stack import quiet_tensorflow

FLAGS = cli.new_flags()
define = cli.Define(FLAGS)
define.path("run", None, "The run's folder.")
define.enum("part", "encoder", ["encoder", "squad"], "Which model to export.")
define.enum(
    "format",
    "saved_model",
    ["saved_model", "google"],
    "A SavedModel, or bert_model.ckpt, which --init_checkpoint starts from; both with vocabulary "
    "and bert_config.json.",
)
define.output_folder("output_dir", None, "The folder to make; it must not exist yet.")


def main() -> int:
    cli.require(FLAGS, "run", "output_dir")
    if os.path.isdir(FLAGS.output_dir) and os.listdir(FLAGS.output_dir):
        raise UserError(f"--output_dir={FLAGS.output_dir} is there already; give another folder")
    found, row = open_run(FLAGS.run)
    if row.task != "pretraining":
        raise UserError(f"--run={FLAGS.run}: {row.name} is no BERT")
    export(row, found, FLAGS.part, FLAGS.format, FLAGS.output_dir)
    print(f"wrote {FLAGS.output_dir}")
    return 0


def export(row: Row, run: Run, part: str, form: str, output_dir: str) -> None:
    quiet_tensorflow()
    from largebatch import models, tpu
    from largebatch.experiments.tasks.pretraining import build_pretrainer
    from largebatch.experiments.tasks.span_prediction import build_span_model

    folder = Path(run.folder)
    data = run.record.get("data") or {}
    vocabulary = _vocabulary(run, data)
    if part == "encoder":
        if "init_checkpoint" in data:
            raise UserError(f"--run={run.folder} has pre-trained nothing; give --part=squad")
        model = build_pretrainer(row)
        tpu.restore_model(model, folder / "checkpoints")
        saved = models.export_encoder
    else:
        model = build_span_model(row, data.get("encoder"))
        tpu.restore_model(model, folder / FOLDER / "checkpoints")
        saved = models.export_span_model
    write = saved if form == "saved_model" else models.write_google_checkpoint
    write(model, output_dir, vocabulary, data.get("lower_case"))


def _vocabulary(run: Run, data: dict[str, Any]) -> str:
    """The file of the run's vocabulary, unchanged since: an export without it is of no use."""
    file = data.get("vocabulary_file")
    if file is None:
        raise UserError(
            f"--run={run.folder} names no vocabulary, as runs of earlier versions; run it again "
            "in another folder to export it"
        )
    from largebatch.data.files import storage
    from largebatch.data.text.wordpiece import Vocabulary

    if storage.size(file) is None:
        raise UserError(
            f"the run's vocabulary {file} is not there any more; put it back, an export without "
            "it is of no use"
        )
    if Vocabulary.read(file).sha256 != data.get("vocabulary_sha256"):
        raise UserError(f"the run's vocabulary {file} has changed since; put the run's own back")
    return file


program, console = cli.entry(main, FLAGS, __doc__)


if __name__ == "__main__":
    console()
