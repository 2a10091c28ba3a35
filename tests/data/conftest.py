"""Small image sets, and the folder of real ones where there is one."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from largebatch.data import ImageSet
from largebatch.data.channels import channel_statistics


def make_image_set(train=50, test=23, shape=(32, 32, 3), seed=0) -> ImageSet:
    """Random images; an example's label is its index, so that a stream tells what it delivers."""
    random = np.random.RandomState(seed)
    images = random.randint(0, 256, (train, *shape)).astype(np.uint8)
    mean, std = channel_statistics(images)
    return ImageSet(
        name="random",
        train_images=images,
        train_labels=np.arange(train, dtype=np.int32),
        test_images=random.randint(0, 256, (test, *shape)).astype(np.uint8),
        test_labels=np.arange(test, dtype=np.int32),
        num_classes=train,
        mean=mean,
        std=std,
    )


@pytest.fixture(scope="session")
def image_set():
    return make_image_set()


@pytest.fixture(scope="session")
def new_image_set():
    return make_image_set


@pytest.fixture(scope="session")
def real_datasets():
    """A folder with mnist/ (the official files) and tfds/cifar10/3.0.2 in it."""
    named = os.environ.get("LARGEBATCH_DATASETS")
    folder = Path(named) if named else Path(__file__).parents[2].parent / "shared" / "datasets"
    if not folder.is_dir():
        pytest.skip("no real data sets: name their folder in LARGEBATCH_DATASETS")
    return folder
