import numpy as np
import pytest
import tensorflow as tf

from largebatch.data import (
    Updates,
    load_squad,
    squad_eval_dataset,
    squad_train_dataset,
    squad_windows,
)


@pytest.fixture(scope="module")
def windows(squad_folder):
    return {
        split: squad_windows(
            load_squad(squad_folder, split=split),
            squad_folder / "vocab.txt",
            sequence_length=64,
            stride=16,
            question_length=8,
        )
        for split in ("train", "dev")
    }


def context(hosts=1, host=0, replicas=1):
    return tf.distribute.InputContext(hosts, host, replicas)


def train(windows, **settings):
    settings = {
        "batch_size": 8,
        "micro_batch": 8,
        "context": context(),
        "seed": 3,
        "first_step": 0,
        "steps": 9,
        **settings,
    }
    return list(squad_train_dataset(windows["train"], Updates(**settings)).as_numpy_iterator())


def joined(elements):
    keys = [key for key in elements[0] if key != "dropout_seed"]
    return {key: np.concatenate([element[key] for element in elements]) for key in keys}


def assert_same(first, second):
    assert first.keys() == second.keys()
    for key in first:
        np.testing.assert_array_equal(first[key], second[key])


def test_an_epoch_holds_every_window_once(windows):
    count = len(windows["train"])
    ids = joined(train(windows))["input_word_ids"][:count]
    assert sorted(map(tuple, ids)) == sorted(map(tuple, windows["train"].input_word_ids))


def test_an_element_is_a_windows_inputs_and_answer(windows):
    mine = windows["train"]
    (element, *_) = train(windows, batch_size=len(mine), micro_batch=len(mine), steps=1)
    rows = {tuple(row): number for number, row in enumerate(mine.input_word_ids)}
    for row in range(len(mine)):
        number = rows[tuple(element["input_word_ids"][row])]
        tokens, start = mine.tokens[number], mine.context_start[number]
        assert element["input_mask"][row].tolist() == [1] * tokens + [0] * (64 - tokens)
        types = [0] * start + [1] * (tokens - start) + [0] * (64 - tokens)
        assert element["input_type_ids"][row].tolist() == types
        assert element["start_positions"][row] == mine.start_positions[number]
        assert element["end_positions"][row] == mine.end_positions[number]


def test_starting_at_a_step_equals_skipping_to_it(windows):
    for mine, wanted in zip(train(windows, first_step=4), train(windows)[4:]):
        assert_same(mine, wanted)


def test_hosts_replicas_and_micro_batches_do_not_change_a_global_batch(windows):
    whole = joined(train(windows))
    split = train(windows, micro_batch=2, context=context(replicas=2))
    assert_same(joined(split), whole)
    parts = [joined(train(windows, micro_batch=2, context=context(2, host, 2))) for host in (0, 1)]
    for key, values in whole.items():
        by_step = [part[key].reshape(9, 4, *values.shape[1:]) for part in parts]
        np.testing.assert_array_equal(np.concatenate(by_step, 1).reshape(values.shape), values)


def test_dropout_seeds_differ_and_are_a_function_of_the_seed(windows):
    def seeds(**settings):
        return [tuple(one["dropout_seed"]) for one in train(windows, micro_batch=2, **settings)]

    assert len(set(seeds())) == 36
    assert seeds() == seeds() and not set(seeds()) & set(seeds(seed=4))


@pytest.mark.parametrize(("hosts", "replicas", "batch"), [(1, 1, 5), (2, 4, 3), (4, 4, 64)])
def test_evaluation_has_every_window_once(windows, hosts, replicas, batch):
    ids, lengths = [], set()
    for host in range(hosts):
        placed = context(hosts, host, replicas)
        elements = list(
            squad_eval_dataset(windows["dev"], batch=batch, context=placed).as_numpy_iterator()
        )
        lengths.add(len(elements))
        for element in elements:
            assert not element["unique_ids"][element["weight"] == 0].any()
            ids.extend(element["unique_ids"][element["weight"] == 1])
    assert sorted(ids) == sorted(windows["dev"].unique_ids)
    (length,) = lengths
    assert length % (replicas // hosts) == 0


def test_elements_have_static_shapes(windows):
    inputs = {
        name: tf.TensorSpec((4, 64), tf.int32)
        for name in ("input_word_ids", "input_mask", "input_type_ids")
    }
    weight = tf.TensorSpec((4,), tf.float32)
    number = tf.TensorSpec((4,), tf.int32)
    dataset = squad_train_dataset(
        windows["train"], Updates(8, 4, context(), seed=0, first_step=0, steps=1)
    )
    assert dataset.element_spec == {
        **inputs,
        "start_positions": number,
        "end_positions": number,
        "weight": weight,
        "dropout_seed": tf.TensorSpec((2,), tf.int32),
    }
    dataset = squad_eval_dataset(windows["dev"], batch=4, context=context())
    assert dataset.element_spec == {**inputs, "unique_ids": number, "weight": weight}


def test_a_wrong_setting_is_named(windows):
    with pytest.raises(ValueError, match="8 is not a multiple of 1 replicas x 3"):
        train(windows, micro_batch=3)
    with pytest.raises(ValueError, match="8 is not a multiple of 1 replicas x 3"):
        train(windows, micro_batch=3, pad=True)  # no window has weight 0
    with pytest.raises(ValueError, match="these windows are of SQuAD's dev split"):
        train({"train": windows["dev"]})
    with pytest.raises(ValueError, match="the evaluation batch is 0"):
        squad_eval_dataset(windows["dev"], batch=0, context=context())
