"""All of ImageNet's geometry, with the files of what is needed alone."""

import os
import time

import numpy as np
import pytest
import tensorflow as tf

from largebatch.data import ImageNetFiles, Updates, imagenet_train_dataset
from largebatch.data.imagenet.files import RAW_LAYOUT, ImageShard
from largebatch.data.imagenet.train import BLOCK
from largebatch.data.streams.shard_order import ShardOrder

COUNTS = [1252] * 1023 + [371]  # of Google's 1024 files: 1,281,167 images
BATCH, STEP = 32_768, 100_000


@pytest.fixture
def files(tmp_path):
    """The files, of which none is there yet."""
    shards = [
        ImageShard(str(tmp_path / f"train-{number:05d}-of-01024"), count)
        for number, count in enumerate(COUNTS)
    ]
    return ImageNetFiles(str(tmp_path), "raw", 8, tuple(shards), (), RAW_LAYOUT)


@pytest.mark.parametrize("hosts", [1, 128])
def test_a_run_goes_on_at_step_100000_by_arithmetic(files, hosts, new_imagenet_record):
    context = tf.distribute.InputContext(hosts, hosts - 1, hosts)
    start = time.process_time()
    order = ShardOrder(files.train, 0, hosts, hosts - 1, BLOCK)
    # The block in which the step begins, and the next, which is read ahead.
    blocks = list(order.blocks(STEP * BATCH // hosts).take(2))
    needed = {path.decode() for block in blocks for path in block["run_path"].numpy()}
    assert len(needed) < 16
    content = {"image/encoded": tf.io.encode_jpeg(np.zeros((8, 8, 3), np.uint8)).numpy()}
    record = new_imagenet_record(7, "image/class/label", **content)
    counts = {shard.path: shard.examples for shard in files.train}
    for path in needed:
        with tf.io.TFRecordWriter(path) as writer:
            for _ in range(counts[path]):
                writer.write(record)
    dataset = imagenet_train_dataset(
        files, Updates(BATCH, 64, context, seed=0, first_step=STEP, steps=STEP + 1)
    )
    batch = next(iter(dataset))
    seconds = time.process_time() - start
    assert batch["label"].numpy().tolist() == [6] * 64
    assert sorted(os.listdir(files.folder)) == sorted(map(os.path.basename, needed))
    assert seconds < 30  # 3 on a quiet machine
