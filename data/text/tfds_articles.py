"""Articles of a TFDS set with a `text` feature, such as wikipedia, as documents."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Iterator
from typing import Any

from largebatch.data.text import input_ranges, text_documents


@dataclasses.dataclass(frozen=True)
class ArticleRange:
    """Examples [start, end) of the train split in a prepared set's folder; an article is a
    document."""

    folder: str
    start: int
    end: int
    text: str

    def documents(self) -> Iterator[tuple[str, list]]:
        import tensorflow as tf
        import tensorflow_datasets as tfds

        with tf.device("CPU:0"):
            articles = tfds.builder_from_directory(self.folder).as_dataset(
                split=f"train[{self.start}:{self.end}]",
                shuffle_files=False,
                read_config=tfds.ReadConfig(interleave_cycle_length=1, try_autocache=False),
            )
            for article in articles.as_numpy_iterator():
                text = article["text"].decode("utf-8")
                sentences = text_documents.sentences(text, self.text)
                if sentences:
                    yield text, sentences


def plan(options: Any) -> tuple[list[dict], list[list[ArticleRange]]]:
    """(the manifest's inputs, the shards' parts).

    Raises:
      ValueError: no such set has been prepared in the folder, or it has no text.
    """
    import tensorflow_datasets as tfds

    place = options.data_dir or "TFDS's own folder"
    try:
        builder = tfds.builder(options.tfds, data_dir=options.data_dir)
        split = builder.info.splits["train"]
    except (tfds.core.DatasetNotFoundError, KeyError, ValueError, OSError) as error:
        raise ValueError(
            f"--tfds={options.tfds} is not prepared in {place} (--data_dir); prepare it with "
            f"`tfds build {options.tfds}`. TFDS says: {str(error).strip().splitlines()[0]}"
        ) from error
    if "text" not in builder.info.features:
        raise ValueError(
            f"--tfds={options.tfds} has no feature `text`, but {', '.join(builder.info.features)}"
        )
    style = "free" if options.text == "auto" else options.text
    size, count = split.num_bytes, split.num_examples
    description = json.dumps([builder.info.full_name, list(split.shard_lengths), size])
    inputs = [
        {
            "file": f"tfds:{builder.info.full_name}",
            "bytes": size,
            # Of the set's name, version and shards: TFDS keeps no checksum of what it wrote.
            "sha256": hashlib.sha256(description.encode()).hexdigest(),
            "text": style,
        }
    ]
    shards = options.shards
    if shards is None:
        shards = input_ranges.default_shards(size)
    shards = min(shards, count)
    places = [count * shard // shards for shard in range(shards + 1)]
    folder = os.fspath(builder.data_dir)
    return inputs, [
        [ArticleRange(folder, start, end, style)] for start, end in zip(places, places[1:])
    ]
