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

from largebatch import programs
from largebatch.tpu.pod.accelerators import CLASSIC, MODERN, Accelerator
from largebatch.tpu.pod.setup import LIBTPU_SO, STATE, stamp

_MARK = "largebatch:"  # before the one line that `progress` prints


class Run(NamedTuple):
    """A row to start: its name, its folder, and further flags of the program `run`."""

    experiment: str
    output_dir: str
    flags: tuple[str, ...] = ()


def run_arguments(accelerator: Accelerator, name: str, run: Run) -> list[str]:
    """The program that a host starts, the same each time: a restart resumes its folder."""
    return [
        ".venv/bin/python",
        *("-m", programs.RUN),
        f"--experiment={run.experiment}",
        f"--output_dir={run.output_dir}",
        "--device=tpu",
        f"--tpu={name if accelerator.is_pod else 'local'}",
        *run.flags,
    ]


def run_environment(accelerator: Accelerator, stack: str = CLASSIC) -> dict[str, str]:
    """On a pod the workers hold libtpu, so the program must not; PJRT is a pluggable device."""
    if accelerator.is_pod:
        return {"TPU_LOAD_LIBRARY": "0"}
    if accelerator.device_api == "pjrt":
        modern = {"PJRT_DEVICE": "TPU"} if stack == MODERN else {}
        return {
            "NEXT_PLUGGABLE_DEVICE_USE_C_API": "true",
            "TF_PLUGGABLE_DEVICE_LIBRARY_PATH": LIBTPU_SO[stack],
            **modern,
        }
    return {}


def key(arguments: Sequence[str]) -> str:
    """Tells one command from another."""
    return hashlib.sha256(shlex.join(arguments).encode()).hexdigest()[:16]


_IS_ALIVE = (
    f"pid=$(cat ~/{STATE}/run.pid 2>/dev/null || true)\n"
    'alive() { [ -n "$pid" ] && grep -qs largebatch "/proc/$pid/cmdline"; }\n'
)


def start(accelerator: Accelerator, name: str, run: Run, stack: str = CLASSIC) -> str:
    """Starts the program in a session of its own, which outlives the ssh connection.

    The same flags go through `--describe` first: a mistake in them ends here, with its message.
    """
    arguments = run_arguments(accelerator, name, run)
    program = shlex.join(arguments)
    then = f""" '"$@"; echo $? >~/{STATE}/run.exit' largebatch"""
    variables = {
        "PYTHONUNBUFFERED": "1",
        "LARGEBATCH_ACCELERATOR": accelerator.name,  # what fits depends on its generation
        **run_environment(accelerator, stack),
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


def progress(
    accelerator: Accelerator, name: str, run: Run, commit: str, stack: str = CLASSIC
) -> str:
    """Prints how far a host is with a run; `read_progress` reads it.

    absent: the suite, at this commit on this stack, is not installed. idle: this command has not
    been started. other: another one is going on. running. ended CODE: 137 if it was killed.
    """
    wanted = key(run_arguments(accelerator, name, run))
    installed = shlex.quote(stamp(commit, stack))
    return f"""{_IS_ALIVE}known=$(cat ~/{STATE}/run.key 2>/dev/null || true)
if alive && [ "$known" != {wanted} ]; then echo {_MARK} other
elif alive; then echo {_MARK} running
elif [ "$(cat ~/{STATE}/setup 2>/dev/null)" != {installed} ]; then echo {_MARK} absent
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
