import numpy as np
import pytest
import tensorflow as tf

from largebatch.data.dropout_seeds import with_dropout_seeds
from largebatch.data.update_slices import UpdateSlices

STEPS, BATCH, MICRO = 4, 12, 2


def seeds(first_step=0, host=0, hosts=1, micro_batch=MICRO, seed=3):
    context = tf.distribute.InputContext(hosts, host, hosts)
    pieces = BATCH // hosts // micro_batch
    numbers = tf.data.Dataset.range(first_step * pieces, STEPS * pieces)
    elements = with_dropout_seeds(
        numbers.map(lambda number: {"number": number}),
        batch_size=BATCH,
        micro_batch=micro_batch,
        context=context,
        seed=seed,
        first_step=first_step,
        steps=STEPS,
    )
    read = list(elements.as_numpy_iterator())
    assert [element["number"] for element in read] == list(numbers.as_numpy_iterator())
    return np.array([element["dropout_seed"] for element in read])


def test_each_micro_batch_of_each_update_has_a_seed_of_its_own():
    found = seeds()
    assert found.shape == (STEPS * BATCH // MICRO, 2) and found.dtype == np.int32
    assert len(np.unique(found, axis=0)) == len(found)
    assert (seeds(seed=4) != found).any(axis=1).all()


def test_a_resumed_stream_goes_on_with_the_same_seeds():
    np.testing.assert_array_equal(seeds(first_step=3), seeds()[3 * BATCH // MICRO :])


def test_hosts_share_the_seeds_of_the_global_batch():
    both = [seeds(host=host, hosts=2).reshape(STEPS, -1, 2) for host in (0, 1)]
    np.testing.assert_array_equal(np.concatenate(both, axis=1).reshape(-1, 2), seeds())


def test_they_are_those_of_the_other_streams():
    slices = UpdateSlices(BATCH, MICRO, tf.distribute.InputContext(1, 0, 1))
    wanted = [slices.dropout_seeds(3, tf.constant(step, tf.int64)) for step in range(STEPS)]
    np.testing.assert_array_equal(seeds(), np.concatenate(wanted))


def test_a_start_after_the_end_is_an_error():
    with pytest.raises(ValueError, match="first_step is 5"):
        seeds(first_step=5)
