import numpy as np
import pytest
import tensorflow as tf

from largebatch.data import eval_dataset


def batches(image_set, hosts=1, host=0, replicas=1, **settings):
    context = tf.distribute.InputContext(hosts, host, replicas)
    return list(eval_dataset(image_set, context=context, **settings).as_numpy_iterator())


@pytest.mark.parametrize(
    ("hosts", "replicas", "batch"),
    [(1, 1, 23), (1, 1, 8), (1, 1, 1), (1, 4, 5), (2, 2, 3), (2, 4, 2), (4, 4, 16), (1, 1, 100)],
)
@pytest.mark.parametrize("split", ["test", "train"])
def test_every_example_counts_once_on_any_hosts_and_replicas(
    image_set, hosts, replicas, batch, split
):
    labels, lengths = [], set()
    for host in range(hosts):
        yielded = batches(image_set, hosts, host, replicas, split=split, batch=batch)
        lengths.add(len(yielded))
        for element in yielded:
            assert element["image"].shape == (batch, 32, 32, 3)
            assert set(element["weight"]) <= {0.0, 1.0}
            assert np.isfinite(element["image"]).all()
            labels.extend(element["label"][element["weight"] == 1])
    assert sorted(labels) == list(range(23 if split == "test" else 50))
    (length,) = lengths  # every host yields as many
    assert length % (replicas // hosts) == 0


@pytest.mark.parametrize("hosts, replicas, batch", [(1, 1, 8), (1, 4, 5), (2, 2, 3), (4, 4, 16)])
@pytest.mark.parametrize("subset, wanted", [(10, 10), (23, 23), (1000, 23)])
def test_the_first_examples_are_a_subset_on_any_hosts_and_replicas(
    image_set, hosts, replicas, batch, subset, wanted
):
    found = []
    for host in range(hosts):
        for element in batches(image_set, hosts, host, replicas, batch=batch, subset=subset):
            assert (element["subset"] <= element["weight"]).all()
            found.extend(element["label"][element["subset"] == 1])
    assert sorted(found) == list(range(wanted))


def test_images_are_normalised_with_the_training_sets_mean_and_deviation(image_set):
    (element,) = batches(image_set, batch=23)
    wanted = (image_set.test_images / 255.0 - image_set.mean) / image_set.std
    np.testing.assert_allclose(element["image"], wanted, atol=1e-5)
    np.testing.assert_array_equal(element["label"], image_set.test_labels)


def test_batches_have_static_shapes(image_set):
    context = tf.distribute.InputContext()
    assert eval_dataset(image_set, batch=4, context=context).element_spec == {
        "image": tf.TensorSpec((4, 32, 32, 3), tf.float32),
        "label": tf.TensorSpec((4,), tf.int32),
        "weight": tf.TensorSpec((4,), tf.float32),
    }


def test_a_wrong_split_or_batch_is_named(image_set):
    with pytest.raises(ValueError, match="unknown split 'dev'"):
        batches(image_set, split="dev", batch=4)
    with pytest.raises(ValueError, match="the evaluation batch is 0"):
        batches(image_set, batch=0)
