"""What puts the suite on a TPU's hosts: shell scripts as text, for one stack or the other."""

from __future__ import annotations

import shlex

from largebatch import stack as stacks
from largebatch.tpu.pod.accelerators import CLASSIC, LIBTPU, MODERN, TENSORFLOW

STATE = "largebatch-run"  # the folder beside the suite's

# Of the classic stack: the image's Python, which the wheel of the TPU build is for.
PYTHON = "3.10"
_TAG = "cp" + PYTHON.replace(".", "")
_ARTIFACTS = "https://storage.googleapis.com/cloud-tpu-tpuvm-artifacts"
TENSORFLOW_WHEEL = (
    f"{_ARTIFACTS}/tensorflow/tf-{TENSORFLOW}/tensorflow-{TENSORFLOW}-{_TAG}-{_TAG}"
    "-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
)
LIBTPU_URL = f"{_ARTIFACTS}/libtpu/{LIBTPU}/libtpu.so"
# Of the modern stack: no image has it, so uv brings it.
MODERN_PYTHON = "3.12"

LIBTPU_SO = {
    CLASSIC: "/lib/libtpu.so",
    MODERN: f"$HOME/largebatch/.venv/lib/python{MODERN_PYTHON}/site-packages/libtpu/libtpu.so",
}


def unpack(archive: str) -> str:
    """Puts a copied archive in the place of what was there; the environment is kept."""
    return (
        "set -e\n"
        "mkdir -p ~/largebatch\n"
        "find ~/largebatch -mindepth 1 -maxdepth 1 ! -name .venv -exec rm -rf {} +\n"
        f"tar -xzf ~/{shlex.quote(archive)} -C ~/largebatch\n"
        f"rm ~/{shlex.quote(archive)}"
    )


def clone(repository: str, commit: str) -> str:
    """Checks out one commit of a repository."""
    return (
        "set -e\n"
        f"[ -d ~/largebatch/.git ] || git clone --quiet -- {shlex.quote(repository)} ~/largebatch\n"
        "git -C ~/largebatch fetch --quiet --tags origin\n"
        f"git -C ~/largebatch checkout --quiet --force --detach {shlex.quote(commit)}"
    )


def stamp(commit: str, stack: str) -> str:
    """What `install` notes when it is done."""
    return commit if stack == CLASSIC else f"{commit}-{stack}"


def install(commit: str, stack: str = CLASSIC) -> str:
    """Makes the environment with the pins of constraints.txt, then TensorFlow's TPU build."""
    make = _install_modern if stack == MODERN else _install_classic
    return f"{make()}\necho {shlex.quote(stamp(commit, stack))} >~/{STATE}/setup"


def _install_modern() -> str:
    """Python 3.12 by uv; tensorflow-tpu and its libtpu from the package index.

    tensorflow-tpu holds the same folder `tensorflow` as tensorflow does, so the order counts: the
    suite with its tensorflow first, then tensorflow-tpu over it. Both are of one version, so that
    what asks for tensorflow is content. --no-deps: pip would take a libtpu that aborts.
    """
    tensorflow, libtpu = stacks.TPU.tensorflow, stacks.TPU.installed
    return f"""set -e
mkdir -p ~/{STATE}
rm -f ~/{STATE}/setup
export PATH="$HOME/.local/bin:$PATH"
command -v uv >/dev/null || python3 -m pip install --quiet --user 'uv>=0.5'
uv python install --quiet {MODERN_PYTHON}
cd ~/largebatch
PYTHON=$(uv python find {MODERN_PYTHON}) bash ./environment.sh >~/{STATE}/setup.log 2>&1 || {{
  tail -n 20 ~/{STATE}/setup.log >&2
  exit 1
}}
uv pip install --quiet --python .venv/bin/python --no-deps --reinstall \\
  tensorflow-tpu=={tensorflow} libtpu=={libtpu}
.venv/bin/python -c 'import largebatch'"""


def _install_classic() -> str:
    """The image's Python; TensorFlow's TPU build and its libtpu from Cloud TPU's storage.

    PyPI's TensorFlow 2.15.1 has no TPU support: Cloud TPU's wheel of the same version replaces
    it, the one that the image brings if there is one. Then libtpu of that TensorFlow.
    """
    return f"""set -e
mkdir -p ~/{STATE}
rm -f ~/{STATE}/setup
python{PYTHON} -c 'import ensurepip' 2>/dev/null || {{
  sudo apt-get -qq -o DPkg::Lock::Timeout=600 update
  sudo apt-get -qq -o DPkg::Lock::Timeout=600 install -y python{PYTHON}-venv
}}
cd ~/largebatch
PYTHON=python{PYTHON} bash ./environment.sh >~/{STATE}/setup.log 2>&1 || {{
  tail -n 20 ~/{STATE}/setup.log >&2
  exit 1
}}
wheel=$(ls /usr/share/tpu/tensorflow-{TENSORFLOW}-{_TAG}-*.whl 2>/dev/null | head -n 1)
.venv/bin/python -m pip install --quiet --no-deps --force-reinstall "${{wheel:-{TENSORFLOW_WHEEL}}}"
curl -fsSL --retry 5 -o ~/{STATE}/libtpu.so {LIBTPU_URL}
sudo install -m 0755 ~/{STATE}/libtpu.so /lib/libtpu.so
rm ~/{STATE}/libtpu.so"""
