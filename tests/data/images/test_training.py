import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from largebatch.data import Updates, train_dataset


def context(hosts=1, host=0, replicas=1):
    return tf.distribute.InputContext(hosts, host, replicas)


def stream(image_set, **settings):
    """What train_dataset yields as arrays, the micro-batches of the stream one after another."""
    settings = {
        "batch_size": 16,
        "micro_batch": 16,
        "context": context(),
        "seed": 3,
        "first_step": 0,
        "steps": 25,
        "augment": "none",
        **settings,
    }
    names = {field.name for field in dataclasses.fields(Updates)}
    updates = Updates(**{name: settings.pop(name) for name in names & set(settings)})
    batches = list(train_dataset(image_set, updates, **settings).as_numpy_iterator())
    if not batches:
        return {"image": np.zeros((0,)), "label": np.zeros((0,), np.int32)}
    return {key: np.concatenate([batch[key] for batch in batches]) for key in batches[0]}


def assert_same(first, second):
    assert first.keys() == second.keys()
    for key in first:
        np.testing.assert_array_equal(first[key], second[key])


def test_each_epoch_holds_every_example_once_though_batches_straddle_epochs(image_set):
    labels = stream(image_set)["label"].reshape(8, 50)  # 25 batches of 16 are 8 epochs of 50
    for epoch in labels:
        assert sorted(epoch) == list(range(50))
    assert len({tuple(epoch) for epoch in labels}) == 8


def test_another_seed_gives_another_stream(image_set, augmented):
    assert not np.array_equal(augmented["label"], stream(image_set, seed=4)["label"])
    assert not np.array_equal(augmented["label"], stream(image_set, seed=3 + (1 << 32))["label"])


@pytest.fixture(scope="module")
def augmented(image_set):
    return stream(image_set, augment="davidnet")


# The first epoch ends within update 3, the run with 25.
@pytest.mark.parametrize("first_step", [3, 25])
def test_starting_at_a_step_equals_skipping_to_it(image_set, augmented, first_step):
    resumed = stream(image_set, augment="davidnet", first_step=first_step)
    np.testing.assert_array_equal(resumed["label"], augmented["label"][16 * first_step :])
    if first_step < 25:
        np.testing.assert_array_equal(resumed["image"], augmented["image"][16 * first_step :])


def test_micro_batches_and_replicas_do_not_change_a_global_batch(image_set, augmented):
    settings = {"steps": 7, "augment": "davidnet"}
    split = stream(image_set, micro_batch=2, context=context(replicas=4), **settings)
    assert_same(split, {key: value[: 7 * 16] for key, value in augmented.items()})


def test_hosts_get_disjoint_slices_that_make_up_the_global_batch(image_set, augmented):
    settings = {"steps": 7, "augment": "davidnet", "first_step": 2}
    whole = {key: value[2 * 16 : 7 * 16] for key, value in augmented.items()}
    parts = [
        stream(image_set, micro_batch=2, context=context(2, host, 4), **settings) for host in (0, 1)
    ]
    for key in whole:
        by_step = [part[key].reshape(5, 8, *part[key].shape[1:]) for part in parts]
        joined = np.concatenate(by_step, axis=1).reshape(whole[key].shape)
        np.testing.assert_array_equal(joined, whole[key])


def test_the_number_of_parallel_calls_changes_nothing(image_set, augmented):
    settings = {"augment": "davidnet", "micro_batch": 2}
    assert_same(stream(image_set, num_parallel_calls=3, **settings), augmented)


def test_a_batch_may_be_larger_than_the_set(image_set):
    settings = {"batch_size": 128, "micro_batch": 64, "steps": 25}
    labels = stream(image_set, **settings)["label"]
    assert (np.sort(labels.reshape(64, 50), axis=1) == np.arange(50)).all()
    later = stream(image_set, first_step=11, **settings)["label"]
    np.testing.assert_array_equal(later, labels[11 * 128 :])


@pytest.fixture(scope="module")
def of_thirteen(image_set):
    return stream(image_set, batch_size=13, micro_batch=13, augment="davidnet", steps=9)


@pytest.mark.parametrize(("micro_batch", "replicas"), [(3, 2), (16, 4)])
def test_a_batch_that_does_not_divide_is_filled_up_with_weight_0(
    image_set, of_thirteen, micro_batch, replicas
):
    # 13 examples an update: with weight 1 the same ones as without the filling.
    padded = stream(image_set, batch_size=13, micro_batch=micro_batch, pad=True, steps=9,
                    context=context(replicas=replicas), augment="davidnet")  # fmt: skip
    assert len(padded["weight"]) % (9 * micro_batch * replicas) == 0
    assert_same(of_thirteen, {key: value[padded["weight"] == 1] for key, value in padded.items()})


def test_what_fills_up_a_batch_lies_with_the_last_hosts(image_set):
    settings = {"batch_size": 13, "micro_batch": 4, "pad": True, "steps": 3}
    parts = [stream(image_set, context=context(2, host, 2), **settings) for host in range(2)]
    assert [part["weight"].sum() for part in parts] == [3 * 8, 3 * 5]
    plain = stream(image_set, batch_size=13, micro_batch=13, steps=3)["label"].reshape(3, 13)
    for host, real in ((0, plain[:, :8]), (1, plain[:, 8:])):
        labels = parts[host]["label"][parts[host]["weight"] == 1]
        np.testing.assert_array_equal(labels, real.reshape(-1))


def test_every_example_is_equally_likely_in_each_place(new_image_set):
    small = new_image_set(train=8, shape=(8, 8, 1))
    labels = stream(small, batch_size=800, micro_batch=800, steps=40)["label"].reshape(-1, 8)
    counts = np.stack([np.bincount(labels[:, place], minlength=8) for place in range(8)])
    expected = len(labels) / 8
    # chi-squared with 49 degrees of freedom: above 100 has a probability of 2e-5.
    assert (np.square(counts - expected) / expected).sum() < 100


def test_an_element_is_a_normalised_micro_batch_of_static_shape(image_set):
    dataset = train_dataset(
        image_set, Updates(16, 4, context(replicas=2), seed=0, first_step=0, steps=1)
    )
    assert dataset.element_spec == {
        "image": tf.TensorSpec((4, 32, 32, 3), tf.float32),
        "label": tf.TensorSpec((4,), tf.int32),
        "weight": tf.TensorSpec((4,), tf.float32),
    }
    elements = list(dataset.as_numpy_iterator())
    assert len(elements) == 4
    for element in elements:
        raw = image_set.train_images[element["label"]].astype(np.float64)
        np.testing.assert_allclose(
            element["image"], (raw / 255 - image_set.mean) / image_set.std, atol=1e-5
        )
        assert (element["weight"] == 1).all()


def test_replicas_of_a_strategy_get_successive_micro_batches(image_set):
    strategy = tf.distribute.MirroredStrategy([f"CPU:{number}" for number in range(4)])
    distributed = strategy.distribute_datasets_from_function(
        lambda context: train_dataset(image_set, Updates(16, 2, context, 3, 0, 2))
    )
    labels = []
    for batch in distributed:
        local = strategy.experimental_local_results(batch["label"])
        assert len(local) == 4
        labels += [value.numpy() for value in local]
    np.testing.assert_array_equal(np.concatenate(labels), stream(image_set, steps=2)["label"])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch_size": 18, "micro_batch": 4}, "18 is not a multiple of 1 replicas x 4"),
        ({"context": context(replicas=3)}, "16 is not a multiple of 3 replicas x 16"),
        ({"context": context(2, 0, 3), "micro_batch": 1}, "3 replicas .* 2 hosts"),
        ({"micro_batch": 0}, "must be positive"),
        ({"augment": "davident"}, "did you mean 'davidnet'"),
        ({"first_step": 26}, "first_step is 26, wanted 0 to steps = 25"),
    ],
)
def test_a_wrong_setting_is_named(image_set, settings, message):
    with pytest.raises(ValueError, match=message):
        stream(image_set, **settings)
