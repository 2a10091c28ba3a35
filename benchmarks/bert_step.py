"""One training step of BERT's pre-training beside tf-models-official's, in one process.

    python -m largebatch.benchmarks.bert_step [--precision=bfloat16] [--output=FILE]

Both models have the same sizes and take the same batch; a step is the forward pass with dropout,
both losses, the gradient and an update by LAMB. tf-models-official's is BertPretrainerV2 over its
BertEncoderV2 with a classification head for the next sentence, which draws its dropout masks from
hidden state. They take turns, first the one and then the other first, so that what else the machine
does falls on both; read the ratios. That of processor time, the seconds of all cores together, is
the steadier one on a machine that does other things too (on an accelerator it says nothing).
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from typing import NamedTuple

from largebatch import cli
from largebatch.stack import quiet_tensorflow

FLAGS = cli.new_flags()
define = cli.Define(FLAGS)
define.string("model", "bert_base", "The size, by its name.")
define.enum("precision", "float32", ["float32", "bfloat16"], "What to compute in.")
define.integer("batch", 8, "Sequences a step.", lower_bound=1)
define.integer("sequence_length", 128, "Tokens a sequence.", lower_bound=2)
define.integer("predictions", 20, "Masked tokens a sequence.", lower_bound=1)
define.integer("vocabulary", 30522, "Words.", lower_bound=2)
define.integer("rounds", 8, "Timed steps of each; medians are reported.", lower_bound=1)
define.boolean("xla", False, "Compile the steps with XLA.")
define.output_file("output", None, "Where to write the figures as JSON.")

OURS, OFFICIAL = "largebatch", "tf-models-official"


def random_batch(batch: int, length: int, predictions: int, vocabulary: int) -> dict:
    """A batch of the reader's names and shapes with noise in it: speed does not need more."""
    import numpy as np

    draw = np.random.default_rng(0)

    def whole(high, *shape):
        return draw.integers(0, high, shape).astype(np.int32)

    return {
        "input_word_ids": whole(vocabulary, batch, length),
        "input_mask": np.ones((batch, length), np.int32),
        "input_type_ids": whole(2, batch, length),
        "masked_lm_positions": np.sort(whole(length, batch, predictions)),
        "masked_lm_ids": whole(vocabulary, batch, predictions),
        "masked_lm_weights": np.ones((batch, predictions), np.float32),
        "next_sentence_labels": whole(2, batch),
        "dropout_seed": whole(2**31 - 1, 2),
    }


def official_pretrainer(size_name: str, vocabulary: int):
    """tf-models-official's own pre-trainer of that size, and its outputs by our names."""
    import tensorflow as tf
    from official.nlp.modeling import layers, models, networks

    from largebatch.models import BERT_SIZES

    size = BERT_SIZES[size_name]
    initializer = tf.keras.initializers.TruncatedNormal(stddev=0.02)

    def gelu(x):
        return tf.keras.activations.gelu(x, approximate=True)

    encoder = networks.BertEncoderV2(
        vocab_size=vocabulary,
        hidden_size=size.hidden_size,
        num_layers=size.layers,
        num_attention_heads=size.heads,
        inner_dim=size.intermediate_size,
        inner_activation=gelu,
        type_vocab_size=2,
        initializer=initializer,
    )
    head = layers.ClassificationHead(
        size.hidden_size, 2, dropout_rate=0.1, initializer=initializer, name="next_sentence"
    )
    model = models.BertPretrainerV2(
        encoder, mlm_activation=gelu, mlm_initializer=initializer, classification_heads=[head]
    )
    model(model.inputs)

    def forward(batch):
        outputs = model(batch, training=True)
        return outputs["mlm_logits"], outputs["next_sentence"]

    # The head has a pooler of its own; the encoder's takes no part.
    unused = {id(weight) for weight in encoder.pooler_layer.trainable_variables}
    variables = [weight for weight in model.trainable_variables if id(weight) not in unused]
    return forward, variables


def our_pretrainer(size_name: str, vocabulary: int):
    from largebatch.models import bert_pretrainer

    model = bert_pretrainer(size_name, vocabulary)

    def forward(batch):
        outputs = model(batch, training=True)
        return outputs["masked_lm_logits"], outputs["next_sentence_logits"]

    return forward, model.trainable_variables


def training_step(forward, variables, batch, xla: bool):
    """Returns a function of no arguments that makes one update and returns the loss."""
    import tensorflow as tf

    from largebatch.optimizers import LAMB

    optimizer = LAMB(1e-4)
    optimizer.build(variables)
    batch = {name: tf.constant(value) for name, value in batch.items()}
    inputs = ("input_word_ids", "input_mask", "input_type_ids", "masked_lm_positions")
    cross_entropy = tf.nn.sparse_softmax_cross_entropy_with_logits

    @tf.function(jit_compile=xla)
    def step(batch):
        with tf.GradientTape() as tape:
            words, sentences = forward({name: batch[name] for name in (*inputs, "dropout_seed")})
            weights = batch["masked_lm_weights"]
            losses = cross_entropy(batch["masked_lm_ids"], tf.cast(words, tf.float32))
            loss = tf.reduce_sum(losses * weights) / tf.reduce_sum(weights)
            labels = batch["next_sentence_labels"]
            loss += tf.reduce_mean(cross_entropy(labels, tf.cast(sentences, tf.float32)))
        gradients = tape.gradient(loss, variables)
        optimizer.apply_gradients(zip(gradients, variables))
        return loss

    return lambda: float(step(batch))


class Timing(NamedTuple):
    seconds: list  # by the clock on the wall
    processor_seconds: list  # of all cores together


def measure(steps: dict, rounds: int, report) -> dict[str, Timing]:
    """The time of each step in each round; the order turns round by round."""
    timings = {name: Timing([], []) for name in steps}
    for name, step in steps.items():
        began = time.perf_counter()
        step()
        report(f"{name}: traced, and run once, in {time.perf_counter() - began:.1f} s")
        step()
    for number in range(rounds):
        for name in list(steps) if number % 2 == 0 else reversed(steps):
            began, processor_began = time.perf_counter(), time.process_time()
            steps[name]()
            timings[name].seconds.append(round(time.perf_counter() - began, 5))
            timings[name].processor_seconds.append(round(time.process_time() - processor_began, 5))
    return timings


def ratio(ours: list, theirs: list) -> float:
    """How many times faster ours is: the median over the rounds."""
    return round(statistics.median(b / a for a, b in zip(ours, theirs)), 4)


def main() -> int:
    quiet_tensorflow()
    import tensorflow as tf

    if FLAGS.precision == "bfloat16":
        tf.keras.mixed_precision.set_global_policy("mixed_bfloat16")
    batch = random_batch(FLAGS.batch, FLAGS.sequence_length, FLAGS.predictions, FLAGS.vocabulary)
    makers = {OURS: our_pretrainer, OFFICIAL: official_pretrainer}
    steps, parameters = {}, {}
    for name, make in makers.items():
        forward, variables = make(FLAGS.model, FLAGS.vocabulary)
        parameters[name] = sum(variable.shape.num_elements() for variable in variables)
        steps[name] = training_step(forward, variables, batch, FLAGS.xla)
    timings = measure(steps, FLAGS.rounds, lambda line: print(line, flush=True))
    ours, theirs = timings[OURS], timings[OFFICIAL]
    named = ("model", "precision", "batch", "sequence_length", "predictions", "vocabulary", "xla")
    result = {
        **{name: FLAGS[name].value for name in named},
        "parameters": parameters,
        "examples_per_second": {
            name: round(FLAGS.batch / statistics.median(timing.seconds), 3)
            for name, timing in timings.items()
        },
        # Above 1: ours is the faster one.
        "rate_over_official": ratio(ours.seconds, theirs.seconds),
        "rate_over_official_by_processor_time": ratio(
            ours.processor_seconds, theirs.processor_seconds
        ),
        "rounds": FLAGS.rounds,
        "device": "GPU" if tf.config.list_logical_devices("GPU") else platform.machine(),
        "cores": os.cpu_count(),
        "tensorflow": tf.__version__,
    }
    print(json.dumps(result, indent=1))
    times = {name: timing._asdict() for name, timing in timings.items()}
    cli.write_json({**result, "times": times}, FLAGS.output)
    return 0


program, console = cli.entry(main, FLAGS, __doc__)


if __name__ == "__main__":
    console()
