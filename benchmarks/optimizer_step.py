"""Time of one optimizer step on BERT-Base's variables: this suite's LAMB and LARS and their peers.

    python -m largebatch.benchmarks.optimizer_step [--layers=12] [--repeats=8] [--output=FILE.json]

Peers: tensorflow-addons' LAMB (where it is installed: without it there are no ratios),
tf-models-official's LAMB and LARS, Keras' AdamW. All run in one
process on the same weights and gradients, in turn, so that what else the machine does falls on all
of them alike; read the ratios, not the seconds. "graph" is `apply_gradients` in a plain
`tf.function`, each optimizer with its defaults (this suite's compile their own update); "xla" is
the whole step in `tf.function(jit_compile=True)`.

Memory: about 7 GB at --layers=12.
"""

from __future__ import annotations

import functools
import math
import os
import platform
import statistics
import time

from largebatch import cli
from largebatch.experiments.program.text_table import NOTHING, Sheet, aligned
from largebatch.stack import quiet_tensorflow

FLAGS = cli.new_flags()
define = cli.Define(FLAGS)
define.integer("layers", 12, "Transformer layers of the variable set.", lower_bound=0)
define.integer("vocabulary", 30522, "Rows of the word embedding.", lower_bound=1)
define.integer("repeats", 8, "Timed rounds; the median is reported.", lower_bound=1)
define.multi_enum("modes", ["graph", "xla"], ["graph", "xla"], "What to time.")
define.multi_string("only", None, "Time only these optimizers.")
define.output_file("output", None, "Write the measurements to this JSON file.")


def bert_shapes(layers: int = 12, hidden: int = 768, heads: int = 12, vocabulary: int = 30522):
    """[(path, shape)] of BERT's encoder and pooler: 199 tensors, 109.5 M numbers at the defaults.

    Named and shaped as tf-models-official's `BertEncoderV2` creates them.
    """
    head = hidden // heads
    variables = [
        ("word_embeddings/embeddings", (vocabulary, hidden)),
        ("position_embedding/embeddings", (512, hidden)),
        ("type_embeddings/embeddings", (2, hidden)),
        ("embeddings/layer_norm/gamma", (hidden,)),
        ("embeddings/layer_norm/beta", (hidden,)),
    ]
    for layer in range(layers):
        block = [
            *((f"self_attention/{part}/{leaf}", shape)
              for part in ("query", "key", "value")
              for leaf, shape in (("kernel", (hidden, heads, head)), ("bias", (heads, head)))),
            ("self_attention/attention_output/kernel", (heads, head, hidden)),
            ("self_attention/attention_output/bias", (hidden,)),
            ("self_attention_layer_norm/gamma", (hidden,)),
            ("self_attention_layer_norm/beta", (hidden,)),
            ("intermediate/kernel", (hidden, 4 * hidden)),
            ("intermediate/bias", (4 * hidden,)),
            ("output/kernel", (4 * hidden, hidden)),
            ("output/bias", (hidden,)),
            ("output_layer_norm/gamma", (hidden,)),
            ("output_layer_norm/beta", (hidden,)),
        ]  # fmt: skip
        variables += [(f"transformer/layer_{layer}/{path}", shape) for path, shape in block]
    return [
        *variables,
        ("pooler_transform/kernel", (hidden, hidden)),
        ("pooler_transform/bias", (hidden,)),
    ]


def contenders():
    """{name: function that makes the optimizer}, all with BERT's exclusions."""
    import tensorflow as tf
    from official.modeling.optimization import lamb as official_lamb
    from official.modeling.optimization import lars as official_lars

    import largebatch.optimizers as lo

    excluded = ["layer_norm", "bias"]

    def keras_adamw():
        optimizer = tf.keras.optimizers.AdamW(1e-4, weight_decay=0.01, epsilon=1e-6)
        optimizer.exclude_from_weight_decay(var_names=excluded)
        return optimizer

    def addons_lamb():
        from largebatch.optimizers.addons import tfa

        return tfa.optimizers.LAMB(1e-4, weight_decay=0.01, exclude_from_weight_decay=excluded)

    return {
        "largebatch LAMB": lambda: lo.LAMB(1e-4),
        "largebatch LARS": lambda: lo.LARS(1e-4),
        **({} if lo.why_missing("tfa_lamb") else {REFERENCE: addons_lamb}),
        "tf-models-official LAMB": lambda: official_lamb.LAMB(
            1e-4, weight_decay_rate=0.01, exclude_from_weight_decay=excluded
        ),
        "tf-models-official LARS": lambda: official_lars.LARS(
            1e-4, weight_decay_rate=1e-4, exclude_from_weight_decay=excluded
        ),
        "keras AdamW": keras_adamw,
    }


def measure(shapes, modes, repeats: int, only=None, report=print):
    """[{"optimizer", "mode", "compile_seconds", "seconds", "median"}], all interleaved."""
    import tensorflow as tf

    generator = tf.random.Generator.from_seed(0)
    weights = [tf.Variable(0.02 * generator.normal(shape), name=path) for path, shape in shapes]
    gradients = [1e-3 * generator.normal(shape) for _, shape in shapes]

    steps, rows = [], []
    for name, make in contenders().items():
        if only and name not in only:
            continue
        optimizer = make()
        for mode in modes:

            @tf.function(jit_compile=mode == "xla", autograph=False)
            def step(gradients, optimizer=optimizer):
                optimizer.apply_gradients(zip(gradients, weights))
                return tf.identity(optimizer.iterations)

            start = time.perf_counter()
            step(gradients).numpy()
            compile_seconds = time.perf_counter() - start
            report(f"{name}, {mode}: traced and compiled in {compile_seconds:.1f} s")
            steps.append(step)
            row = {"optimizer": name, "mode": mode, "compile_seconds": round(compile_seconds, 3)}
            rows.append({**row, "seconds": []})
    for _ in range(repeats):
        for step, row in zip(steps, rows):
            start = time.perf_counter()
            step(gradients).numpy()
            row["seconds"].append(round(time.perf_counter() - start, 6))
    for row in rows:
        row["median"] = statistics.median(row["seconds"])
    return rows


REFERENCE = "tensorflow-addons LAMB"


def paired_ratio(row, rows):
    """Median over the rounds of this row's time by the reference's in the same round and mode."""
    for other in rows:
        if other["optimizer"] == REFERENCE and other["mode"] == row["mode"]:
            return statistics.median(a / b for a, b in zip(row["seconds"], other["seconds"]))
    return None


def table(rows) -> str:
    """The measurements as text: medians, least times, and ratios to tensorflow-addons' LAMB."""
    lines = []
    for row in sorted(rows, key=lambda row: (row["mode"], row["median"])):
        ratio = paired_ratio(row, rows)
        seconds = (f"{value:.4f}" for value in (row["median"], min(row["seconds"])))
        shown = NOTHING if ratio is None else f"{ratio:.3f}"
        lines.append(
            [row["optimizer"], row["mode"], *seconds, shown, f"{row['compile_seconds']:.1f}"]
        )
    head = ["optimizer", "mode", "median s", "least s", "/ TFA's LAMB", "compile s"]
    return aligned(Sheet(head, lines), "")


def main() -> int:
    quiet_tensorflow()
    import tensorflow as tf

    shapes = bert_shapes(FLAGS.layers, vocabulary=FLAGS.vocabulary)
    parameters = sum(math.prod(shape) for _, shape in shapes)
    print(f"{len(shapes)} tensors, {parameters / 1e6:.1f} M parameters", flush=True)
    report = functools.partial(print, flush=True)
    rows = measure(shapes, FLAGS.modes, FLAGS.repeats, FLAGS.only, report)
    print(table(rows))
    record = {
        "tensors": len(shapes),
        "parameters": parameters,
        "tensorflow": tf.__version__,
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "rows": [{**row, "ratio": paired_ratio(row, rows)} for row in rows],
    }
    cli.write_json(record, FLAGS.output)
    return 0


program, console = cli.entry(main, FLAGS, __doc__)


if __name__ == "__main__":
    console()
