"""The image classification tasks: images in memory or in files, cross-entropy, accuracy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import tensorflow as tf

from largebatch.data import (
    ImageNetFiles,
    ImageSet,
    SkippedImages,
    Updates,
    eval_dataset,
    imagenet_eval_dataset,
    imagenet_train_dataset,
    train_dataset,
)
from largebatch.experiments.rows.row import Row, Stage
from largebatch.models import IMAGE_MODELS
from largebatch.tpu import Task
from largebatch.tpu.loop.task import Batch


class ImageClassification(Task):
    """A row's model on a row's images.

    Args:
      row: Gives the model, the augmentation, label smoothing and the stages.
      images: The data, in memory.
      seed: Of the order of the images, of their augmentation and of dropout.
    """

    def __init__(self, row: Row, images: ImageSet, seed: int):
        self._row = row
        self._images = images
        self._seed = seed

    @property
    def images(self) -> ImageSet:
        return self._images

    @property
    def stages(self) -> Sequence[Stage]:
        return self._row.stages

    @property
    def pads_batches(self) -> bool:
        return bool(self._row.pad_batch)

    def build_model(self) -> tf.keras.Model:
        row = self._row
        given = {"width": row.model_width, **{f: getattr(row, f) for f in self._model_settings}}
        settings = {name: value for name, value in given.items() if value is not None}
        build = IMAGE_MODELS[row.model].load()
        return build(self._images.image_shape, self._images.num_classes, **settings)

    @property
    def _model_settings(self) -> tuple[str, ...]:
        return IMAGE_MODELS[self._row.model].settings

    def train_dataset(
        self, stage: int, context: tf.distribute.InputContext, micro_batch: int, first_step: int
    ) -> tf.data.Dataset:
        # One stage: a permutation of the images an epoch, from the first update to the last.
        batch_size, steps = self.stages[stage].batch_size, self.stages[stage].steps
        updates = Updates(
            *(batch_size, micro_batch, context, self._seed, first_step, steps, self.pads_batches)
        )
        dataset = self._train_images(updates)
        if "dropout" in self._model_settings:
            dataset = updates.with_dropout_seeds(dataset)
        return dataset

    def _train_images(self, updates: Updates) -> tf.data.Dataset:
        return train_dataset(self._images, updates, augment=self._row.augment)

    @property
    def eval_examples(self) -> int:
        return self._images.num_test

    def eval_dataset(self, context: tf.distribute.InputContext, batch: int) -> tf.data.Dataset:
        subset = self._row.eval_subset
        return eval_dataset(self._images, split="test", batch=batch, context=context, subset=subset)

    def forward(self, model: tf.keras.Model, batch: Batch, training: bool) -> tf.Tensor:
        if training and "dropout_seed" in batch:
            seeded = {"image": batch["image"], "dropout_seed": batch["dropout_seed"]}
            return model(seeded, training=True)
        return model(batch["image"], training=training)

    def loss(self, outputs: tf.Tensor, batch: Batch) -> tuple[tf.Tensor, tf.Tensor]:
        """Softmax cross-entropy; smoothing s trains towards (1 - s) one-hot + s / classes."""
        # Evaluation too: the paper's Figure 5 is about the loss that is trained.
        labels = tf.one_hot(batch["label"], self._images.num_classes)
        losses = tf.keras.losses.categorical_crossentropy(
            labels,
            tf.cast(outputs, tf.float32),
            from_logits=True,
            label_smoothing=self._row.label_smoothing,
        )
        return tf.reduce_sum(losses * batch["weight"]), tf.reduce_sum(batch["weight"])

    def metrics(
        self, outputs: tf.Tensor, batch: Batch
    ) -> Mapping[str, tuple[tf.Tensor, tf.Tensor]]:
        """The accuracy; under the names top1 and top5 where the paper prints them so.

        With the row's `eval_subset` also accuracy_subset, or top1_subset and top5_subset: of the
        first so many test images.
        """
        right = tf.equal(tf.argmax(outputs, axis=-1, output_type=tf.int32), batch["label"])
        hits = {"accuracy": right}
        if self._row.metric == "top1":
            hits = {"top1": right, "top5": tf.math.in_top_k(batch["label"], outputs, 5)}
        found = {name: _mean(hit, batch["weight"]) for name, hit in hits.items()}
        if "subset" in batch:
            found |= {f"{name}_subset": _mean(hit, batch["subset"]) for name, hit in hits.items()}
        return found


class ImageNetClassification(ImageClassification):
    """A row's model on ImageNet, read from its files.

    Args:
      row: As above.
      files: The data.
      seed: Of the order of the images and of their augmentation.
      skipped: Takes the corrupt images, which are left out; None: one is an error.
      cache_dir: Keeps copies of the files; None: they are read where they are.
    """

    def __init__(
        self,
        row: Row,
        files: ImageNetFiles,
        seed: int,
        skipped: SkippedImages | None = None,
        cache_dir: str | None = None,
    ):
        super().__init__(row, files, seed)
        # On the way to the device, too: half the bytes.
        dtype = tf.bfloat16 if row.precision == "bfloat16" else tf.float32
        self._input = {"dtype": dtype, "skipped": skipped, "cache_dir": cache_dir}

    def _train_images(self, updates: Updates) -> tf.data.Dataset:
        return imagenet_train_dataset(self._images, updates, **self._input)

    def eval_dataset(self, context: tf.distribute.InputContext, batch: int) -> tf.data.Dataset:
        settings = {"subset": self._row.eval_subset, **self._input}
        return imagenet_eval_dataset(self._images, batch=batch, context=context, **settings)


def _mean(right, weight) -> tuple[tf.Tensor, tf.Tensor]:
    """(the weight of what is right, all of it)."""
    return tf.reduce_sum(tf.cast(right, tf.float32) * weight), tf.reduce_sum(weight)
