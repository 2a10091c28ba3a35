"""Speed and memory of making BERT's pre-training data, beside tf-models-official's program.

    python -m largebatch.benchmarks.pretraining_data --input='books/*.txt' --vocab=vocab.txt \\
        [--megabytes=5] [--rounds=3] [--output=FILE.json]

Both programs are run as a user runs them, from the command line and with their imports, on the same
text (one sentence a line) with the same options: sequences of 128, 20 predictions, duplicate factor
10. tf-models-official's has one process; ours has one and two. They take turns, so that what else
the machine does falls on all of them alike; read the ratios, not the seconds. Memory is the peak of
the resident set: of the largest process, and of all of a program's processes together, where a page
that several share counts once. In each round ours also makes the whole input as it is, cut into
sentences by the program itself; that is compared with tf-models-official's by examples a second.
"""

from __future__ import annotations

import functools
import glob
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import NamedTuple

from largebatch import cli
from largebatch.experiments.program.text_table import Sheet, aligned
from largebatch.stack import quiet_tensorflow

PEER = "tf-models-official"
LARGEST, TOGETHER = "peak_process_mb", "peak_total_mb"

FLAGS = cli.new_flags()
define = cli.Define(FLAGS)
define.path("input", None, "Text files: glob patterns, separated by commas.")
define.path("vocab", None, "A WordPiece vocabulary.")
define.float("megabytes", 5.0, "Of text that both programs get.", lower_bound=0.01)
define.integer("copies", 10, "Duplicate factor.", lower_bound=1)
define.integer("rounds", 3, "Runs of each; medians are reported.", lower_bound=1)
define.output_file("output", None, "Write the measurements to this JSON file.")


def write_sentences(files, path: str, megabytes: float) -> int:
    """Writes text cut into sentences, one a line, up to about so many megabytes; returns bytes."""
    from largebatch.data.text import text_documents

    written = 0
    with open(path, "w", encoding="utf-8") as out:
        for file in files:
            with open(file, encoding="utf-8") as text:
                content = text.read()
            style = text_documents.detect_style(content.encode()[: text_documents.DETECTED_BYTES])
            for _, sentences in text_documents.documents(content, style):
                block = "".join(" ".join(sentence.split()) + "\n" for sentence in sentences) + "\n"
                written += len(block.encode())
                out.write(block)
                if written >= megabytes * 1e6:
                    return written
    return written


def peer_command(text: str, vocab: str, output: str, copies: int) -> list[str]:
    return [
        *(sys.executable, "-m", "official.nlp.data.create_pretraining_data"),
        *(f"--input_file={text}", f"--output_file={output}.tfrecord", f"--vocab_file={vocab}"),
        f"--dupe_factor={copies}",
    ]


def our_command(text: str, vocab: str, output: str, copies: int, jobs: int) -> list[str]:
    return [
        *(sys.executable, "-m", "largebatch.data.create_pretraining_data"),
        *(f"--input={text}", f"--output={output}", f"--vocab={vocab}", f"--jobs={jobs}"),
        f"--duplicate_factor={copies}",
    ]


def run(command: list[str]) -> dict:
    """{"seconds": wall, "cpu_seconds", "peak_process_mb", "peak_total_mb"} of a program.

    Raises:
      RuntimeError: it failed.
    """
    start = time.perf_counter()
    largest = together = 0.0
    cpu: dict = {}
    with tempfile.TemporaryFile() as errors:
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
        program = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=errors, env=environment
        )
        while program.poll() is None:
            now = processes(program.pid)
            largest = max([largest, *(one.resident for one in now)])
            shared = max((one.mapped for one in now), default=0.0)
            together = max(together, shared + sum(one.own for one in now))
            cpu.update({one.pid: one.cpu_seconds for one in now})
            time.sleep(0.1)
        seconds = time.perf_counter() - start
        if program.returncode:
            errors.seek(0)
            raise RuntimeError(f"{' '.join(command)}\n{errors.read().decode()[-2000:]}")
    return {
        "seconds": round(seconds, 3),
        "cpu_seconds": round(sum(cpu.values()), 3),
        LARGEST: round(largest, 1),
        TOGETHER: round(together, 1),
    }


class Process(NamedTuple):
    """Megabytes: `own` is memory of its own, a page that n processes share since a fork counted as
    1/n; `mapped` is what it has of files, its libraries above all."""

    pid: int
    cpu_seconds: float
    resident: float
    own: float
    mapped: float


def processes(pid: int) -> list[Process]:
    """A process and all below it, as Linux shows them in /proc."""
    found, waiting = [], [pid]
    while waiting:
        pid = waiting.pop()
        try:
            with open(f"/proc/{pid}/smaps_rollup") as file:
                lines = re.findall(r"^(\w+): +(\d+) kB", file.read(), re.MULTILINE)
            kb = {name: int(value) / 1e3 for name, value in lines}
            with open(f"/proc/{pid}/stat") as file:
                times = file.read().rpartition(")")[2].split()[11:13]
            cpu = sum(map(int, times)) / os.sysconf("SC_CLK_TCK")
            own = kb["Pss_Anon"] + kb["Pss_Shmem"]
            found.append(Process(pid, cpu, kb["Rss"], own, kb["Rss"] - kb["Anonymous"]))
            for children in glob.glob(f"/proc/{pid}/task/*/children"):
                with open(children) as file:
                    waiting += map(int, file.read().split())
        except (OSError, KeyError):
            continue  # it has ended
    return found


def count_examples(folder: str) -> int:
    import tensorflow as tf

    files = tf.io.gfile.glob(os.path.join(folder, "made*.tfrecord"))
    return sum(1 for _ in tf.data.TFRecordDataset(files))


def measure(text: str, vocab: str, copies: int, rounds: int, report=print) -> Iterator[list[dict]]:
    """After each round: a row a program, with its runs, the number of examples, and medians."""
    contenders = {
        PEER: lambda out: peer_command(text, vocab, out, copies),
        "largebatch, 1 process": lambda out: our_command(text, vocab, out, copies, 1),
        "largebatch, 2 processes": lambda out: our_command(text, vocab, out, copies, 2),
    }
    rows = {name: {"program": name, "runs": []} for name in contenders}
    for number in range(rounds):
        for name, command in contenders.items():
            with tempfile.TemporaryDirectory() as folder:
                found = run(command(os.path.join(folder, "made")))
                rows[name]["runs"].append(found)
                if not number:
                    rows[name]["examples"] = count_examples(folder)
            report(f"{name}: {found}")
        size = os.path.getsize(text)
        yield [_summed_up(row, size, rows[PEER]) for row in rows.values()]


def _summed_up(row: dict, size: int, peer: dict) -> dict:
    seconds = [found["seconds"] for found in row["runs"]]
    median = statistics.median(seconds)
    pairs = list(zip(row["runs"], peer["runs"]))
    return {
        **row,
        "seconds": median,
        "examples_per_second": round(row["examples"] / median),
        "text_mb_per_second": round(size / 1e6 / median, 3),
        "times_as_fast": round(statistics.median(b["seconds"] / a["seconds"] for a, b in pairs), 2),
        "times_as_fast_by_cpu": round(
            statistics.median(b["cpu_seconds"] / a["cpu_seconds"] for a, b in pairs), 2
        ),
        LARGEST: max(found[LARGEST] for found in row["runs"]),
        TOGETHER: max(found[TOGETHER] for found in row["runs"]),
    }


def whole_input(pattern: str, vocab: str, copies: int, jobs: int) -> dict:
    """A run of our program on all files, as they are, with the number of its examples."""
    with tempfile.TemporaryDirectory() as folder:
        output = os.path.join(folder, "made")
        found = run(our_command(pattern, vocab, output, copies, jobs))
        with open(f"{output}.manifest.json") as file:
            return {**found, "examples": json.load(file)["splits"]["train"]["examples"]}


def whole_summed_up(runs: list[dict], size: int, jobs: int, peer: dict) -> dict:
    """`runs` of `whole_input`, as many as the peer's on its part of the text."""

    def ratio(seconds: str) -> float:
        pairs = zip(runs, peer["runs"])
        rates = [
            (mine["examples"] / mine[seconds]) / (peer["examples"] / theirs[seconds])
            for mine, theirs in pairs
        ]
        return round(statistics.median(rates), 2)

    seconds, examples = statistics.median(run["seconds"] for run in runs), runs[0]["examples"]
    return {
        "text_mb": round(size / 1e6, 3),
        "jobs": jobs,
        "examples": examples,
        "runs": [{name: run[name] for name in run if name != "examples"} for run in runs],
        "seconds": seconds,
        "examples_per_second": round(examples / seconds),
        "text_mb_per_second": round(size / 1e6 / seconds, 3),
        "times_as_fast": ratio("seconds"),
        "times_as_fast_by_cpu": ratio("cpu_seconds"),
        LARGEST: max(run[LARGEST] for run in runs),
        TOGETHER: max(run[TOGETHER] for run in runs),
    }


def _files(patterns: str) -> list[str]:
    return [file for pattern in patterns.split(",") for file in sorted(glob.glob(pattern))]


def table(rows: list[dict]) -> str:
    lines = [
        [row["program"], f"{row['seconds']:.1f}", f"{row['examples_per_second']:,}",
         f"{row['text_mb_per_second']:.2f}", f"{row['times_as_fast']:.2f}",
         f"{row['times_as_fast_by_cpu']:.2f}", f"{row[LARGEST]:.0f}", f"{row[TOGETHER]:.0f}"]
        for row in rows
    ]  # fmt: skip
    head = ["program", "seconds", "examples/s", "MB/s", "x peer", "by CPU", "MB: largest", "all"]
    return aligned(Sheet(head, lines), "")


def main() -> int:
    cli.require(FLAGS, "input", "vocab")
    quiet_tensorflow()
    result = {
        "duplicate_factor": FLAGS.copies,
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
    }

    def keep(**found):
        """What is measured is written at once: a round takes minutes."""
        result.update(found)
        cli.write_json(result, FLAGS.output)

    whole, jobs = [], 2
    whole_size = sum(map(os.path.getsize, _files(FLAGS.input)))
    with tempfile.TemporaryDirectory() as folder:
        text = os.path.join(folder, "sentences.txt")
        size = write_sentences(_files(FLAGS.input), text, FLAGS.megabytes)
        print(f"{size / 1e6:.2f} MB of sentences, duplicate factor {FLAGS.copies}", flush=True)
        report = functools.partial(print, flush=True)
        for rows in measure(text, FLAGS.vocab, FLAGS.copies, FLAGS.rounds, report):
            whole.append(whole_input(FLAGS.input, FLAGS.vocab, FLAGS.copies, jobs))
            report(f"the whole input: {whole[-1]}")
            summed_up = whole_summed_up(whole, whole_size, jobs, rows[0])
            keep(whole_input=summed_up, text_mb=round(size / 1e6, 3), rows=rows)
    print(table(rows))
    return 0


program, console = cli.entry(main, FLAGS, __doc__)


if __name__ == "__main__":
    console()
