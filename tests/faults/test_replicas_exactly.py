"""Eight examples on one replica, two or four, whole or in passes, are one update: for every task.

In float64, in which a wrong factor is not taken for rounding: the tasks' own casts to float32 are
turned into float64 here. On SGD's slots, which are the aggregated gradients, and its weights; on
LAMB's slots, whose weights alone would hide a wrong scale, and its weights.
"""

import json
import string

import numpy as np
import pytest
import tensorflow as tf
from official.nlp.modeling.layers import transformer_encoder_block
from official.nlp.modeling.networks import bert_encoder

from largebatch import optimizers
from largebatch.experiments.rows.overrides import apply_overrides
from largebatch.experiments.tables import registry
from largebatch.experiments.tables.registry import scaled
from largebatch.experiments.tasks import classification, pretraining, span_prediction
from largebatch.models import BERT_SIZES, bert, lenet
from largebatch.tpu import BatchPlan, configure_devices
from largebatch.tpu.loop.inputs import distributed_dataset
from largebatch.tpu.loop.train_loop import TrainLoop

BATCH = 8
# (replicas, micro-batch): 1 x 8, 2 x 4, 4 x 2, and passes of each.
SPREADS = ((1, 8), (2, 4), (4, 2), (1, 2), (2, 1))
# What a pass draws depends on its size: stateless in (seed, update, place of the pass).
PASSES_OF_TWO = ((1, 2), (2, 2), (4, 2))


# A softmax over positions does not see what it adds to all of them, the last two in the answers'
# spans: their gradient is 0 but for rounding, of which LAMB, that divides it out, makes 1e-13.
WITHOUT_GRADIENT = ("key/bias", "span/bias", "layer_1/output_layer_norm/beta")


class InDouble:
    """A module in which float32 means float64."""

    def __init__(self, module):
        self._module = module
        self.float32 = tf.float64

    def __getattr__(self, name):
        found = getattr(self._module, name)
        if name in ("keras", "layers"):
            return InDouble(found)
        if name != "Dense":
            return found
        return lambda *a, **k: found(*a, **{n: v for n, v in k.items() if n != "dtype"})


@pytest.fixture(autouse=True)
def double(monkeypatch):
    tf.keras.backend.set_floatx("float64")
    for module in (bert, bert_encoder, transformer_encoder_block, classification, lenet):
        monkeypatch.setattr(module, "tf", InDouble(tf))


def cast(batch):
    return {
        name: tf.cast(value, tf.float64) if value.dtype.is_floating else value
        for name, value in batch.items()
    }


def smoke(name, **overrides):
    return apply_overrides(scaled(registry.find(name), "smoke"), overrides)


def images(tmp_path, dropout):
    from largebatch import data

    return classification.ImageClassification(
        smoke("table7/lamb", batch_size=str(BATCH), epochs="0.05"), data.load("digits"), seed=0
    )


def text(tmp_path, dropout):
    from largebatch.data import find_pretraining, prepare_pretraining

    sentences = [f"The {a} sat on the {b}. It saw a {b}{a} there." for a in "cat" for b in "mnopq"]
    (tmp_path / "text.txt").write_text("\n\n".join("\n".join(sentences) for _ in range(12)))
    row = smoke(
        "table1/lamb-32768", dataset="text_folder", vocabulary_size="200", dropout=dropout
    )  # fmt: skip
    folder = prepare_pretraining(str(tmp_path), [row.stages[0].sequence_length], 200)
    files = [find_pretraining(str(folder), row.stages[0].sequence_length)] * len(row.stages)
    return pretraining.Pretraining(row, files, seed=0)


def questions(tmp_path, dropout):
    from largebatch.data import load_squad, squad_windows

    context = "The cat sat on the mat. The dog ran to the park. A bird sang in the tree."
    answers = ["The cat", "the mat", "The dog", "the park", "A bird", "the tree"]
    asked = [
        {"id": answer, "question": f"Who or where is {answer}?",
         "answers": [{"text": answer, "answer_start": context.index(answer)}]}
        for answer in answers
    ]  # fmt: skip
    paragraphs = [{"title": "Animals", "paragraphs": [{"context": context, "qas": asked}]}]
    (tmp_path / "train-v1.1.json").write_text(json.dumps({"version": "1.1", "data": paragraphs}))
    letters = [*string.ascii_lowercase, *(f"##{c}" for c in string.ascii_lowercase), ".", "?"]
    vocabulary = tmp_path / "vocab.txt"
    vocabulary.write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters]))
    row = smoke("table1/lamb-32768", vocabulary_size="200", dropout=dropout)
    windows = squad_windows(
        load_squad(str(tmp_path), split="train"), str(vocabulary),
        lower_case=True, sequence_length=64, stride=16, question_length=24,
    )  # fmt: skip
    stage = row.stages[0]._replace(sequence_length=64, batch_size=BATCH, steps=3)
    return span_prediction.SpanPrediction(row, stage, windows, 0, lambda model: None)


def sgd():
    return tf.keras.optimizers.SGD(0.05, momentum=0.9)


def lamb():
    return optimizers.create("lamb", 0.01)


def after_two_updates(task, make_optimizer, replicas, micro_batch):
    """The losses, and the weights and the slots as (name, value)."""
    strategy = configure_devices("cpu", replicas)
    tf.keras.utils.set_random_seed(0)
    with strategy.scope():
        step = tf.Variable(0, dtype=tf.int64, trainable=False)
        model = task.build_model()
        optimizer = make_optimizer()
        optimizer.build(model.trainable_variables)
    loop = TrainLoop(task, model, optimizer, strategy, step)
    plan = BatchPlan.make(BATCH, replicas, micro_batch)
    loop.start_stage(
        plan,
        distributed_dataset(
            strategy, lambda context: task.train_dataset(0, context, micro_batch, 0).map(cast)
        ),
    )
    losses = [loop.train(tf.constant(1))["loss"] for _ in range(2)]
    slots = [v for v in optimizer.variables if v.shape.rank and v.dtype == tf.float64]
    weights, slots = (
        [(v.name, v.numpy()) for v in some] for some in (model.trainable_variables, slots)
    )
    return losses, weights, slots


def check(task, make_optimizer, spreads):
    first, *others = (after_two_updates(task, make_optimizer, *spread) for spread in spreads)
    assert first[0][0] != first[0][1] and first[2]
    for losses, weights, slots in others:
        np.testing.assert_allclose(losses, first[0], rtol=1e-6)  # reported in float32
        for (name, mine), (_, theirs) in zip([*weights, *slots], [*first[1], *first[2]]):
            assert mine.dtype == np.float64
            least = 0.1 if any(end in name for end in WITHOUT_GRADIENT) else 1e-3
            scale = max(np.abs(theirs).max(), least)
            np.testing.assert_allclose(mine, theirs, rtol=0, atol=1e-11 * scale, err_msg=name)


def test_images_on_one_replica_at_once_and_on_two_in_passes(tmp_path, monkeypatch):
    """What LAMB makes of sums: tests/tpu/loop/test_train_loop.py."""
    channels, padding, _ = lenet.VARIANTS["lecun"]  # most of the time is tracing layers
    monkeypatch.setitem(lenet.VARIANTS, "lecun", (channels, padding, ()))
    check(images(tmp_path, "0"), sgd, SPREADS[::4])


def test_pre_training_with_dropout_in_passes_of_the_same_size(tmp_path, monkeypatch):
    one_layer = BERT_SIZES["bert_tiny"]._replace(layers=1)  # most of the time is tracing
    monkeypatch.setitem(BERT_SIZES, "bert_tiny", one_layer)
    check(text(tmp_path, "0.1"), sgd, PASSES_OF_TWO[:2])


@pytest.mark.faults
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("make_optimizer", [sgd, lamb])
@pytest.mark.parametrize(
    "make_task, dropout, spreads",
    [
        (images, "0", SPREADS),
        (text, "0", SPREADS),
        (text, "0.1", PASSES_OF_TWO),
        (questions, "0", SPREADS),
        (questions, "0.1", PASSES_OF_TWO),
    ],
)
def test_all_tasks_on_all_spreads(tmp_path, make_task, make_optimizer, dropout, spreads):
    check(make_task(tmp_path, dropout), make_optimizer, spreads)
