import numpy as np
import pytest
import tensorflow as tf

from largebatch.data.streams.updates import Updates, UpdateSlices

STEPS, BATCH, MICRO = 4, 12, 2


def seeds(first_step=0, host=0, hosts=1, micro_batch=MICRO, seed=3):
    context = tf.distribute.InputContext(hosts, host, hosts)
    pieces = BATCH // hosts // micro_batch
    numbers = tf.data.Dataset.range(first_step * pieces, STEPS * pieces)
    updates = Updates(BATCH, micro_batch, context, seed, first_step, STEPS)
    elements = updates.with_dropout_seeds(numbers.map(lambda number: {"number": number}))
    read = list(elements.as_numpy_iterator())
    assert [element["number"] for element in read] == list(numbers.as_numpy_iterator())
    return np.array([element["dropout_seed"] for element in read])


def test_each_example_of_each_update_has_a_seed_of_its_own():
    found = seeds()
    assert found.shape == (STEPS * BATCH // MICRO, MICRO, 2) and found.dtype == np.int32
    assert len(np.unique(found.reshape(-1, 2), axis=0)) == STEPS * BATCH
    assert (seeds(seed=4) != found).any(axis=-1).all()


@pytest.mark.parametrize("micro_batch", [1, 3, 12])
def test_a_place_in_the_global_batch_has_one_seed_whatever_the_micro_batch(micro_batch):
    np.testing.assert_array_equal(
        seeds(micro_batch=micro_batch).reshape(-1, 2), seeds().reshape(-1, 2)
    )


def test_a_resumed_stream_goes_on_with_the_same_seeds():
    np.testing.assert_array_equal(seeds(first_step=3), seeds()[3 * BATCH // MICRO :])


def test_hosts_share_the_seeds_of_the_global_batch():
    both = [seeds(host=host, hosts=2).reshape(STEPS, -1, 2) for host in (0, 1)]
    np.testing.assert_array_equal(np.concatenate(both, axis=1), seeds().reshape(STEPS, -1, 2))


def test_what_fills_up_a_batch_changes_no_seed_of_the_batch():
    step = tf.constant(2, tf.int64)
    padded = UpdateSlices(BATCH, 5, tf.distribute.InputContext(1, 0, 1), pad=True)
    filled = padded.example_seeds(3, step).numpy().reshape(-1, 2)
    assert len(filled) == 15
    np.testing.assert_array_equal(filled[:BATCH], seeds().reshape(STEPS, BATCH, 2)[2])


def test_a_start_after_the_end_is_an_error():
    with pytest.raises(ValueError, match="first_step is 5"):
        seeds(first_step=5)
