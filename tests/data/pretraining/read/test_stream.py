import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from largebatch.data import Updates, find_pretraining, pretraining_dataset


def context(hosts=1, host=0, replicas=1):
    return tf.distribute.InputContext(hosts, host, replicas)


@pytest.fixture(scope="module")
def files(shards):
    return find_pretraining(shards, 16)


def elements(files, **settings):
    settings = {
        "batch_size": 8,
        "micro_batch": 8,
        "context": context(),
        "seed": 3,
        "first_step": 0,
        "steps": 12,
        "block": 12,  # an epoch of 32 examples has about three blocks
        **settings,
    }
    names = {field.name for field in dataclasses.fields(Updates)}
    updates = Updates(**{name: settings.pop(name) for name in names & set(settings)})
    return list(pretraining_dataset(files, updates, **settings).as_numpy_iterator())


def joined(elements):
    """The examples of the stream's micro-batches, one after another."""
    keys = [key for key, value in elements[0].items() if len(np.shape(value)) and "seed" not in key]
    return {key: np.concatenate([element[key] for element in elements]) for key in keys}


def numbers(elements):
    """Token 0 of an example of the fixture is its number in the split."""
    return np.concatenate([element["input_word_ids"][:, 0] for element in elements] or [[]])


def assert_same(first, second):
    assert first.keys() == second.keys()
    for key in first:
        np.testing.assert_array_equal(first[key], second[key])


@pytest.fixture(scope="module")
def stream(files):
    return elements(files)


def test_each_epoch_holds_every_example_once_in_another_order(stream):
    epochs = numbers(stream).reshape(3, 32)
    for epoch in epochs:
        assert sorted(epoch) == list(range(32))
    assert len({tuple(epoch) for epoch in epochs}) == 3


def test_a_block_mixes_the_examples_of_its_shards(files):
    """A block as large as the epoch permutes it as a whole."""
    one = numbers(elements(files, block=32, steps=4))
    shard = np.searchsorted([13, 21], one, side="right")
    assert (np.diff(shard) != 0).sum() > 8  # shard by shard it would change twice
    assert not np.array_equal(one, np.sort(one))


def test_another_seed_gives_another_stream(files, stream):
    for seed in (4, 3 + (1 << 32)):
        assert not np.array_equal(numbers(elements(files, seed=seed)), numbers(stream))


# 4 is an end of an epoch and 12 of the run; 6 lies inside a block.
@pytest.mark.parametrize("first_step", [4, 6, 12])
def test_starting_at_a_step_equals_skipping_to_it(files, stream, first_step):
    resumed = elements(files, first_step=first_step)
    assert len(resumed) == 12 - first_step
    for mine, wanted in zip(resumed, stream[first_step:]):
        assert_same(mine, wanted)


def test_micro_batches_and_replicas_do_not_change_a_global_batch(files, stream):
    split = elements(files, micro_batch=2, context=context(replicas=2), steps=5)
    assert len(split) == 5 * 8 // 2
    assert_same(joined(split), joined(stream[:5]))


def test_an_examples_features_are_its_records(files, new_example, stream):
    for element in stream[:2]:
        for row, number in enumerate(element["input_word_ids"][:, 0]):
            record = new_example(int(number), 16, 3)
            names = {"input_ids": "input_word_ids", "segment_ids": "input_type_ids"}
            for name, values in record.items():
                got = element[names.get(name, name)][row]
                np.testing.assert_array_equal(got, values if np.ndim(got) else values[0])


def test_an_element_has_static_shapes_and_the_models_types(files):
    dataset = pretraining_dataset(
        files, Updates(8, 4, context(replicas=2), seed=0, first_step=0, steps=1)
    )
    assert dataset.element_spec == {
        "input_word_ids": tf.TensorSpec((4, 16), tf.int32),
        "input_mask": tf.TensorSpec((4, 16), tf.int32),
        "input_type_ids": tf.TensorSpec((4, 16), tf.int32),
        "masked_lm_positions": tf.TensorSpec((4, 3), tf.int32),
        "masked_lm_ids": tf.TensorSpec((4, 3), tf.int32),
        "masked_lm_weights": tf.TensorSpec((4, 3), tf.float32),
        "next_sentence_labels": tf.TensorSpec((4,), tf.int32),
        "weight": tf.TensorSpec((4,), tf.float32),
        "update_masked": tf.TensorSpec((), tf.float32),
        "update_sequences": tf.TensorSpec((), tf.float32),
        "dropout_seed": tf.TensorSpec((2,), tf.int32),
    }


@pytest.fixture(scope="module")
def of_two_hosts(files):
    """3 updates on 4 replicas, 2 micro-batches each: 4 elements a host and update."""
    return [
        elements(files, micro_batch=1, context=context(2, host, 4), steps=3) for host in range(2)
    ]


def test_the_replicas_parts_of_an_update_sum_to_the_whole(of_two_hosts):
    """Every element of an update says the same on a host."""
    for step in range(3):
        updates = [part[step * 4 : (step + 1) * 4] for part in of_two_hosts]
        masked = sum(element["masked_lm_weights"].sum() for part in updates for element in part)
        said = [[element["update_masked"] for element in part] for part in updates]
        assert all(len(set(values)) == 1 for values in said)
        assert sum(values[0] * 2 for values in said) == masked
        sequences = {element["update_sequences"] for part in updates for element in part}
        assert sequences == {2.0}  # 8 sequences on 4 replicas


def test_dropout_seeds_differ_and_depend_on_the_place_in_the_global_batch_only(files, of_two_hosts):
    of_one = elements(files, micro_batch=1, context=context(replicas=4), steps=3)
    one, first, second = (
        np.reshape([element["dropout_seed"] for element in host], (3, -1, 2))  # [step, place, 2]
        for host in (of_one, *of_two_hosts)
    )
    assert len({tuple(seed) for seed in one.reshape(-1, 2)}) == 3 * 8
    np.testing.assert_array_equal(np.concatenate([first, second], 1), one)


def test_more_hosts_than_shards_share_records_disjointly(write_shards, tmp_path):
    one_shard = find_pretraining(write_shards(tmp_path, train=(12,)), 16)
    settings = {"batch_size": 4, "micro_batch": 2, "steps": 3}
    parts = [
        numbers(elements(one_shard, context=context(2, host, 2), **settings)) for host in (0, 1)
    ]
    assert sorted(np.concatenate(parts)) == list(range(12))


def test_a_host_resumes_in_its_own_list(files):
    settings = {"batch_size": 8, "micro_batch": 2, "context": context(2, 1, 2), "steps": 20}
    whole = elements(files, **settings)
    resumed = elements(files, first_step=13, **settings)  # its third epoch
    np.testing.assert_array_equal(numbers(resumed), numbers(whole)[4 * 13 :])


def test_a_batch_may_be_larger_than_the_data(files):
    got = numbers(elements(files, batch_size=80, micro_batch=40, steps=4)).reshape(10, 32)
    assert (np.sort(got, axis=1) == np.arange(32)).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"micro_batch": 3}, "8 is not a multiple of 1 replicas x 3"),
        ({"first_step": 13}, "first_step is 13, wanted 0 to steps = 12"),
        ({"block": 0}, "the block is 0 examples"),
        (
            {"context": context(64, 0, 64), "batch_size": 64, "micro_batch": 1},
            "32 training examples cannot be shared by 64 hosts",
        ),
    ],
)
def test_a_wrong_setting_is_named(files, settings, message):
    with pytest.raises(ValueError, match=message):
        elements(files, **settings)
