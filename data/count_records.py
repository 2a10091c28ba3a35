"""Counts the records of ImageNet's raw TFRecord files, once, before they are trained on.

    python -m largebatch.data.count_records --data_dir=gs://BUCKET/imagenet

The folder holds train-00000-of-01024, ..., validation-00000-of-00128, ... as Google's
imagenet_to_gcs.py writes them, or as many as there are. The counts go to largebatch_counts.json
beside the files or, where that cannot be written, to this machine's cache folder. The program ends
with 0, or 2 for files that are missing, cut or fewer images than ImageNet has.
"""

from __future__ import annotations

from largebatch import cli
from largebatch.stack import quiet_tensorflow

FLAGS = cli.new_flags()
define = cli.Define(FLAGS)
define.path("data_dir", None, "The files' folder, local or gs://...")
define.integer("jobs", 16, "How many files to read at once.")


def main() -> int:
    cli.require(FLAGS, "data_dir")
    cli.at_least(FLAGS, jobs=1)

    quiet_tensorflow(gpus=False)
    from largebatch.data.imagenet import counts

    path, images = counts.count(FLAGS.data_dir, FLAGS.jobs)
    found = ", ".join(f"{number:,} {split} images" for split, number in images.items())
    print(f"{found}; written to {path}")
    return 0


program, console = cli.entry(main, FLAGS, __doc__, interrupted=cli.GOES_ON)


if __name__ == "__main__":
    console()
