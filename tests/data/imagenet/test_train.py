import dataclasses
import re
import shutil

import numpy as np
import pytest
import tensorflow as tf

from largebatch.data import (
    SkippedImages,
    Updates,
    find_imagenet,
    imagenet_eval_dataset,
    imagenet_train_dataset,
    reading_error,
)
from largebatch.data.imagenet import counts


def context(hosts=1, host=0, replicas=1):
    return tf.distribute.InputContext(hosts, host, replicas)


@pytest.fixture(scope="module")
def files(imagenet_folder):
    return find_imagenet(str(imagenet_folder), 8)


def joined(dataset):
    elements = list(dataset.as_numpy_iterator())
    return {key: np.concatenate([e[key] for e in elements]) for key in elements[0]}


def stream(files, **settings):
    settings = {
        "batch_size": 8,
        "micro_batch": 8,
        "context": context(),
        "seed": 3,
        "first_step": 0,
        "steps": 12,
        "block": 12,  # an epoch of 32 images has about three blocks
        **settings,
    }
    names = {field.name for field in dataclasses.fields(Updates)}
    updates = Updates(**{name: settings.pop(name) for name in names & set(settings)})
    return joined(imagenet_train_dataset(files, updates, **settings))


@pytest.fixture(scope="module")
def whole(files):
    return stream(files)


def assert_same(first, second):
    assert first.keys() == second.keys()
    for key in first:
        np.testing.assert_array_equal(first[key], second[key])


def test_each_epoch_holds_every_image_once_in_another_order(whole):
    epochs = whole["label"].reshape(3, 32)  # a label is the image's number
    for epoch in epochs:
        assert sorted(epoch) == list(range(32))
    assert len({tuple(epoch) for epoch in epochs}) == 3


def test_an_image_is_distorted_anew_each_time(whole):
    twice = [np.flatnonzero(whole["label"] == label)[:2] for label in range(32)]
    same = [np.array_equal(*whole["image"][places]) for places in twice]
    assert sum(same) < 4


def test_the_stream_is_a_function_of_the_seed(files, whole):
    assert_same(whole, stream(files, num_parallel_calls=3))
    assert not np.array_equal(whole["label"], stream(files, seed=4)["label"])


# 4 is an end of an epoch; 6 lies inside a block.
@pytest.mark.parametrize("first_step", [4, 6])
def test_starting_at_a_step_equals_skipping_to_it(files, whole, first_step):
    resumed = stream(files, first_step=first_step)
    assert_same(resumed, {key: value[8 * first_step :] for key, value in whole.items()})


def test_raw_files_of_the_same_images_give_the_same_streams(
    files, whole, imagenet_folder, new_raw_imagenet, tmp_path
):
    folder = str(new_raw_imagenet(imagenet_folder, tmp_path / "raw"))
    counts.count(folder, 1)
    raw = find_imagenet(folder, 8)
    assert_same(stream(raw), whole)
    evaluations = [
        joined(imagenet_eval_dataset(one, batch=4, context=context())) for one in (files, raw)
    ]
    assert_same(*evaluations)


def test_nothing_comes_after_the_last_step(files):
    dataset = imagenet_train_dataset(files, Updates(8, 8, context(), seed=0, first_step=2, steps=2))
    assert list(dataset) == []


def test_micro_batches_and_replicas_do_not_change_a_global_batch(files, whole):
    split = stream(files, micro_batch=2, context=context(replicas=2), steps=5)
    assert_same(split, {key: value[: 5 * 8] for key, value in whole.items()})


def test_a_batch_that_does_not_divide_is_filled_up_with_weight_0(files):
    seven = {"batch_size": 7, "first_step": 2, "steps": 5}
    of_seven = stream(files, micro_batch=7, **seven)
    padded = stream(files, micro_batch=3, context=context(replicas=2), pad=True, **seven)
    assert len(padded["weight"]) % (3 * 3 * 2) == 0
    grey = padded["image"][padded["weight"] == 0]
    assert len(grey) and np.abs(grey).max() < 1e-5
    assert_same(of_seven, {key: value[padded["weight"] == 1] for key, value in padded.items()})


def test_hosts_share_no_image_of_an_epoch_and_draw_apart(files):
    settings = {"micro_batch": 2, "batch_size": 4, "steps": 6}
    parts = [stream(files, context=context(2, host, 2), **settings) for host in range(2)]
    # The shards of 13, 8 and 11 images go to two hosts: at least 13 are in each first epoch.
    seen = [set(part["label"]) for part in parts]
    assert sum(len(labels) for labels in seen) == len(set.union(*seen)) == 24
    resumed = stream(files, context=context(2, 1, 2), first_step=4, **settings)
    assert_same(resumed, {key: value[2 * 4 :] for key, value in parts[1].items()})


def test_an_element_is_a_micro_batch_of_static_shape(files, whole):
    assert whole["image"].dtype == np.float32
    dtype = tf.bfloat16
    settings = {"context": context(replicas=2), "dtype": dtype}
    updates = Updates(16, 4, settings["context"], seed=0, first_step=0, steps=1)
    train = imagenet_train_dataset(files, updates, dtype=dtype)
    wanted = {
        "image": tf.TensorSpec((4, 8, 8, 3), dtype),
        "label": tf.TensorSpec((4,), tf.int32),
        "weight": tf.TensorSpec((4,), tf.float32),
    }
    assert train.element_spec == wanted
    assert imagenet_eval_dataset(files, batch=4, **settings).element_spec == wanted


@pytest.fixture(scope="module")
def three(new_imagenet, tmp_path_factory):
    """Of three validation images: fewer than there are hosts."""
    return find_imagenet(str(new_imagenet(tmp_path_factory.mktemp("three"), [1], [2, 1])), 8)


@pytest.mark.parametrize(
    ("images", "batch", "hosts", "replicas"),
    [("files", 4, 1, 1), ("files", 3, 2, 4), ("three", 1, 4, 4)],
)
def test_evaluation_counts_every_image_once_on_any_hosts(request, images, batch, hosts, replicas):
    files = request.getfixturevalue(images)
    subset = min(5, files.num_test - 1)
    settings = {"batch": batch, "subset": subset}
    parts = [
        list(imagenet_eval_dataset(files, context=context(hosts, host, replicas), **settings))
        for host in range(hosts)
    ]
    assert len({len(part) for part in parts}) == 1 and len(parts[0]) % (replicas // hosts) == 0
    for key, wanted in (("weight", files.num_test), ("subset", subset)):
        counted = [
            int(label)
            for part in parts
            for element in part
            for label, weight in zip(element["label"], element[key])
            if weight
        ]
        assert sorted(counted) == list(range(wanted))


def test_pixels_are_normalised_by_imagenets_statistics(files):
    element = joined(imagenet_eval_dataset(files, batch=11, context=context()))
    pixels = element["image"] * (0.229, 0.224, 0.225) + (0.485, 0.456, 0.406)
    assert pixels.min() > -0.02 and pixels.max() < 1.02
    np.testing.assert_allclose(element["weight"], 1)


def test_a_shard_cut_short_is_named(imagenet_folder, tmp_path):
    shutil.copytree(imagenet_folder, tmp_path, dirs_exist_ok=True)
    for split in ("train.tfrecord-00002-of-00003", "validation.tfrecord-00001-of-00002"):
        shard = tmp_path / "imagenet2012" / "5.1.0" / f"imagenet2012-{split}"
        shard.write_bytes(shard.read_bytes()[:-20])
        files = find_imagenet(str(tmp_path), 8)
        with pytest.raises(tf.errors.OpError) as caught:
            if "train" in split:
                stream(files)
            else:
                joined(imagenet_eval_dataset(files, batch=4, context=context()))
        message = reading_error(caught.value)
        assert message.startswith(str(shard)) and "cannot be read" in message


def test_real_images_make_batches_of_the_usual_statistics(imagenet_sample):
    files = find_imagenet(str(imagenet_sample), 64)
    settings = {"batch_size": 16, "micro_batch": 16, "block": 64, "steps": 4}
    images = stream(files, **settings)["image"]
    assert images.shape == (64, 64, 64, 3)
    assert abs(images.mean()) < 0.3 and 0.7 < images.std() < 1.5


CUT = r"tfrecord-00000-of-0000\d: record 3 \(n00000003.JPEG\) is corrupt"


def test_a_corrupt_image_is_named(damaged_imagenet):
    files = find_imagenet(str(damaged_imagenet), 8)
    with pytest.raises(tf.errors.OpError) as caught:
        stream(files, micro_batch=4, first_step=5, steps=8)
    assert re.search(f"imagenet2012-train.{CUT}", reading_error(caught.value))


def test_a_corrupt_image_is_named_in_an_evaluation(damaged_imagenet):
    files = find_imagenet(str(damaged_imagenet), 8)
    with pytest.raises(tf.errors.OpError) as caught:
        joined(imagenet_eval_dataset(files, batch=3, context=context()))
    assert re.search(f"imagenet2012-validation.{CUT}", reading_error(caught.value))


def test_a_corrupt_image_may_be_left_out_and_all_others_stay_where_they_are(
    damaged_imagenet, whole, files
):
    damaged, skipped = find_imagenet(str(damaged_imagenet), 8), SkippedImages()
    found = stream(damaged, skipped=skipped)
    good = whole["label"] != 3
    np.testing.assert_array_equal(found["weight"], good)
    np.testing.assert_array_equal(found["label"], whole["label"])
    np.testing.assert_array_equal(found["image"], whole["image"] * good[:, None, None, None])
    (place,) = skipped.places
    assert re.search(r"record 3 \(n00000003.JPEG\)$", place)
    settings = {"batch": 4, "context": context(), "subset": 6}
    found = joined(imagenet_eval_dataset(damaged, skipped=skipped, **settings))
    np.testing.assert_array_equal(found["weight"], [1, 1, 1, 0, *[1] * 7, 0])
    np.testing.assert_array_equal(found["subset"], [1, 1, 1, 0, 1, 1, *[0] * 6])
    np.testing.assert_array_equal(found["left_out"], np.arange(12) == 3)
    assert len(skipped.places) == 2


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"micro_batch": 3}, "8 is not a multiple of 1 replicas x 3"),
        ({"first_step": 13}, "first_step is 13, wanted 0 to steps = 12"),
        ({"block": 0}, "the block is 0 images"),
        ({"context": context(40, 0, 40), "batch_size": 40, "micro_batch": 1}, "40 hosts"),
    ],
)
def test_a_wrong_setting_is_named(files, settings, message):
    with pytest.raises(ValueError, match=message):
        stream(files, **settings)
