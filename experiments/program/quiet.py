"""TensorFlow without the noise of its start."""

from __future__ import annotations

import os
import warnings


def quiet_tensorflow() -> None:
    """Call it before TensorFlow is first imported: its C++ side reports harmless errors as it
    loads, and a library under it warns of Pythons to come; real errors come as exceptions."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.filterwarnings("ignore", category=FutureWarning, module="google")
