"""What runs on a TPU's hosts: shell scripts as text, each for one `gcloud … ssh --command`.

On each host the suite lies in ~/largebatch with its environment in .venv, and beside it, in
~/largebatch-run: `setup` (the commit that is installed), `run.pid`, `run.log`, `run.exit` (the
program's exit code) and `run.key` (which command it was).
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Sequence
from typing import NamedTuple

from largebatch.tpu.accelerators import LIBTPU, TENSORFLOW, Accelerator

# Python of the images; the wheels of the TPU builds are for this one only.
PYTHON = "3.10"
_TAG = "cp" + PYTHON.replace(".", "")
_ARTIFACTS = "https://storage.googleapis.com/cloud-tpu-tpuvm-artifacts"
TENSORFLOW_WHEEL = (
    f"{_ARTIFACTS}/tensorflow/tf-{TENSORFLOW}/tensorflow-{TENSORFLOW}-{_TAG}-{_TAG}"
    "-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
)
LIBTPU_URL = f"{_ARTIFACTS}/libtpu/{LIBTPU}/libtpu.so"

STATE = "largebatch-run"
_MARK = "largebatch:"  # before the one line that `progress` prints


class Run(NamedTuple):
    """A row to start: its name, its folder, and further flags of the program `run`."""

    experiment: str
    output_dir: str
    flags: tuple[str, ...] = ()


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


def install(commit: str) -> str:
    """Makes the environment with the pins of constraints.txt, then TensorFlow's TPU build.

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
rm ~/{STATE}/libtpu.so
echo {shlex.quote(commit)} >~/{STATE}/setup"""


def run_arguments(accelerator: Accelerator, name: str, run: Run) -> list[str]:
    """The program that a host starts, the same each time: a restart resumes its folder."""
    return [
        ".venv/bin/python",
        *("-m", "largebatch.experiments.run"),
        f"--experiment={run.experiment}",
        f"--output_dir={run.output_dir}",
        "--device=tpu",
        f"--tpu={name if accelerator.is_pod else 'local'}",
        *run.flags,
    ]


def run_environment(accelerator: Accelerator) -> dict[str, str]:
    """On a pod the workers hold libtpu, so the program must not; PJRT is a pluggable device."""
    if accelerator.is_pod:
        return {"TPU_LOAD_LIBRARY": "0"}
    if accelerator.device_api == "pjrt":
        return {
            "NEXT_PLUGGABLE_DEVICE_USE_C_API": "true",
            "TF_PLUGGABLE_DEVICE_LIBRARY_PATH": "/lib/libtpu.so",
        }
    return {}


def key(arguments: Sequence[str]) -> str:
    """Tells one command from another."""
    return hashlib.sha256(shlex.join(arguments).encode()).hexdigest()[:16]


_IS_ALIVE = (
    f"pid=$(cat ~/{STATE}/run.pid 2>/dev/null || true)\n"
    'alive() { [ -n "$pid" ] && grep -qs largebatch "/proc/$pid/cmdline"; }\n'
)


def start(accelerator: Accelerator, name: str, run: Run) -> str:
    """Starts the program in a session of its own, which outlives the ssh connection.

    The same flags go through `--describe` first: a mistake in them ends here, with its message.
    """
    arguments = run_arguments(accelerator, name, run)
    program = shlex.join(arguments)
    then = f""" '"$@"; echo $? >~/{STATE}/run.exit' largebatch"""
    variables = {
        "PYTHONUNBUFFERED": "1",
        "LARGEBATCH_ACCELERATOR": accelerator.name,  # what fits depends on its generation
        **run_environment(accelerator),
    }
    exports = " ".join(f"{variable}={value}" for variable, value in variables.items())
    return f"""set -e
cd ~/largebatch
{_IS_ALIVE}if alive; then echo "a run is going on here already, process $pid" >&2; exit 1; fi
{program} --describe >/dev/null
rm -f ~/{STATE}/run.exit
echo {key(arguments)} >~/{STATE}/run.key
export {exports}
nohup setsid bash -c{then} {program} >>~/{STATE}/run.log 2>&1 </dev/null &
echo $! >~/{STATE}/run.pid
echo "started, process $!\""""


def progress(accelerator: Accelerator, name: str, run: Run, commit: str) -> str:
    """Prints how far a host is with a run; `read_progress` reads it.

    absent: the suite, at this commit, is not installed. idle: this command has not been started.
    other: another one is going on. running. ended CODE: 137 if it was killed.
    """
    wanted = key(run_arguments(accelerator, name, run))
    return f"""{_IS_ALIVE}known=$(cat ~/{STATE}/run.key 2>/dev/null || true)
if alive && [ "$known" != {wanted} ]; then echo {_MARK} other
elif alive; then echo {_MARK} running
elif [ "$(cat ~/{STATE}/setup 2>/dev/null)" != {shlex.quote(commit)} ]; then echo {_MARK} absent
elif [ "$known" != {wanted} ]; then echo {_MARK} idle
else echo {_MARK} ended "$(cat ~/{STATE}/run.exit 2>/dev/null || echo 137)"
fi"""


def read_progress(output: str) -> tuple[str, int | None] | None:
    """(word, exit code if it has ended) of what `progress` printed; None if it printed nothing."""
    for line in output.splitlines():
        if line.startswith(_MARK):
            word, _, code = line[len(_MARK) :].strip().partition(" ")
            return word, int(code) if code.strip().isdecimal() else None
    return None


def tail(lines: int, follow: bool) -> str:
    """The end of the run's log; of the TensorFlow worker's on a host that starts no program."""
    following = " -F" if follow else ""
    journal = " -f" if follow else ""
    return (
        f"if [ -f ~/{STATE}/run.log ]; then tail -n {lines}{following} ~/{STATE}/run.log\n"
        f"else sudo journalctl --no-pager -u tpu-runtime -n {lines}{journal}; fi"
    )
