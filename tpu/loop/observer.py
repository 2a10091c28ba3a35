"""What looks at a run's weights while it trains, at updates that it names itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Protocol

import tensorflow as tf


class Observer(Protocol):
    """An analysis of a run in progress; it must leave the model as it found it.

    Attributes:
      kind: Of its records in metrics.jsonl.
      steps: The updates after which it looks; 0 is before the first.
    """

    kind: str
    steps: Collection[int]

    def begin(self, model: tf.keras.Model) -> None:
        """Called with the initial weights, also where a checkpoint is restored over them next: a
        run's weights are a function of its seed, so a resumed run begins from the same."""

    def observe(self, step: int, model: tf.keras.Model) -> Mapping[str, Any]:
        """Returns what to record of `step`, of JSON types."""
