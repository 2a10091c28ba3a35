"""A record of ImageNet as an image: decoded where it is needed, cropped, resized, normalised."""

from __future__ import annotations

import tensorflow as tf

AREA = (0.08, 1.0)  # of the image
ASPECT_RATIO = (3 / 4, 4 / 3)  # width / height
ATTEMPTS = 10  # at a box that fits into the image, then all of it
CENTRE = 0.875  # of the shorter side: 224 of 256 pixels
_PNG = b"\x89PNG"


def distorted(encoded: tf.Tensor, random: tf.Tensor, size: int) -> tf.Tensor:
    """A random part of the image, flipped or not, as float32 [size, size, 3] of 0 to 255.

    A box of 8 to 100 % of the area and aspect ratio 3/4 to 4/3 (Szegedy et al. 2015, as Goyal et
    al. 2017); only it is decoded.

    Args:
      random: int32 [3], any numbers: two are the box's seed, the last bit of the third flips.
    """
    jpeg = as_jpeg(encoded)
    begin, extent, _ = tf.image.stateless_sample_distorted_bounding_box(
        tf.image.extract_jpeg_shape(jpeg),
        tf.zeros([1, 0, 4]),
        seed=random[:2],
        min_object_covered=0.0,  # the object is the whole image: more would bound the area again
        aspect_ratio_range=ASPECT_RATIO,
        area_range=AREA,
        max_attempts=ATTEMPTS,
        use_image_if_no_bounding_boxes=True,
    )
    image = _decode(jpeg, begin[:2], extent[:2], size)
    return flipped(image, random[2])


def flipped(image: tf.Tensor, random: tf.Tensor) -> tf.Tensor:
    """The image [H, W, C], or its mirror image where the number is odd."""
    return tf.cond(random % 2 == 0, lambda: image, lambda: tf.reverse(image, [1]))


def centred(encoded: tf.Tensor, size: int) -> tf.Tensor:
    """The square of 7/8 of the shorter side in the middle, as float32 [size, size, 3], 0 to 255."""
    jpeg = as_jpeg(encoded)
    extent = tf.image.extract_jpeg_shape(jpeg)[:2]
    shorter = tf.cast(tf.reduce_min(extent), tf.float32)
    side = tf.maximum(tf.cast(tf.round(CENTRE * shorter), tf.int32), 1)
    return _decode(jpeg, (extent - side) // 2, tf.stack([side, side]), size)


def as_jpeg(encoded: tf.Tensor) -> tf.Tensor:
    """A JPEG's bytes as they are; ImageNet has one PNG (n02105855_2933.JPEG), which is made one."""
    return tf.cond(
        tf.strings.substr(encoded, 0, len(_PNG)) == _PNG,
        lambda: tf.io.encode_jpeg(tf.io.decode_png(encoded, channels=3), "rgb", quality=100),
        lambda: encoded,
    )


def _decode(jpeg, corner, extent, size: int) -> tf.Tensor:
    """The box at `corner`, int32 [2], of a JPEG of whatever colours, RGB, resized bilinearly."""
    # channels=3: one channel is repeated, four (CMYK) are converted.
    box = tf.image.decode_and_crop_jpeg(jpeg, tf.concat([corner, extent], 0), channels=3)
    # TensorFlow resizes float32 with SIMD instructions, and uint8 without.
    image = tf.image.resize(tf.cast(box, tf.float32), [size, size])
    return tf.ensure_shape(image, [size, size, 3])
