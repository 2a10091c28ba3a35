"""Makes BERT's pre-training data from text: TFRecord shards, a vocabulary's copy and a manifest.

    python -m largebatch.data.create_pretraining_data --input='books/*.txt' --input='wiki/*.txt' \\
        --output=OUT/bert --vocab=vocab.txt --sequence_length=128
    python -m largebatch.data.create_pretraining_data --tfds=wikipedia/20230601.en --data_dir=DIR …
    python -m largebatch.data.create_pretraining_data --corpus=python …

Text: UTF-8, blank lines between documents, one sentence a line or free text (--text). The shards
are those of Google BERT's create_pretraining_data, which Google's BERT and tf-models-official read.
The same text, options and seed give the same bytes, whatever --jobs or --runner. A run that was
cut off goes on with the same command. The program ends with 0, or 2 for a mistake in what was
asked for.
"""

from __future__ import annotations

import dataclasses

from largebatch import cli
from largebatch.data.files import storage
from largebatch.data.pretraining.make.generator_options import (
    CORPORA,
    RUNNERS,
    TEXT_STYLES,
    GeneratorOptions,
)
from largebatch.stack import quiet_tensorflow

FLAGS = cli.new_flags()
define = cli.Define(FLAGS)
define.multi_path(
    "input", None, "Text files: glob patterns separated by commas; may be given again."
)
define.string("tfds", None, "A prepared TFDS set with a feature `text`, for example wikipedia.")
define.path("data_dir", None, "The folder of --tfds; by default TFDS's own.")
define.enum("corpus", None, CORPORA, "Text that ships with the package: Python's documentation.")
define.output_file("output", None, "Folder and beginning of the shards' names: SHARDS/128.")
define.path("vocab", None, "The WordPiece vocabulary, one piece a line.")
define.integer("sequence_length", 128, "Tokens of an example.")
define.integer(
    "max_predictions",
    None,
    "Masked tokens of an example, at most. Default: 20 at 128, 80 at 512, otherwise 15 % of the "
    "length.",
)
define.float("masked_fraction", 0.15, "Share of an example's tokens that is masked.")
define.integer(
    "duplicate_factor", 10, "How many times the text is used, each time with other masks."
)
define.float("short_sequence_probability", 0.1, "Probability of a shorter example.")
define.boolean("whole_word_masking", False, "Mask all pieces of a word.")
define.boolean("lower_case", True, "Lower-case the text and strip accents.")
define.integer("seed", 12345, "Seed of everything random.")
define.float(
    "eval_fraction", 0.0, "Share of the documents that is held out, in PREFIX-eval-… files."
)
define.enum(
    "text",
    "auto",
    TEXT_STYLES,
    "sentences: one a line; free: prose, to be cut into sentences; auto: by each file's beginning.",
)
define.integer(
    "blank_lines",
    1,
    "Blank lines that end a document, at least; 2 or more suit books with a blank line after each "
    "paragraph.",
)
define.integer("shards", None, "How many shards. Default: by the size of the text.")
define.integer("jobs", None, "Processes, each well under 1 GB. Default: the cores.")
define.enum(
    "runner",
    None,
    RUNNERS,
    "Make the shards in an Apache Beam pipeline; further flags are Beam's. Needs the extra "
    "largebatch[beam].",
)


def main(others: list[str]) -> int:
    if others and FLAGS.runner is None:
        raise ValueError(f"unknown: {' '.join(others)} (--help prints all flags)")
    cli.require(FLAGS, "output", "vocab")
    names = {field.name for field in dataclasses.fields(GeneratorOptions)}
    given = {name: FLAGS[name].value for name in names & set(FLAGS)}
    named = [FLAGS.output, FLAGS.vocab, *(FLAGS.input or ())]
    if FLAGS.tfds is not None or FLAGS.runner is not None or any(map(storage.is_remote, named)):
        quiet_tensorflow(gpus=False)  # all else is made without it
    if FLAGS.input is not None:
        given["input"] = storage.patterns(FLAGS.input)
    options = GeneratorOptions(**given, runner_arguments=tuple(others))

    from largebatch.data.pretraining.make import shards
    from largebatch.data.pretraining.make.generator_progress import GeneratorProgress

    shards.create(options, GeneratorProgress(quiet=FLAGS.quiet))
    return 0


program, console = cli.entry(main, FLAGS, __doc__, passes_on="unknown", interrupted=cli.GOES_ON)


if __name__ == "__main__":
    console()
