"""Counts the records of ImageNet's raw TFRecord files, once, before they are trained on.

    python -m largebatch.data.count_records --data_dir=gs://BUCKET/imagenet

The folder holds train-00000-of-01024, ..., validation-00000-of-00128, ... as Google's
imagenet_to_gcs.py writes them, or as many as there are. The counts go to largebatch_counts.json
beside the files or, where that cannot be written, to this machine's cache folder. The program ends
with 0, or 2 for files that are missing, cut or fewer images than ImageNet has.
"""

from __future__ import annotations

import sys

from largebatch.data.files import program


def main(argv: list[str] | None = None) -> None:
    parser = program.Flags(__doc__)
    parser.add("data_dir", None, "The files' folder, also gs://....")
    parser.add("jobs", 16, "Files that are read at once.", int)
    values = parser.parse_args(argv)
    if values.data_dir is None:
        parser.error("--data_dir is missing")
    if values.jobs < 1:
        parser.error(f"--jobs={values.jobs}: want 1 or more")

    from largebatch.data.imagenet import counts

    path, images = counts.count(values.data_dir, values.jobs)
    found = ", ".join(f"{number:,} {split} images" for split, number in images.items())
    print(f"{found}; written to {path}")


def console() -> int:
    return program.run(main)


if __name__ == "__main__":
    sys.exit(console())
