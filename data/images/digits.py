"""Real handwritten digits that need no network: scikit-learn's 1,797 images (UCI's test set)."""

from __future__ import annotations

import importlib.util
import pathlib

import numpy as np

NUM_CLASSES = 10
NUM_TEST = 360
_SPLIT_SEED = 1797
_ENLARGE = 4


def arrays() -> dict:
    """The four arrays of an ImageSet: 1,437 train and 360 test images, uint8 [n, 32, 32, 1].

    Pixels 0..16 become 0..255 and each 8 x 8 image 32 x 32 by repeating every pixel 4 x 4 times, so
    that LeNet and DavidNet take it as it is. The split is stratified by class and fixed, whatever
    the run's seed.
    """
    pixels, labels = _packaged()
    images = np.round(pixels * (255.0 / 16.0)).astype(np.uint8)
    images = images.repeat(_ENLARGE, axis=1).repeat(_ENLARGE, axis=2)[..., np.newaxis]
    test = _stratified(labels, NUM_TEST, _SPLIT_SEED)
    return {
        "train_images": images[~test],
        "train_labels": labels[~test],
        "test_images": images[test],
        "test_labels": labels[test],
    }


def _packaged() -> tuple[np.ndarray, np.ndarray]:
    """Pixels, float64 [n, 8, 8], and labels, int32 [n]: `sklearn.datasets.load_digits`.

    Read from its file: to import scikit-learn takes longer than to build and compile LeNet.
    """
    spec = importlib.util.find_spec("sklearn")
    for folder in spec.submodule_search_locations if spec else ():
        file = pathlib.Path(folder) / "datasets" / "data" / "digits.csv.gz"
        if file.is_file():
            table = np.loadtxt(file, delimiter=",")
            return table[:, :-1].reshape(-1, 8, 8), table[:, -1].astype(np.int32)
    from sklearn.datasets import load_digits  # another layout, or none: it says so

    bunch = load_digits()
    return bunch.images, bunch.target.astype(np.int32)


def _stratified(labels: np.ndarray, count: int, seed: int) -> np.ndarray:
    """bool [n], `count` of them True, each class's part within one of its share of the labels."""
    # RandomState's stream is frozen by NumPy's compatibility policy: the split can never move under
    # a new version.
    random = np.random.RandomState(seed)
    order = random.permutation(len(labels))
    by_class = order[np.argsort(labels[order], kind="stable")]
    # Every (n / count)-th example of the list sorted by class: proportional for each class by
    # construction.
    picked = np.floor(np.arange(count) * (len(labels) / count)).astype(np.int64)
    mask = np.zeros(len(labels), bool)
    mask[by_class[picked]] = True
    return mask
