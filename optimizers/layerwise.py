"""What LAMB, LARS and their variants share: norms, the trust ratio, statistics of each layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from largebatch.optimizers import norms
from largebatch.optimizers.base import RuleOptimizer, Statistics
from largebatch.optimizers.exclusions import checked, numbered
from largebatch.optimizers.reduction import folds


class LayerwiseOptimizer(RuleOptimizer):
    """A rule with layer adaptation: `norm`, `phi_bounds`, two exclusion lists, statistics."""

    adapts_layers = True
    weight_decay = 0.0
    norm = "l2"
    phi_bounds: norms.Bounds = None

    def _set_exclusions(self, from_weight_decay, from_layer_adaptation):
        self.exclude_from_weight_decay = checked("exclude_from_weight_decay", from_weight_decay)
        self.exclude_from_layer_adaptation = checked(
            "exclude_from_layer_adaptation", from_layer_adaptation
        )

    def norm_of(self, *tensors: tf.Tensor, of: Callable[..., tf.Tensor] = tf.identity) -> tf.Tensor:
        """The chosen norm of of(*tensors), a scalar; tensors of one layer, `of` elementwise.

        For several layers at once, [n, *shape], the norm of each, [n, 1, ...].
        """
        if self._in_stack:
            return norms.norm(*tensors, kind=self.norm, of=of, of_each=True)
        return norms.norm(*tensors, kind=self.norm, of=of, folded=folds(self.jit_compile))

    def statistics(
        self, weight: tf.Tensor, update_norm: tf.Tensor, adapted: bool, coefficient: float = 1.0
    ) -> Statistics:
        """‖x‖, the update's norm, and κ φ(‖x‖)/‖update‖ (1 for a variable that is not adapted)."""
        weight_norm = self.norm_of(weight)
        ratio = tf.ones_like(weight_norm)
        if adapted:
            ratio = norms.trust_ratio(weight_norm, update_norm, self.phi_bounds, coefficient)
        return Statistics(weight_norm, update_norm, ratio)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "weight_decay": self.weight_decay,
            "norm": self.norm,
            "phi_bounds": self.phi_bounds,
            "exclude_from_weight_decay": self.exclude_from_weight_decay,
            "exclude_from_layer_adaptation": self.exclude_from_layer_adaptation,
        }

    def layer_statistics(self) -> dict:
        """{path: (weight norm, update norm, trust ratio)} of the last applied step, scalars.

        All are tensors, and zero before the first step. If several variables share a path, the
        second and later ones have a number after it: "w#2".
        """
        return {
            path: tuple(tf.unstack(tf.convert_to_tensor(statistics)))
            for path, statistics in zip(numbered(self._paths), self._statistics)
        }
