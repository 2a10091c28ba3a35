"""How long it takes from the command to the first update, beside the import of TensorFlow alone.

    python -m largebatch.benchmarks.start [--experiment=table7/lamb] [--scale=laptop]

In turns, each in a process of its own: `import tensorflow`, and `run` up to the record of its first
update in metrics.jsonl, where the run is stopped. On the clock, and of processor time, which is the
steadier one where the machine does other things.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from largebatch import cli

FLAGS = cli.new_flags()
define = cli.Define(FLAGS)
define.string("experiment", "table7/lamb", "The row that is started.")
define.string("scale", "laptop", "Its scale.")
define.integer("rounds", 5, "Starts of each; medians are reported.", lower_bound=1)
define.output_file("output", None, "Where to write the figures as JSON.")
LIMIT = 600  # seconds


def until(command: Sequence[str], log: Path | None) -> tuple[float, float]:
    """Runs a command until it ends, or until `log` has a line; returns (seconds, of processor)."""
    began, before = time.perf_counter(), os.times()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    while process.poll() is None and not (log and log.exists() and log.stat().st_size):
        if time.perf_counter() - began > LIMIT:
            process.kill()
        time.sleep(0.005)
    seconds = time.perf_counter() - began
    if log is not None:
        process.send_signal(signal.SIGKILL)
    output, _ = process.communicate()
    if log is not None and not log.exists():
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{output}")
    after = os.times()
    spent = sum(after[i] - before[i] for i in (2, 3))  # of children: user and system
    return seconds, spent


def measure(experiment: str, scale: str, rounds: int) -> dict:
    """The figures of one row."""
    imported, started = [], []
    for _ in range(rounds):
        imported.append(until([sys.executable, "-c", "import tensorflow"], None))
        with tempfile.TemporaryDirectory() as folder:
            run = [sys.executable, "-m", "largebatch.experiments.run", "--steps_per_loop=1"]
            row = [f"--experiment={experiment}", f"--scale={scale}", f"--output_dir={folder}/run"]
            started.append(until([*run, *row], Path(folder, "run", "metrics.jsonl")))
    (of_import, import_processor), (of_start, start_processor) = (
        [statistics.median(kind) for kind in zip(*found)] for found in (imported, started)
    )
    return {
        "experiment": experiment,
        "scale": scale,
        "cores": os.cpu_count(),
        "seconds_to_import_tensorflow": round(of_import, 2),
        "seconds_to_the_first_update": round(of_start, 2),
        "processor_seconds_to_import_tensorflow": round(import_processor, 2),
        "processor_seconds_to_the_first_update": round(start_processor, 2),
        "ratio": round(of_start / of_import, 2),
    }


def main() -> int:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    figures = measure(FLAGS.experiment, FLAGS.scale, FLAGS.rounds)
    print(json.dumps(figures, indent=2))
    cli.write_json(figures, FLAGS.output)
    return 0


program, console = cli.entry(main, FLAGS, __doc__)


if __name__ == "__main__":
    console()
