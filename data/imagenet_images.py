"""A record of ImageNet as an image: decoded where it is needed, cropped, resized, normalised."""

from __future__ import annotations

import tensorflow as tf

from largebatch.data import imagenet
from largebatch.data.record_runs import END, MARK

AREA = (0.08, 1.0)  # of the image
ASPECT_RATIO = (3 / 4, 4 / 3)  # width / height
ATTEMPTS = 10  # at a box that fits into the image, then all of it
CENTRE = 0.875  # of the shorter side: 224 of 256 pixels

_FEATURES = {
    "image": tf.io.FixedLenFeature([], tf.string),
    "label": tf.io.FixedLenFeature([], tf.int64),
    "file_name": tf.io.FixedLenFeature([], tf.string, default_value=""),
}


def parse(record) -> tuple:
    """A serialised example -> (JPEG bytes, label int32); refuses a label outside 0 ... 999."""
    parsed = tf.io.parse_single_example(record, _FEATURES)
    label = parsed["label"]
    said = [MARK, parsed["file_name"], " has the label ", tf.strings.as_string(label)]
    message = tf.strings.join([*said, f", wanted 0 to {imagenet.NUM_CLASSES - 1}", END])
    inside = (label >= 0) & (label < imagenet.NUM_CLASSES)
    with tf.control_dependencies([tf.debugging.Assert(inside, [message])]):
        return parsed["image"], tf.cast(label, tf.int32)


def distorted(jpeg, random, size: int) -> tf.Tensor:
    """A random part of the image, flipped or not, as float32 [size, size, 3] of 0 to 255.

    A box of 8 to 100 % of the area and aspect ratio 3/4 to 4/3 (Szegedy et al. 2015, as Goyal et
    al. 2017); only it is decoded.

    Args:
      random: int32 [3], any numbers: two are the box's seed, the last bit of the third flips.
    """
    shape = tf.image.extract_jpeg_shape(jpeg)
    begin, extent, _ = tf.image.stateless_sample_distorted_bounding_box(
        tf.stack([shape[0], shape[1], 3]),
        tf.zeros([1, 0, 4]),
        seed=random[:2],
        min_object_covered=0.0,  # the object is the whole image: more would bound the area again
        aspect_ratio_range=ASPECT_RATIO,
        area_range=AREA,
        max_attempts=ATTEMPTS,
        use_image_if_no_bounding_boxes=True,
    )
    image = _decode(jpeg, begin[0], begin[1], extent[0], extent[1], size)
    return tf.cond(random[2] % 2 == 0, lambda: image, lambda: tf.reverse(image, [1]))


def centred(jpeg, size: int) -> tf.Tensor:
    """The square of 7/8 of the shorter side in the middle, as float32 [size, size, 3], 0 to 255."""
    shape = tf.image.extract_jpeg_shape(jpeg)
    height, width = shape[0], shape[1]
    shorter = tf.cast(tf.minimum(height, width), tf.float32)
    side = tf.maximum(tf.cast(tf.round(CENTRE * shorter), tf.int32), 1)
    top, left = (height - side) // 2, (width - side) // 2
    return _decode(jpeg, top, left, side, side, size)


def _decode(jpeg, top, left, height, width, size: int) -> tf.Tensor:
    """One box of a JPEG of whatever colours, RGB, resized bilinearly."""
    # channels=3: one channel is repeated, four (CMYK) are converted.
    box = tf.image.decode_and_crop_jpeg(jpeg, tf.stack([top, left, height, width]), channels=3)
    return tf.ensure_shape(tf.image.resize(box, [size, size]), [size, size, 3])
