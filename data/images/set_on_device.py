"""A training batch made by operations that XLA compiles, from a set that stays on the device.

The same batch as `train_dataset` yields, bit for bit: the same draws, the same gather, the same
cutout. Only two things differ in how they are computed, and not in what comes out:

  - the order of the images comes as an argument, as XLA has no StatelessShuffle;
  - a pixel is normalised by looking it up among the 256 values that there are, as a compiler may
    contract `pixel * scale + shift` to one rounding where the pipeline has two.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from largebatch.data.images import augment as augmentation
from largebatch.data.images.image_set import ImageSet
from largebatch.data.images.normalisation import pixel_normaliser
from largebatch.data.streams.updates import AUGMENT_STREAM, UpdateSlices, stream_seed


class SetOnDevice:
    """Batches of one replica out of arrays that are given with each call.

    Args:
      image_set: Gives the shapes, `mean` and `std`; its images are not kept.
    """

    def __init__(self, image_set: ImageSet):
        self._shape = image_set.image_shape
        channels = self._shape[-1]
        values = np.arange(256, dtype=np.uint8)[:, None, None, None].repeat(channels, axis=3)
        normalise = pixel_normaliser((1, 1, channels), image_set.mean, image_set.std)
        with tf.device("CPU:0"):
            self._table = normalise(tf.constant(values)).numpy().reshape(-1)  # [256 C]

    def normalise(self, images: tf.Tensor) -> tf.Tensor:
        """uint8 [B, H, W, C] -> float32 [B, H, W, C]."""
        channels = self._shape[-1]
        place = tf.cast(images, tf.int32) * channels + tf.range(channels)
        return tf.gather(tf.constant(self._table), place)

    def train_batch(
        self,
        images: tf.Tensor,
        labels: tf.Tensor,
        index: tf.Tensor,
        seed: tf.Tensor,
        step: tf.Tensor,
        *,
        slices: UpdateSlices,
        augment: str,
        dropout: bool,
    ) -> dict[str, tf.Tensor]:
        """Update `step` as micro-batches: the elements of `train_dataset`, stacked to [M, b, ...].

        Args:
          images: uint8 [N, H, W, C], the whole training set.
          labels: int32 [N].
          index: int64 [B], the batch's positions in the set (see `Updates.numbered_batches`).
          seed: int64 [], the run's.
          step: int64 [], the update's number.
          slices: How the batch falls into micro-batches, on one host with one replica.
          augment: A name that `train_dataset` takes.
          dropout: With "dropout_seed", int32 [M, b, 2], as `Updates.with_dropout_seeds` adds it.
        """
        height, width, _ = self._shape
        drawn = augmentation.draw(
            augment, stream_seed(seed, AUGMENT_STREAM + step), slices.batch_size, height, width
        )
        drawn = {key: slices.filled(value) for key, value in drawn.items()}
        index = slices.filled(index)
        image = self.normalise(augmentation.gather(images, index, drawn))
        batch = {
            "image": slices.micro_batches(augmentation.erase(image, drawn)),
            "label": slices.micro_batches(tf.gather(labels, index)),
            "weight": slices.weights(),
        }
        if dropout:
            batch["dropout_seed"] = slices.example_seeds(seed, step)
        return batch

    def eval_images(self, images: tf.Tensor, number: tf.Tensor, batch: int) -> tf.Tensor:
        """The images of `eval_dataset`'s batch `number`, of `batch` examples on one replica."""
        position = number * batch + tf.range(batch, dtype=tf.int64)
        index = tf.minimum(position, tf.cast(tf.shape(images)[0], tf.int64) - 1)
        return self.normalise(tf.gather(images, index))
