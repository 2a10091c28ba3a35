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


def install(
    commit: str,
    stack: str = CLASSIC,
    wheel_sha256: str | None = None,
    libtpu_sha256: str | None = None,
) -> str:
    """Makes the environment with the pins of constraints.txt, then TensorFlow's TPU build.

    Args:
      wheel_sha256, libtpu_sha256: classic: what the downloaded files must have; None: whatever
        they have is noted.
    """
    if stack == MODERN:
        made = _install_modern()
    else:
        made = _install_classic(wheel_sha256, libtpu_sha256)
    return f"{made}\necho {shlex.quote(stamp(commit, stack))} >~/{STATE}/setup"


def _install_modern() -> str:
    """Python 3.12 by uv; tensorflow-tpu and its libtpu from the package index.

    tensorflow-tpu holds the same folder `tensorflow` as tensorflow does, so the order counts: the
    suite with its tensorflow first, then tensorflow-tpu over it. Both are of one version, so that
    what asks for tensorflow is content. --no-deps: pip would take a libtpu that aborts. Wheels
    other than those of the checksums are refused.
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
cat >~/{STATE}/wheels.txt <<'END'
tensorflow-tpu=={tensorflow} --hash=sha256:{stacks.TPU.tensorflow_sha256}
libtpu=={libtpu} --hash=sha256:{stacks.TPU.libtpu_sha256}
END
uv pip install --quiet --python .venv/bin/python --no-deps --reinstall --require-hashes \\
  -r ~/{STATE}/wheels.txt
.venv/bin/python -c 'import largebatch'"""


def _checked(path: str, sha256: str | None) -> str:
    """Compares a file's checksum, or notes it; `path` as a shell has it in double quotes."""
    if sha256 is None:
        return f'sha256sum "{path}" >>~/{STATE}/setup.log'
    return f'echo "{sha256}  {path}" | sha256sum --check --quiet'


def _install_classic(wheel_sha256: str | None, libtpu_sha256: str | None) -> str:
    """The image's Python; TensorFlow's TPU build and its libtpu from Cloud TPU's storage.

    PyPI's TensorFlow 2.15.1 has no TPU support: Cloud TPU's wheel of the same version replaces
    it, the one that the image brings if there is one. Then libtpu of that TensorFlow. Their
    checksums are noted in setup.log; those that are given must be theirs.
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
if [ -z "$wheel" ]; then
  wheel=~/{STATE}/{TENSORFLOW_WHEEL.rpartition("/")[2]}
  curl -fsSL --retry 5 -o "$wheel" {TENSORFLOW_WHEEL}
  {_checked("$wheel", wheel_sha256)}
fi
.venv/bin/python -m pip install --quiet --no-deps --force-reinstall "$wheel"
rm -f ~/{STATE}/*.whl
curl -fsSL --retry 5 -o ~/{STATE}/libtpu.so {LIBTPU_URL}
{_checked(f"$HOME/{STATE}/libtpu.so", libtpu_sha256)}
sudo install -m 0755 ~/{STATE}/libtpu.so /lib/libtpu.so
rm ~/{STATE}/libtpu.so"""
