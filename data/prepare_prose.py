"""Makes pre-training data of books and articles: a vocabulary and shards for one or more lengths.

    python -m largebatch.data.prepare_prose --input=FOLDER_OF_TEXT --output=SHARDS

What BERT's tables train on at laptop scale. A document is a chapter of a novel (Project
Gutenberg's files) or an article (WikiText's): see data/text/prose.py. A share of the documents is
held out; the vocabulary is made of the others. The same text and options give the same bytes.

SHARDS holds documents.txt, vocabulary.txt and a folder of shards for each length: it is what
--data_dir names. The program ends with 0, or 2 for a mistake in what was asked for.
"""

from __future__ import annotations

import os
import tempfile

from largebatch import cli
from largebatch.stack import quiet_tensorflow

FLAGS = cli.new_flags()
define = cli.Define(FLAGS)
define.path("input", None, "The folder of .txt files.")
define.output_folder("output", None, "The folder to make.")
define.list("lengths", ["64", "128"], "Tokens of an example, in each stage.")
define.integer(
    "vocabulary_size", 4096, "Size of the vocabulary, made from the text that is not held out."
)
define.float("eval_fraction", 0.05, "Share of the documents that is held out.")
define.integer(
    "duplicate_factor", 5, "How many times the text is used, each time with other masks."
)
define.integer("seed", 12345, "Seed of everything random.")
define.integer("jobs", None, "Processes. Default: as many as cores.")


def main() -> int:
    cli.require(FLAGS, "input", "output")
    lengths = [_length(text) for text in FLAGS.lengths]
    if not lengths:
        raise ValueError("--lengths is empty, want for example --lengths=64,128")

    quiet_tensorflow(gpus=False)
    from largebatch.data.files import storage
    from largebatch.data.pretraining.make import shards
    from largebatch.data.pretraining.make.generator_options import GeneratorOptions
    from largebatch.data.pretraining.make.generator_progress import GeneratorProgress
    from largebatch.data.text import prose, vocabulary
    from largebatch.data.text.text_documents import is_held_out

    found = prose.collect(FLAGS.input)
    text, pieces = (
        os.path.join(FLAGS.output, f"{name}.txt") for name in ("documents", "vocabulary")
    )
    options = [
        GeneratorOptions(
            output=os.path.join(FLAGS.output, str(length), "prose"),
            vocab=pieces,
            input=(text,),
            sequence_length=length,
            duplicate_factor=FLAGS.duplicate_factor,
            seed=FLAGS.seed,
            jobs=FLAGS.jobs,
            eval_fraction=FLAGS.eval_fraction,
            text="free",
            blank_lines=2,
        )
        for length in lengths
    ]
    storage.make_folder(text)
    storage.write_bytes(text, prose.joined(found))
    kept = [document for document in found if not is_held_out(document, FLAGS.eval_fraction)]
    print(f"{len(found)} documents, {len(found) - len(kept)} of them held out", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        path = os.path.join(scratch, "training.txt")
        storage.write_bytes(path, prose.joined(kept))
        vocabulary.build([path], FLAGS.vocabulary_size, pieces)
    for each in options:
        shards.create(each, GeneratorProgress(quiet=FLAGS.quiet))
    return 0


def _length(text: str) -> int:
    if not text.strip().isdigit():
        raise ValueError(f"--lengths: {text!r} is no length, want for example --lengths=64,128")
    return int(text)


program, console = cli.entry(main, FLAGS, __doc__, interrupted=cli.GOES_ON)


if __name__ == "__main__":
    console()
