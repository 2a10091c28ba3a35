"""Which variables an optimizer decays and adapts, from its two exclusion lists."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from largebatch.optimizers.exclusions import (
    Exclusions,
    Parameter,
    ParameterTable,
    excluded,
    path_of,
)

if TYPE_CHECKING:
    import tensorflow as tf


class SelectsVariables:
    """Mixin: `exclude_from_weight_decay`, `exclude_from_layer_adaptation`, `parameter_table`.

    An optimizer without layer adaptation has only the first list and adapts nothing.
    """

    exclude_from_weight_decay: Exclusions = None
    exclude_from_layer_adaptation: Exclusions = None
    adapts_layers = False
    #: The preset that None stands for in both lists.
    default_exclusions = "default"

    def parameter_table(self, variables: Iterable[tf.Variable]) -> ParameterTable:
        """(path, shape, decayed?, adapted?) of each of `variables`; print it to read it.

        Raises ValueError if a pattern that the user gave matches none of `variables`.
        """
        paths = [path_of(variable) for variable in variables]
        no_decay = excluded(
            "exclude_from_weight_decay",
            self.exclude_from_weight_decay,
            paths,
            self.default_exclusions,
        )
        no_adaptation = [True] * len(paths)
        if self.adapts_layers:
            no_adaptation = excluded(
                "exclude_from_layer_adaptation",
                self.exclude_from_layer_adaptation,
                paths,
                self.default_exclusions,
            )
        return ParameterTable(
            Parameter(path, tuple(variable.shape), not out_decay, not out_adaptation)
            for path, variable, out_decay, out_adaptation in zip(
                paths, variables, no_decay, no_adaptation
            )
        )
