"""Splits questions of SQuAD v1.1 anew, by paragraph: for a sample too small to split by article.

    python -m largebatch.data.split_squad --squad_dir=SAMPLE --output_dir=SPLIT --dev_fraction=0.3

All paragraphs of both files are split again: a paragraph with all its questions goes into one of
the new files, train-v1.1.json or dev-v1.1.json, whichever its text alone says, so that the same
command gives the same files. Paragraphs of one article are in both: the questions are easier than
those of SQuAD's own split, whose articles differ, and scores are not to be compared with it. A
training question keeps its first answer. The program ends with 0, or 2 for a mistake in what was
asked for.
"""

from __future__ import annotations

from largebatch import cli
from largebatch.stack import quiet_tensorflow

FLAGS = cli.new_flags()
define = cli.Define(FLAGS)
define.path("squad_dir", None, "The folder with SQuAD's two files.")
define.output_folder("output_dir", None, "The folder for the new files.")
define.float("dev_fraction", 0.3, "About what share of the paragraphs goes into the dev file.")


def main() -> int:
    cli.require(FLAGS, "squad_dir", "output_dir")
    quiet_tensorflow(gpus=False)
    from largebatch.data.squad import squad_split
    from largebatch.data.squad.squad import SPLITS, load_squad

    both = [load_squad(FLAGS.squad_dir, split=split) for split in SPLITS]
    for made in squad_split.write(both, FLAGS.dev_fraction, FLAGS.output_dir):
        paragraphs = sum(len(article["paragraphs"]) for article in made.articles)
        print(f"{made.file}: {made.questions} questions on {paragraphs} paragraphs")
    return 0


program, console = cli.entry(main, FLAGS, __doc__)


if __name__ == "__main__":
    console()
