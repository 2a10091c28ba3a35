"""A row's task on shape-only placeholder data: its step can be lowered without a data set."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from largebatch.experiments.rows import choices
from largebatch.experiments.rows.row import Row, Stage

if TYPE_CHECKING:
    from largebatch.tpu.loop.task import Task

IMAGES = {"mnist": (28, 28, 1), "cifar10": (32, 32, 3), "digits": (8, 8, 1)}
CLASSES = 10
NOWHERE = "no file"


def task(row: Row, micro_batch: int, passes: int = 1, squad: bool = False) -> Task:
    """The row's task, with batches of `passes` micro-batches on one replica.

    Args:
      row: Its model and kind of data.
      micro_batch: Examples of a pass.
      passes: Micro-batches of an update.
      squad: Of a BERT, its fine-tuning in place of pre-training.
    """
    batch = micro_batch * passes
    later = batch if row.stage2_batch_size else None
    # One replica has no group to share batch statistics with; a pass smaller than a group of images
    # is one group.
    grouped = row.norm_batch and micro_batch % row.norm_batch == 0
    row = dataclasses.replace(
        row,
        batch_size=batch,
        stage2_batch_size=later,
        norm_group=None,
        norm_batch=row.norm_batch if grouped else None,
    )
    if squad:
        return _fine_tuning(row, batch)
    if row.task == "pretraining":
        return _pretraining(row)
    if row.dataset in choices.STREAMED_IMAGES:
        return _imagenet(row)
    return _images(row)


def _images(row: Row):
    from largebatch.data import ImageSet
    from largebatch.experiments.tasks.classification import ImageClassification

    shape = IMAGES[row.dataset]
    none, labels = np.zeros((1, *shape), np.uint8), np.zeros([1], np.int32)
    channels = np.ones(shape[-1:], np.float32)
    images = ImageSet(row.dataset, none, labels, none, labels, CLASSES, channels, channels)
    return ImageClassification(row, images, seed=0)


def _imagenet(row: Row):
    from largebatch.data import ImageNetFiles
    from largebatch.data.imagenet.files import ImageShard
    from largebatch.experiments.tasks.classification import ImageNetClassification

    shards = (ImageShard(NOWHERE, row.training_examples),)
    return ImageNetClassification(
        row, ImageNetFiles(NOWHERE, NOWHERE, row.image_size, shards, shards), seed=0
    )


def _pretraining(row: Row):
    from largebatch.data import PretrainingFiles, ShardFile
    from largebatch.data.pretraining.make.generator_options import default_predictions
    from largebatch.experiments.tasks.pretraining import Pretraining

    shards = (ShardFile(NOWHERE, 2**20, 2**20),)
    files = [
        PretrainingFiles(
            stage.sequence_length,
            default_predictions(stage.sequence_length),
            row.vocabulary_size,
            *(NOWHERE, NOWHERE, True, NOWHERE, shards, shards, {}),
        )
        for stage in row.stages
    ]
    return Pretraining(row, files, seed=0)


def _fine_tuning(row: Row, batch: int):
    from largebatch.data import SquadWindows
    from largebatch.experiments.tasks.span_prediction import SpanPrediction

    none = np.zeros([1], np.int32)
    windows = SquadWindows(
        "train", np.zeros([1, row.squad_sequence_length], np.int32), none, none, none, none, none,
        row.vocabulary_size, True, (), [], [],
    )  # fmt: skip
    stage = Stage(row.squad_sequence_length, batch, 1, row.squad_learning_rate, 0)
    return SpanPrediction(row, stage, windows, 0, load_encoder=lambda model: None)
