"""BERT's step at laptop scale, with its last layer at all tokens and only at those that are read.

    python -m largebatch.benchmarks.chosen_rows [--output=FILE]

Both steps train one model on one batch: the forward pass, both losses, the gradient and an update
by LAMB. Before, the encoder gave all tokens and the head gathered the masked words; now the last
layer is computed at those and at [CLS] alone (`models.chosen_rows`). The losses of the first step
are compared: they are the same to rounding. The two take turns in a process of one thread, so that
what else the machine does falls on both; read the ratios, of processor time.

oneDNN's kernels, which TensorFlow takes by itself on processors with AVX-512 alone, are chosen as
TensorFlow starts (TF_ENABLE_ONEDNN_OPTS). So there is a process with them and one without, which
take turns as well.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from largebatch import cli
from largebatch.benchmarks.bert_step import measure, random_batch, ratio, training_step

FLAGS = cli.new_flags()
define = cli.Define(FLAGS)
define.string("model", "bert_tiny", "The size, by its name.")
define.integer("batch", 256, "Sequences a step.", lower_bound=1)
define.integer("sequence_length", 64, "Tokens a sequence.", lower_bound=2)
define.integer("predictions", 10, "Masked tokens a sequence.", lower_bound=1)
define.integer("vocabulary", 4096, "Words.", lower_bound=2)
define.integer("rounds", 6, "Timed steps of each in a process.", lower_bound=1)
define.integer("processes", 2, "Of each kind.", lower_bound=1)
define.boolean("child", False, "Measure in this process and print JSON.")
define.output_file("output", None, "Where to write the figures as JSON.")

BEFORE, NOW = "all tokens", "chosen rows"
ONEDNN = "TF_ENABLE_ONEDNN_OPTS"


def steps(size_name: str, vocabulary: int, batch: dict) -> dict[str, Any]:
    """{name: a step of no arguments that returns its loss}, of two models with equal weights."""
    import tensorflow as tf

    from largebatch.models import bert_pretrainer

    model, other = (bert_pretrainer(size_name, vocabulary) for _ in range(2))
    other.set_weights(model.get_weights())

    def chosen(batch):
        outputs = model(batch, training=True)
        return outputs["masked_lm_logits"], outputs["next_sentence_logits"]

    def whole(batch):
        positions = batch["masked_lm_positions"]
        tokens = {name: value for name, value in batch.items() if name != "masked_lm_positions"}
        encoded = other.encoder(tokens, training=True)
        words = tf.gather(encoded["sequence_output"], positions, batch_dims=1)
        table = other.encoder.get_embedding_table()
        return other.masked_lm(words, table), other.next_sentence(encoded["pooled_output"])

    return {
        BEFORE: training_step(whole, other.trainable_variables, batch, xla=False),
        NOW: training_step(chosen, model.trainable_variables, batch, xla=False),
    }


def measured(
    model: str, batch: int, sequence_length: int, predictions: int, vocabulary: int, rounds: int
) -> dict[str, Any]:
    """What one process measures."""
    given = random_batch(batch, sequence_length, predictions, vocabulary)
    both = steps(model, vocabulary, given)
    losses = {name: step() for name, step in both.items()}
    timings = measure(both, rounds, lambda line: print(line, file=sys.stderr, flush=True))
    before, now = timings[BEFORE].processor_seconds, timings[NOW].processor_seconds
    tokens = batch * sequence_length
    return {
        "first_losses": losses,
        "tokens_per_core_second": {
            name: round(tokens / statistics.median(timing.processor_seconds))
            for name, timing in timings.items()
        },
        "rate_over_before": ratio(now, before),
        "processor_seconds": {BEFORE: before, NOW: now},
    }


def in_a_process(onednn: bool, options: Mapping[str, Any]) -> dict[str, Any]:
    """`measured` of these options, in a process of one thread, with oneDNN's kernels or without."""
    arguments = [f"--{name}={value}" for name, value in options.items()]
    threads = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    found = subprocess.run(
        [sys.executable, "-m", "largebatch.benchmarks.chosen_rows", "--child", *arguments],
        env={**os.environ, **dict.fromkeys(threads, "1"), ONEDNN: str(int(onednn))},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return json.loads(found.stdout.splitlines()[-1])


def main() -> int:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    names = ("model", "batch", "sequence_length", "predictions", "vocabulary", "rounds")
    options = {name: FLAGS[name].value for name in names}
    if FLAGS.child:
        print(json.dumps(measured(**options)))
        return 0
    import tensorflow as tf

    found: dict[str, list] = {"without oneDNN": [], "with oneDNN": []}
    for number in range(FLAGS.processes):
        for kind in list(found) if number % 2 == 0 else reversed(found):
            found[kind].append(in_a_process(kind == "with oneDNN", options))
            print(kind, found[kind][-1]["tokens_per_core_second"], flush=True)
    speed = {
        kind: {
            name: statistics.median(one["tokens_per_core_second"][name] for one in processes)
            for name in (BEFORE, NOW)
        }
        for kind, processes in found.items()
    }
    result = {
        **options,
        "tokens_per_core_second": speed,
        # Above 1: faster now. In one process:
        "rate_over_before": {
            kind: round(statistics.median(one["rate_over_before"] for one in processes), 4)
            for kind, processes in found.items()
        },
        # Between processes: all tokens without oneDNN, chosen rows with it.
        "rate_over_before_of_both": round(
            speed["with oneDNN"][NOW] / speed["without oneDNN"][BEFORE], 4
        ),
        "processor": _processor(),
        "tensorflow": tf.__version__,
        "processes": found,
    }
    print(json.dumps({k: v for k, v in result.items() if k != "processes"}, indent=1))
    cli.write_json(result, FLAGS.output)
    return 0


def _processor() -> str:
    """What the machine calls its processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if "model name" in line)
    except (OSError, StopIteration):
        return "unknown"


program, console = cli.entry(main, FLAGS, __doc__)


if __name__ == "__main__":
    console()
