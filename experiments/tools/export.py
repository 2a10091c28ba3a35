"""Exports what a BERT run has trained: as a SavedModel, or as a checkpoint of Google's BERT code.

    python -m largebatch.experiments.export --run=OUT --part=encoder --output_dir=encoder
    python -m largebatch.experiments.export --run=OUT --part=squad --format=google --output_dir=bert

`encoder` is the pre-trained model: its encoder as a SavedModel, or with both heads for Google's
code. `squad` is the fine-tuned one, whose answers gave the run's F1.
"""

from __future__ import annotations

import os
from pathlib import Path

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
define.enum("part", "encoder", ["encoder", "squad"], "Which model.")
define.enum(
    "format",
    "saved_model",
    ["saved_model", "google"],
    "A SavedModel, or bert_model.ckpt, bert_config.json and vocab.txt.",
)
define.output_folder("output_dir", None, "Where to; it must not be there yet.")


def main() -> int:
    for name in ("run", "output_dir"):
        if FLAGS[name].value is None:
            raise UserError(f"--{name} is missing")
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
    vocabulary = (run.record.get("data") or {}).get("vocabulary_file")
    if vocabulary is not None and not os.path.exists(vocabulary):
        raise UserError(
            f"the run's vocabulary {vocabulary} is not there any more; put it back, an export "
            "without it is of no use"
        )
    if part == "encoder":
        model = build_pretrainer(row)
        tpu.restore_model(model, folder / "checkpoints")
        saved = models.export_encoder
    else:
        model = build_span_model(row)
        tpu.restore_model(model, folder / FOLDER / "checkpoints")
        saved = models.export_span_model
    write = saved if form == "saved_model" else models.write_google_checkpoint
    write(model, output_dir, vocabulary)


program, console = cli.entry(main, FLAGS, __doc__)


if __name__ == "__main__":
    console()
