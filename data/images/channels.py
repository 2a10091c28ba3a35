"""Per-channel mean and standard deviation of images."""

from __future__ import annotations

import numpy as np


def channel_statistics(images: np.ndarray) -> tuple:
    """uint8 [N, H, W, C] -> (mean [C], std [C]) of images / 255, float32."""
    values = np.arange(256) / 255.0
    mean, std = [], []
    for channel in range(images.shape[-1]):
        # A histogram of 256 bins is exact in float64, and needs no float copy of the images.
        counts = np.bincount(images[..., channel].ravel(), minlength=256)
        mean.append(np.average(values, weights=counts))
        std.append(np.sqrt(np.average((values - mean[-1]) ** 2, weights=counts)))
    return np.asarray(mean, np.float32), np.asarray(std, np.float32)
