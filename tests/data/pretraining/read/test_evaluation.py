import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from largebatch.data import find_pretraining, pretraining_eval_dataset
from largebatch.data.pretraining.read import evaluation as module


@pytest.fixture(scope="module")
def files(shards):
    return find_pretraining(shards, 16)


def batches(files, hosts=1, host=0, replicas=1, **settings):
    context = tf.distribute.InputContext(hosts, host, replicas)
    return list(pretraining_eval_dataset(files, context=context, **settings).as_numpy_iterator())


@pytest.mark.parametrize(
    ("hosts", "replicas", "batch", "limit"),
    [(1, 4, 2, 9), (3, 6, 16, None)],  # and more hosts than shards
)
def test_every_held_out_example_counts_once_on_any_hosts_and_replicas(
    files, hosts, replicas, batch, limit
):
    numbers, lengths = [], set()
    for host in range(hosts):
        yielded = batches(files, hosts, host, replicas, batch=batch, limit=limit)
        lengths.add(len(yielded))
        for element in yielded:
            assert set(element["weight"]) <= {0.0, 1.0}
            assert not element["masked_lm_weights"][element["weight"] == 0].any()
            numbers.extend(element["input_word_ids"][element["weight"] == 1, 0])
    assert sorted(numbers) == list(range(11 if limit is None else limit))
    (length,) = lengths  # every host yields as many
    assert length % (replicas // hosts) == 0


def test_an_examples_features_are_its_records(files, new_example):
    (element,) = batches(files, batch=11)
    for row in range(11):
        record = new_example(row, 16, 3)
        np.testing.assert_array_equal(element["input_word_ids"][row], record["input_ids"])
        np.testing.assert_array_equal(element["input_type_ids"][row], record["segment_ids"])
        np.testing.assert_array_equal(
            element["masked_lm_weights"][row], record["masked_lm_weights"]
        )


def test_a_large_shard_is_read_in_pieces(files, monkeypatch):
    monkeypatch.setattr(module, "_MOST", 3)
    numbers = [element["input_word_ids"][:, 0] for element in batches(files, batch=4)]
    assert np.concatenate(numbers)[:11].tolist() == list(range(11))


def test_batches_have_static_shapes(files):
    dataset = pretraining_eval_dataset(files, batch=4, context=tf.distribute.InputContext())
    assert dataset.element_spec == {
        "input_word_ids": tf.TensorSpec((4, 16), tf.int32),
        "input_mask": tf.TensorSpec((4, 16), tf.int32),
        "input_type_ids": tf.TensorSpec((4, 16), tf.int32),
        "masked_lm_positions": tf.TensorSpec((4, 3), tf.int32),
        "masked_lm_ids": tf.TensorSpec((4, 3), tf.int32),
        "masked_lm_weights": tf.TensorSpec((4, 3), tf.float32),
        "next_sentence_labels": tf.TensorSpec((4,), tf.int32),
        "weight": tf.TensorSpec((4,), tf.float32),
    }


def test_a_wrong_setting_is_named(files):
    with pytest.raises(ValueError, match="the evaluation batch is 0"):
        batches(files, batch=0)
    with pytest.raises(ValueError, match="limit is 0 examples"):
        batches(files, batch=4, limit=0)
    with pytest.raises(ValueError, match="lists no held-out examples.*--eval_fraction"):
        batches(dataclasses.replace(files, eval=()), batch=4)
