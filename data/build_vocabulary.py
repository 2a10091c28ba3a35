"""Builds a WordPiece vocabulary from text.

    python -m largebatch.data.build_vocabulary --input='books/*.txt' --size=8192 --output=vocab.txt
    python -m largebatch.data.build_vocabulary --corpus=python --size=8192 --output=vocab.txt

--corpus=python is Python's own documentation, which needs no network. The vocabulary has exactly
the size asked for. The program ends with 0, or 2 for a mistake in what was asked for.
"""

from __future__ import annotations

import os
import tempfile

from largebatch import cli
from largebatch.data.pretraining.make.generator_options import CORPORA
from largebatch.stack import quiet_tensorflow

FLAGS = cli.new_flags()
define = cli.Define(FLAGS)
define.multi_path(
    "input", None, "Text files: glob patterns separated by commas; may be given again."
)
define.enum("corpus", None, CORPORA, "Text that ships with the package: Python's documentation.")
define.integer("size", 8192, "Pieces in the vocabulary.")
define.output_file("output", None, "The file to write.")
define.boolean("lower_case", True, "Lower-case the text and strip accents.")


def main() -> int:
    if (FLAGS.input is None) == (FLAGS.corpus is None):
        raise ValueError("name the text with either --input or --corpus")
    cli.require(FLAGS, "output")

    from largebatch.data.files import storage

    if any(map(storage.is_remote, [FLAGS.output, *(FLAGS.input or ())])):
        quiet_tensorflow(gpus=False)  # local files are read without it
    from largebatch.data.text import corpus, vocabulary

    with tempfile.TemporaryDirectory() as scratch:
        if FLAGS.corpus:
            files = [os.path.join(scratch, "corpus.txt")]
            corpus.write_python_corpus(files[0])
        else:
            files = vocabulary.expand(storage.patterns(FLAGS.input))
        vocabulary.build(files, FLAGS.size, FLAGS.output, FLAGS.lower_case)
    print(f"{FLAGS.output}: {FLAGS.size} pieces")
    return 0


program, console = cli.entry(main, FLAGS, __doc__, interrupted=cli.GOES_ON)


if __name__ == "__main__":
    console()
