"""Tracing without AutoGraph, which rewrites the source of all that it meets.

A run has no `for` or `if` over tensors that AutoGraph would have to turn into graph; it would only
read, parse and compile again some sixty functions, of layers, data sets and the loop, at each
start: a third of the time to the first update of a small model.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import tensorflow as tf

Function = TypeVar("Function", bound=Callable)


def without_autograph(function: Function) -> Function:
    """The function, with all that it traces or builds (layers, `Dataset.map`) taken as written."""
    return tf.autograph.experimental.do_not_convert(function)
