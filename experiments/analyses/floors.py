"""What counting words scores on a BERT row's held-out text: the floors of its figures.

    python -m largebatch.experiments.floors --experiment=table1/lamb-8192 --scale=laptop \\
        --data_dir=SHARDS --output=results/analyses/bert_floors.json

With --output they are kept beside those of other texts, where a report finds them by what a run
says of its data: the vocabulary's digest and the number of examples of each stage.

Counts are of the training shards of all of the row's stages; scores are on the examples on which a
run is evaluated. A result above a floor has learned more than that table of counts holds.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from largebatch import cli
from largebatch.experiments.program.errors import UserError
from largebatch.experiments.records.text_floors import identity, same_text
from largebatch.experiments.tables import row_flags
from largebatch.stack import quiet_tensorflow

if TYPE_CHECKING:
    from largebatch.data.pretraining.read.files import PretrainingFiles

BLOCK = 65_536  # examples read at once

FLAGS = cli.new_flags()
row_flags.define(FLAGS, "table1/lamb-8192")
define = cli.Define(FLAGS)
define.path("data_dir", None, "The row's text or shards.")
define.enum("format", "text", ["text", "json"], "The format of what is printed.")
define.output_file("output", None, "A JSON file to add the floors to.")


def main() -> int:
    row = row_flags.row_of(FLAGS)
    if row.task != "pretraining":
        raise UserError(f"{row.name} has no text to count words of; want a row of BERT's")
    quiet_tensorflow()  # It starts here, once the row is known to be good.
    from largebatch.experiments.tasks import workload

    files = workload.text_files(row, FLAGS.data_dir)
    found = of_files(files)
    if FLAGS.output is not None:
        keep(FLAGS.output, {**identity(workload.text_summary(files)), "floors": found})
    if FLAGS.format == "json":
        print(json.dumps(found))
        return 0
    for metric, scores in found.items():
        for floor, score in scores.items():
            print(f"{metric:<24}{floor:<18}{score:.4f}")
    return 0


def keep(path: str, text: dict[str, Any]) -> None:
    """Writes the floors of one text to a file of them, in place of the same text's.

    Raises:
      UserError: The file holds something else.
    """
    texts = []
    if os.path.exists(path):
        try:
            with open(path, encoding="utf-8") as file:
                texts = json.load(file)["texts"]
            texts = [other for other in texts if not same_text(other, text)]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(f"--output={path}: not a file of floors ({error})") from error
    cli.write_json({"texts": [*texts, text]}, path)


def of_files(files: Sequence) -> dict[str, dict[str, float]]:
    """`data.masked_word_floors.floors` of the stages' files, scored as a run of them is."""
    from largebatch.data.pretraining.read.masked_word_floors import floors
    from largebatch.data.text.wordpiece import MASK, Vocabulary
    from largebatch.experiments.tasks.pretraining import EVAL_EXAMPLES

    mask_id = Vocabulary.read(files[0].vocabulary_file).id(MASK)
    held_out = next(blocks(files[-1], files[-1].eval, EVAL_EXAMPLES))
    return floors((b for each in files for b in blocks(each, each.train)), held_out, mask_id)


def blocks(files: PretrainingFiles, shards: Sequence, limit: int | None = None) -> Iterator[dict]:
    """The examples of shards as blocks of NumPy arrays; with `limit`, the first so many in one."""
    import numpy as np
    import tensorflow as tf

    from largebatch.data.pretraining.read.examples import RecordReader

    reader, parts, have = RecordReader(files), [], 0
    for shard in shards:
        for first in range(0, shard.examples, BLOCK):
            count = min(BLOCK, shard.examples - first, *([] if limit is None else [limit - have]))
            place = (tf.constant(n, tf.int64) for n in (first, count, shard.examples))
            read = reader.read(tf.constant(shard.path), *place)
            block = {name: value.numpy() for name, value in read.items()}
            if limit is None:
                yield block
                continue
            parts, have = [*parts, block], have + count
            if have == limit:
                break
        if limit is not None and have == limit:
            break
    if parts:
        yield {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


program, console = cli.entry(main, FLAGS, __doc__)


if __name__ == "__main__":
    console()
