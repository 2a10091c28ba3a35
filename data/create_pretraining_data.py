"""Makes BERT's pre-training data from text: TFRecord shards, a vocabulary's copy and a manifest.

    python -m largebatch.data.create_pretraining_data --input='books/*.txt,wiki/*.txt' \\
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

import sys

from largebatch.data.files import program
from largebatch.data.pretraining.make.generator_options import (
    CORPORA,
    RUNNERS,
    TEXT_STYLES,
    GeneratorOptions,
)


def flags() -> program.Flags:
    parser = program.Flags(__doc__)
    parser.add("input", None, "Text files: glob patterns, separated by commas.")
    parser.add("tfds", None, "A prepared TFDS set with a feature `text`, for example wikipedia.")
    parser.add("data_dir", None, "The folder of --tfds; by default TFDS's own.")
    parser.add("corpus", None, "A text that needs no network: Python's documentation.",
               choices=CORPORA)  # fmt: skip
    parser.add("output", None, "What the files' names begin with, with their folder.")
    parser.add("vocab", None, "The WordPiece vocabulary, one piece a line.")
    parser.add("sequence_length", 128, "Tokens of an example.", int)
    parser.add("max_predictions", None, "Masked tokens of an example, at most. "
               "Default: 20 at 128, 80 at 512, otherwise 15 % of the length.", int)  # fmt: skip
    parser.add("masked_fraction", 0.15, "How much of an example is masked.", float)
    parser.add("duplicate_factor", 10, "How often the text is used, with other masks.", int)
    parser.add("short_sequence_probability", 0.1, "Of a document of shorter examples.", float)
    parser.add("whole_word_masking", False, "Mask all pieces of a word.", program.boolean)
    parser.add("lower_case", True, "Lower-case the text and strip accents.", program.boolean)
    parser.add("seed", 12345, "Of everything random.", int)
    parser.add("eval_fraction", 0.0, "Documents set aside in PREFIX-eval-… files.", float)
    parser.add("text", "auto", "sentences: one a line; free: prose, to be cut into sentences; "
               "auto: by each file's beginning.", choices=TEXT_STYLES)  # fmt: skip
    parser.add("blank_lines", 1, "Blank lines that end a document, at least; 2 or more suit books "
               "with a blank line after each paragraph.", int)  # fmt: skip
    parser.add("shards", None, "Default: one for 8 MiB of text, more for less than 64 MiB.", int)
    parser.add("jobs", None, "Processes, each well under 1 GB. Default: the cores.", int)
    parser.add("runner", None, "Make the shards in an Apache Beam pipeline; further flags are "
               "Beam's. Needs the extra largebatch[beam].", choices=RUNNERS)  # fmt: skip
    return parser


def main(argv: list[str] | None = None) -> None:
    parser = flags()
    values, rest = parser.parse_known_args(argv)
    if rest and values.runner is None:
        parser.error(f"unknown: {' '.join(rest)}")
    for name in ("output", "vocab"):
        if getattr(values, name) is None:
            parser.error(f"--{name} is missing")
    given = dict(vars(values), runner_arguments=tuple(rest))
    if given["input"] is not None:
        given["input"] = tuple(filter(None, given["input"].split(",")))
    options = GeneratorOptions(**given)

    from largebatch.data.pretraining.make import shards
    from largebatch.data.pretraining.make.generator_progress import GeneratorProgress

    shards.create(options, GeneratorProgress())


def console() -> int:
    return program.run(main)


if __name__ == "__main__":
    sys.exit(console())
