"""Batches cut from a packed store of text, against the suite's own streams."""

import random

import numpy as np
import pytest
import tensorflow as tf

from largebatch.benchmarks.gpu_text import TextStore, batches, evaluation, pack
from largebatch.data import (
    Updates,
    find_pretraining,
    prepare_pretraining,
    pretraining_dataset,
    pretraining_eval_dataset,
)
from largebatch.data.text.wordpiece import MASK, Vocabulary

SEED, LENGTHS, BATCHES = 3, (32, 64), (4, 8)
HELD_OUT = 10


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    """Documents of sentences of a few hundred words."""
    folder, draw = tmp_path_factory.mktemp("text"), random.Random(1)
    words = ["".join(draw.choices("abcdefgh", k=draw.randint(2, 7))) for _ in range(300)]

    def sentence():
        return " ".join(draw.choices(words, k=draw.randint(5, 14))).capitalize() + "."

    documents = ["\n".join(sentence() for _ in range(draw.randint(4, 12))) for _ in range(60)]
    (folder / "text.txt").write_text("\n\n".join(documents) + "\n")
    return prepare_pretraining(
        str(folder), LENGTHS, 300, str(folder / "cache"), duplicate_factor=2, eval_fraction=0.2
    )


def test_batches_of_every_size_are_those_of_the_stream(shards, tmp_path):
    files = [find_pretraining(shards, length) for length in LENGTHS]
    mask_id = Vocabulary.read(files[0].vocabulary_file).id(MASK)
    pack(tmp_path, files, (48, 24), (12, 6), [SEED], mask_id, HELD_OUT)
    store = TextStore(tmp_path)
    context = tf.distribute.InputContext(1, 0, 1)
    for stage, each in enumerate(files):
        for batch in BATCHES[stage:]:  # of one stage two
            steps = (48, 24)[stage] // batch
            numbers, dropout = store.block(SEED, stage, batch, 1, steps)
            ours = batches(store.examples[stage], numbers, dropout, batch)
            seed = SEED * len(files) + stage
            theirs = pretraining_dataset(each, Updates(batch, batch, context, seed, 1, steps))
            _check(ours, list(theirs.as_numpy_iterator()))


def test_held_out_examples_are_those_of_the_evaluation(shards, tmp_path):
    files = [find_pretraining(shards, length) for length in LENGTHS]
    mask_id = Vocabulary.read(files[0].vocabulary_file).id(MASK)
    pack(tmp_path, files, (8, 8), (2, 2), [SEED], mask_id, HELD_OUT)
    ours = evaluation(TextStore(tmp_path).held_out, 4)
    context = tf.distribute.InputContext(1, 0, 1)
    theirs = pretraining_eval_dataset(files[-1], batch=4, context=context, limit=HELD_OUT)
    for number, batch in enumerate(theirs.as_numpy_iterator()):
        assert set(batch) == set(ours)
        for name, value in batch.items():
            np.testing.assert_array_equal(ours[name][number], value, name)
    assert number + 1 == len(ours["weight"])


def _check(ours, theirs):
    # The block is one update longer than what is left, which it fills up from the start.
    assert len(theirs) + 1 == len(ours["weight"])
    for number, batch in enumerate(theirs):
        assert set(batch) == set(ours)
        for name, value in batch.items():
            np.testing.assert_array_equal(ours[name][number, 0], value, name)
            assert ours[name].dtype == value.dtype, name
