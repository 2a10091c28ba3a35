"""Builds a WordPiece vocabulary from text.

    python -m largebatch.data.build_vocabulary --input='books/*.txt' --size=8192 --output=vocab.txt
    python -m largebatch.data.build_vocabulary --corpus=python --size=8192 --output=vocab.txt

--corpus=python is Python's own documentation, which needs no network. The vocabulary has exactly
the size asked for. The program ends with 0, or 2 for a mistake in what was asked for.
"""

from __future__ import annotations

import os
import sys
import tempfile

from largebatch.data.files import program
from largebatch.data.pretraining.make.generator_options import CORPORA


def main(argv: list[str] | None = None) -> None:
    parser = program.Flags(__doc__)
    parser.add("input", None, "Text files: glob patterns, separated by commas.")
    parser.add("corpus", None, "A text that needs no network.", choices=CORPORA)
    parser.add("size", 8192, "Pieces in the vocabulary.", int)
    parser.add("output", None, "The file to write.")
    parser.add("lower_case", True, "Lower-case the text and strip accents.", program.boolean)
    values = parser.parse_args(argv)
    if (values.input is None) == (values.corpus is None):
        parser.error("name the text with either --input or --corpus")
    if values.output is None:
        parser.error("--output is missing")

    from largebatch.data.files import storage
    from largebatch.data.text import corpus, vocabulary

    storage.check_writable(values.output)
    with tempfile.TemporaryDirectory() as scratch:
        if values.corpus:
            files = [os.path.join(scratch, "corpus.txt")]
            corpus.write_python_corpus(files[0])
        else:
            files = vocabulary.expand(filter(None, values.input.split(",")))
        vocabulary.build(files, values.size, values.output, values.lower_case)
    print(f"{values.output}: {values.size} pieces")


def console() -> int:
    return program.run(main)


if __name__ == "__main__":
    sys.exit(console())
