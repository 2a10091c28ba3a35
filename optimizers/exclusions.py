"""Which variables are left out of weight decay and of layer adaptation, by their path.

A variable's path is its name without TensorFlow's output number: `encoder/layer_0/dense/kernel`
for `encoder/layer_0/dense/kernel:0`. A pattern is a regular expression that is searched for
(`re.search`) in the whole path. An exclusion list is given as

    None              the optimizer's default, a preset
    "bert"            a preset by its name (see PRESETS)
    []                nothing is excluded
    ["bias$", ...]    these patterns; each must match a variable, or `build` fails and names it

Pure Python: no TensorFlow.
"""

from __future__ import annotations

import collections
import difflib
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple, Union

if TYPE_CHECKING:
    import tensorflow as tf

Exclusions = Union[None, str, Sequence[str]]

# A whole component of the path that ends in LayerNorm, layer_norm or layer_normalization_3, and
# what such a layer owns: not the kernel of a Dense layer called dense_after_layernorm.
_LAYER_NORM = (
    r"(?i)(^|/)[^/]*layer_?norm(alization)?(_\d+)?(/(gamma|beta|scale|offset|bias|weight))?$"
)
_BATCH_NORM = r"(^|/)(gamma|beta)$"
_BIAS = r"bias$"

PRESETS = {
    # Layer normalisation, scale and offset of batch normalisation, biases: what both the public
    # BERT and the public ResNet-50 versions of LAMB and LARS leave out.
    "default": (_LAYER_NORM, _BATCH_NORM, _BIAS),
    # As the public BERT versions: LayerNorm and bias.
    "bert": (_LAYER_NORM, _BIAS),
    # As MLPerf's LARS: batch-norm scale and offset, and biases.
    "resnet50": (_BATCH_NORM, _BIAS),
    # As the first author's ResNet-50 and DavidNet: batch norm alone; a bias is a layer like others.
    "batch_norm": (_BATCH_NORM,),
    # As the first author's MNIST: biases are not decayed, and adapted all the same.
    "bias": (_BIAS,),
    "nothing": (),
}
_FORMER = {"none": "nothing"}  # in configurations that were saved before


def path_of(variable: tf.Variable) -> str:
    """The variable's path: its name without the trailing `:0`."""
    return re.sub(r":\d+$", "", variable.name)


def numbered(paths: Sequence[str]) -> list[str]:
    """`paths`, each once: "w", "w" become "w", "w#2"."""
    seen: collections.Counter = collections.Counter()
    found = []
    for path in paths:
        seen[path] += 1
        found.append(path if seen[path] == 1 else f"{path}#{seen[path]}")
    return found


def checked(argument: str, exclusions: Exclusions) -> Exclusions:
    """`exclusions` as it will be kept and serialized: None, a preset's name, or a list of str.

    `argument` is the optimizer's argument, for the message.
    """
    if exclusions is None:
        return None
    if isinstance(exclusions, str):
        if _FORMER.get(exclusions, exclusions) not in PRESETS:
            raise ValueError(
                f"{argument}={exclusions!r} is not a preset; presets are {', '.join(PRESETS)}"
                f"{_nearest(exclusions, PRESETS)}. For a pattern, give a list: [{exclusions!r}]"
            )
        return exclusions
    patterns = list(exclusions)
    for pattern in patterns:
        if not isinstance(pattern, str):
            raise ValueError(f"{argument} must be a list of regular expressions, found {pattern!r}")
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"{argument}: {pattern!r} is no regular expression: {error}") from None
    return patterns


def excluded(
    argument: str, exclusions: Exclusions, paths: Sequence[str], default: str
) -> list[bool]:
    """Whether each of `paths` is excluded; `default` is the preset that None stands for.

    Raises ValueError naming the pattern when one that the user gave matches none of `paths`.
    """
    if exclusions is None or isinstance(exclusions, str):
        name = default if exclusions is None else exclusions
        patterns = PRESETS[_FORMER.get(name, name)]
    else:
        patterns = exclusions
        for pattern in patterns:
            if not any(re.search(pattern, path) for path in paths):
                raise ValueError(
                    f"{argument}: the pattern {pattern!r} matches none of the {len(paths)} "
                    f"variables (the first are {', '.join(paths[:3])}). Remove or correct it"
                )
    return [any(re.search(pattern, path) for pattern in patterns) for path in paths]


class Parameter(NamedTuple):
    """One row of an optimizer's parameter table."""

    path: str
    shape: tuple
    decayed: bool
    adapted: bool


class ParameterTable(tuple):
    """Rows of `Parameter`; `str()` lays them out in columns."""

    def __str__(self) -> str:
        width = max((len(row.path) for row in self), default=4)
        shapes = ["x".join(map(str, row.shape)) or "scalar" for row in self]
        shape_width = max([5, *map(len, shapes)])
        lines = [f"{'path':<{width}}  {'shape':>{shape_width}}  decayed  adapted"]
        for row, shape in zip(self, shapes):
            decayed, adapted = ("yes" if flag else "no" for flag in (row.decayed, row.adapted))
            lines.append(f"{row.path:<{width}}  {shape:>{shape_width}}  {decayed:<7}  {adapted}")
        return "\n".join(lines)


def _nearest(name: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(names), 1)
    return f" (did you mean {near[0]!r}?)" if near else ""
