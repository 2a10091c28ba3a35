import numpy as np
import pytest
import tensorflow as tf

from largebatch.data import reading_error
from largebatch.data.imagenet.decoding import Decoding, SkippedImages, checked, named, numbered

COUNT = 6


def block(corrupt=()):
    """Images of one grey each, 10 times their number, which is their label too."""
    images = [
        tf.io.encode_jpeg(np.full((8, 8, 3), 10 * number, np.uint8)).numpy()
        for number in range(COUNT)
    ]
    for number in corrupt:
        images[number] = images[number][:100]
    return {
        "record": tf.constant(images),
        "label": tf.range(COUNT),
        "place": tf.constant([f"shard: record {number}" for number in range(COUNT)]),
    }


def decode(encoded, added):
    image = tf.ensure_shape(tf.io.decode_jpeg(encoded, channels=3), [8, 8, 3])
    return tf.cast(image + added, tf.float32)


def stream(corrupt=(), order=(4, 0, 2, 1, 5), skipped=None, calls=2):
    arguments = tf.data.Dataset.from_tensors(tf.constant(3, tf.uint8)).repeat(len(order))
    order = tf.constant(order, tf.int64)
    dataset = named(block(corrupt), 0, order, arguments, Decoding(decode, calls), skipped)
    elements = list(dataset.as_numpy_iterator())
    whole = {key: np.concatenate([one[key] for one in elements]) for key in elements[0]}
    return {**whole, "image": whole["image"].reshape(-1, 8 * 8 * 3)[:, 0]}


def test_a_blocks_images_come_in_the_order_asked_for():
    found = stream()
    np.testing.assert_array_equal(found["label"], [4, 0, 2, 1, 5])
    np.testing.assert_array_equal(found["weight"], np.ones(5))
    np.testing.assert_allclose(found["image"], [43, 3, 23, 13, 53], atol=2)


@pytest.mark.parametrize("corrupt", [(4,), (2,), (5,), (1, 5), (4, 0), (0, 1, 2, 4, 5)])
@pytest.mark.parametrize("calls", [1, 3])
def test_a_corrupt_image_keeps_its_place_with_weight_0(corrupt, calls):
    skipped = SkippedImages()
    found = stream(corrupt, skipped=skipped, calls=calls)
    np.testing.assert_array_equal(found["label"], [4, 0, 2, 1, 5])
    good = np.array([label not in corrupt for label in found["label"]])
    np.testing.assert_array_equal(found["weight"], good)
    wanted = np.where(good, 10.0 * found["label"] + 3, 0)
    np.testing.assert_allclose(found["image"], wanted, atol=2)
    assert set(skipped.places) == {f"shard: record {number}" for number in corrupt}


@pytest.mark.parametrize("skipped", [None, SkippedImages()], ids=["refused", "skipped"])
def test_a_record_that_lacks_its_image_is_named_as_such(skipped):
    lacks = ("image/encoded", lambda records: tf.strings.length(records) == 0)
    images = block((2,))
    images["record"] = tf.tensor_scatter_nd_update(images["record"], [[1]], [b""])
    arguments = tf.data.Dataset.from_tensors(tf.constant(3, tf.uint8)).repeat()
    order = tf.range(COUNT, dtype=tf.int64)
    found = named(images, 0, order, arguments, Decoding(decode, 1, lacks), skipped)
    with pytest.raises(tf.errors.InvalidArgumentError) as error:
        list(found.skip(0 if skipped is None else 2))
    wanted = "shard: record 1 has no image/encoded: it is no record of ImageNet"
    assert reading_error(error.value) == wanted


def test_an_image_that_is_met_again_is_counted_once():
    skipped = SkippedImages()
    for _ in range(2):
        stream((2, 5), skipped=skipped)
    assert skipped.places == ["shard: record 2", "shard: record 5"]


@pytest.mark.parametrize("corrupt", [(2, 5), (5,)])
def test_a_corrupt_image_is_an_error_that_names_it(corrupt):
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        stream(corrupt)
    message = reading_error(caught.value)
    assert (
        message.startswith(f"shard: record {corrupt[0]} is corrupt") and "skip_corrupt" in message
    )


def test_a_corrupt_image_that_is_not_asked_for_is_no_error():
    assert len(stream((3,))["label"]) == 5


def batches(corrupt=(), batch=2, first=10):
    """Batches of a stream whose images from number 10 on are those of two blocks."""
    arguments = tf.data.Dataset.from_tensors(tf.constant(3, tf.uint8)).repeat()
    order, decoding = tf.range(COUNT, dtype=tf.int64), Decoding(decode, 2)
    images = numbered(block(corrupt), 10, order, arguments, decoding)
    images = images.concatenate(numbered(block(), 10 + COUNT, order, arguments, decoding))

    def refuse(number):
        raise ValueError(f"input data: number {number} is missing")

    return list(checked(images, batch, first, refuse).take(2 * COUNT // batch))


def test_batches_of_a_whole_stream_pass():
    found = batches()
    np.testing.assert_array_equal(
        np.concatenate([one["label"] for one in found]), [*range(COUNT), *range(COUNT)]
    )
    assert found[0]["image"].shape == (2, 8, 8, 3) and len(found) == COUNT
    np.testing.assert_array_equal(found[-1]["weight"], [1, 1])


# The second's gap shows in the next block, the third's at the end of the stream.
@pytest.mark.parametrize(("corrupt", "number"), [((2, 4), 12), ((5,), 15), (tuple(range(6)), 10)])
def test_what_is_missing_in_a_batch_is_refused(corrupt, number):
    with pytest.raises(tf.errors.OpError) as caught:
        batches(corrupt)
    assert reading_error(caught.value).startswith(f"number {number} is missing")


def test_what_is_missing_at_the_end_of_a_stream_is_refused():
    arguments = tf.data.Dataset.from_tensors(tf.constant(3, tf.uint8)).repeat()
    order, called = tf.range(COUNT, dtype=tf.int64), []
    images = numbered(block((5,)), 0, order, arguments, Decoding(decode, 2))
    with pytest.raises(tf.errors.OpError, match="image 5 of the stream was lost"):
        list(checked(images, 3, 0, called.append).take(2))
    assert called == [5]
