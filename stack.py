"""What is settled before TensorFlow is imported: Keras 2, a libtpu that fits, a quiet start.

The suite runs on two stacks (docs/install.md). It is written for Keras 2, which TensorFlow brings
up to 2.15; from 2.16 on tf.keras is Keras 3 unless TF_USE_LEGACY_KERAS asks for tf-keras.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from importlib import metadata
from typing import NamedTuple

from largebatch import interrupts, streams

LEGACY_KERAS = "TF_USE_LEGACY_KERAS"
_YES = ("1", "true", "True")  # as TensorFlow reads it


class TpuBuild(NamedTuple):
    """A release of tensorflow-tpu, and the releases of libtpu that it loads.

    pip takes the newest libtpu, on which `import tensorflow` aborts the process instead of raising
    an exception. Tried with tensorflow-tpu 2.20.0, on a machine without a TPU: 0.0.14, 0.0.24,
    0.0.30 and 0.0.31 load; 0.0.32, 0.0.33, 0.0.35, 0.0.40 and 0.0.52 abort.
    """

    tensorflow: str
    oldest: str
    newest: str
    installed: str  # the one that `pod --action=setup` installs
    # Of the two wheels that it installs, for CPython 3.12 on x86-64.
    tensorflow_sha256: str
    libtpu_sha256: str


TPU = TpuBuild(
    "2.20.0",
    oldest="0.0.14",
    newest="0.0.31",
    installed="0.0.24",
    tensorflow_sha256="045d0ebd857f5e807b35225b0d9dd5daeece09ac06243323a2625b899f94cb6d",
    libtpu_sha256="7f0e12f7d8fc5f720d791baaa30dcfb5897fd757d0a9c7cf59cde54f570e9caa",
)


MISTAKE = 2  # exit code


def settle() -> None:
    """`prepare`, when the package is imported: a program ends with the message, in one line."""
    try:
        prepare()
    except ImportError as error:
        if not interrupts.starts_a_program():
            raise
        print(f"error: {error}", file=sys.stderr)
        sys.exit(MISTAKE)


def prepare() -> None:
    """Chooses Keras 2, and looks at libtpu.

    Raises:
      ImportError: TensorFlow was imported before with Keras 3, tf-keras is not installed, or
        libtpu is one that aborts the process.
    """
    keras = _version("keras")
    if keras is not None and _number(keras) >= (3,) and importlib.util.find_spec("tensorflow"):
        _choose_keras_2(keras)
    _check_libtpu()


def _silent(line: str) -> None:
    pass


# Takes a line about what will take a while: see `telling`.
say: Callable[[str], None] = _silent


@contextlib.contextmanager
def telling(to: Callable[[str], None]) -> Iterator[None]:
    """Progress goes to `to` meanwhile."""
    global say
    before, say = say, to
    try:
        yield
    finally:
        say = before


def quiet_tensorflow(gpus: bool = True, onednn: bool = False) -> None:
    """TensorFlow without the noise of its start, here and in the processes started from here.

    As it loads, its C++ side reports harmless errors, and a library under it warns of Pythons to
    come; real errors come as exceptions. What XLA logs has no level of its own: see `streams`.
    Without `gpus` it takes no GPU's memory. With `onednn` it takes oneDNN's kernels on every
    processor, as it does by itself on those with AVX-512, unless the environment says otherwise:
    BERT's products are a third faster on AMD's.
    """
    if onednn:
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    dated = "pkg_resources is deprecated as an API"
    os.environ.setdefault("PYTHONWARNINGS", f"ignore::FutureWarning,ignore:{dated}:UserWarning")
    warnings.filterwarnings("ignore", category=FutureWarning, module="google")
    warnings.filterwarnings("ignore", dated, UserWarning)
    if not gpus:
        os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    if "tensorflow" not in sys.modules:
        say("loading TensorFlow")
        streams.filter_libraries()


def _choose_keras_2(keras: str) -> None:
    before = os.environ.get(LEGACY_KERAS)
    if before is not None and before not in _YES:
        raise ImportError(
            f"{LEGACY_KERAS}={before} asks for Keras {keras}; largebatch needs Keras 2: unset it"
        )
    if importlib.util.find_spec("tf_keras") is None:
        raise ImportError(
            f"largebatch needs Keras 2, and beside Keras {keras} there is no tf-keras: "
            "pip install tf-keras, of TensorFlow's own version"
        )
    imported = sys.modules.get("tensorflow")
    os.environ[LEGACY_KERAS] = before or "1"
    # tf-keras states no version there.
    if imported is not None and (
        before is None or getattr(imported.keras, "__version__", "2").startswith("3")
    ):
        if before is None:
            del os.environ[LEGACY_KERAS]
        raise ImportError(
            f"TensorFlow was imported with Keras {keras} before largebatch, which needs Keras 2: "
            f"import largebatch first, or set {LEGACY_KERAS}=1"
        )


def _check_libtpu() -> None:
    tensorflow, libtpu = _version("tensorflow-tpu"), _version("libtpu")
    if tensorflow != TPU.tensorflow or libtpu is None:
        return  # another build, of which nothing is known; without libtpu it runs on the CPU
    if os.environ.get("TPU_LOAD_LIBRARY") == "0" or os.environ.get("TPU_LIBRARY_PATH"):
        return  # it loads none, or the one that the user names
    if not _number(TPU.oldest) <= _number(libtpu) <= _number(TPU.newest):
        raise ImportError(
            f"tensorflow-tpu {tensorflow} cannot load libtpu {libtpu}; it needs {TPU.oldest} to "
            f"{TPU.newest}: pip install libtpu=={TPU.installed}"
        )


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())
