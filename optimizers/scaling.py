"""Rules that carry a tuned learning rate and warm-up from one batch size to another.

Pure Python: rows and tables use these without importing TensorFlow.
"""

from __future__ import annotations

import math


def _ratio(base_batch: float, batch: float) -> float:
    for name, value in (("base_batch", base_batch), ("batch", batch)):
        if not (isinstance(value, (int, float)) and math.isfinite(value) and value > 0):
            raise ValueError(f"{name} must be a positive number of examples, found {value!r}")
    return batch / base_batch


def sqrt_scaling(base_rate: float, base_batch: float, batch: float) -> float:
    """η = η_base · √(batch / base_batch): the rule of the paper's experiments (section 4)."""
    return base_rate * math.sqrt(_ratio(base_batch, batch))


def linear_scaling(base_rate: float, base_batch: float, batch: float) -> float:
    """η = η_base · batch / base_batch (Krizhevsky 2014, Goyal et al. 2017)."""
    return base_rate * _ratio(base_batch, batch)


def legw_warmup_epochs(base_warmup_epochs: float, base_batch: float, batch: float) -> float:
    """Linear-epoch gradual warm-up (LEGW): the warm-up's epochs grow linearly with the batch.

    Since the steps of an epoch shrink by the same factor, the *number* of warm-up steps stays
    what it was, and their share of a run's steps doubles when the batch doubles (Tables 4 and 5).
    """
    return base_warmup_epochs * _ratio(base_batch, batch)
