"""From a pre-trained encoder to its F1 on SQuAD v1.1: fine-tune, answer, score; each resumable."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from largebatch.experiments.program.errors import UserError
from largebatch.experiments.rows.row import Row, Stage

if TYPE_CHECKING:
    import tensorflow as tf

    from largebatch.tpu.folder.run_folder import RunFolder
    from largebatch.tpu.loop.fit_options import Outcome

FOLDER = "squad"  # inside the run's
WEIGHT_DECAY, CLIP_NORM = 0.01, 1.0  # Devlin et al. 2018, for fine-tuning too
CHECKPOINTS = 10  # in a fine-tuning
STEPS_PER_LOOP = 10
# Training questions that are scored, too: how much of them was learned by heart.
TRAIN_SCORED = 1000
FLOOR = "random spans"
SETTINGS = (
    *("squad_epochs", "squad_batch_size", "squad_learning_rate", "squad_warmup_ratio"),
    *("squad_sequence_length", "squad_stride"),
)


class Encoder(NamedTuple):
    """What is fine-tuned."""

    load: Callable  # gives a model's encoder the pre-trained weights
    origin: str  # for the record: which weights these are
    vocabulary_file: str
    lower_case: bool
    shape: dict[str, Any] | None = None  # for `build_span_model`; None: this suite's own
    vocabulary_sha256: str | None = None  # of a released one


class Score(NamedTuple):
    """What a fine-tuned model reached."""

    metrics: dict[str, float]  # f1, exact_match; train_f1, train_exact_match; squad_questions
    floors: dict[str, dict[str, float]]  # {metric: {floor: score}}, on the same dev questions


class Squad(NamedTuple):
    """SQuAD v1.1 as `load_squad` gives it."""

    train: Any
    dev: Any


def load(squad_dir: str) -> Squad:
    """Reads and checks both files; ValueError where they are not there or not right."""
    from largebatch.data import load_squad

    return Squad(*(load_squad(squad_dir, split=split) for split in Squad._fields))


def stage_of(row: Row, squad: Squad) -> Stage:
    """The fine-tuning's stage; steps as Google's run_squad counts them: questions x epochs /
    batch, rounded down, though an epoch of windows is a little longer."""
    steps = max(1, int(squad.train.questions / row.squad_batch_size * row.squad_epochs))
    warmup = int(steps * row.squad_warmup_ratio)
    return Stage(
        row.squad_sequence_length, row.squad_batch_size, steps, row.squad_learning_rate, warmup
    )


def optimizer_of(stage: Stage) -> tf.keras.optimizers.Optimizer:
    """A new optimizer of a fine-tuning, with its rate: Devlin et al. 2018."""
    from largebatch import optimizers
    from largebatch.optimizers.schedules import WarmupPolynomialDecay

    schedule = WarmupPolynomialDecay(stage.learning_rate, stage.warmup_steps, stage.steps)
    return optimizers.create("bert_adamw", schedule, weight_decay=WEIGHT_DECAY)


def run(
    row: Row,
    stage: Stage,
    squad: Squad,
    encoder: Encoder,
    seed: int,
    micro_batch: list[int | None],
    strategy: tf.distribute.Strategy,
    folder: RunFolder,
) -> tuple[Outcome, Score | None]:
    """Fine-tunes and scores `encoder` in `folder`, resuming what lies there.

    Returns:
      (the loop's outcome, the `Score` or None where the loop did not finish).

    Raises:
      ValueError: The folder holds another fine-tuning.
    """
    from largebatch import tpu
    from largebatch.data import random_span_score, squad_score, squad_windows
    from largebatch.experiments.tasks import squad_evaluation
    from largebatch.experiments.tasks.span_prediction import SpanPrediction, build_span_model

    _check_settings(folder, _settings(row, encoder, squad, seed))

    def windows(split):
        return squad_windows(
            split,
            encoder.vocabulary_file,
            lower_case=encoder.lower_case,
            sequence_length=row.squad_sequence_length,
            stride=row.squad_stride,
        )

    training_windows = windows(squad.train)
    outcome = tpu.fit(
        SpanPrediction(row, stage, training_windows, seed, encoder.load, encoder.shape),
        lambda: optimizer_of(stage),
        strategy,
        folder,
        tpu.FitOptions(
            steps_per_epoch=len(training_windows) / stage.batch_size,
            steps_per_loop=min(STEPS_PER_LOOP, stage.steps),
            eval_batch=None,
            checkpoint_every=-(-stage.steps // CHECKPOINTS),
            micro_batch=micro_batch,
            clip_norm=CLIP_NORM,
        ),
    )
    if outcome.status != "finished":
        return outcome, None
    with strategy.scope():
        model = build_span_model(row, encoder.shape)
        tpu.restore_model(model, folder.checkpoints)
    predictions, n_best = squad_evaluation.answers(model, windows(squad.dev), strategy)
    score = squad_score(squad.dev, predictions)
    seen = some_questions(squad.train, TRAIN_SCORED)
    train_predictions, _ = squad_evaluation.answers(model, windows(seen), strategy)
    train_score = squad_score(seen, train_predictions)
    folder.write_json("predictions.json", predictions)
    folder.write_json("nbest_predictions.json", n_best)
    metrics = {
        **score,
        **{f"train_{metric}": value for metric, value in train_score.items()},
        "squad_questions": len(predictions),
    }
    floor = random_span_score(squad.dev, squad.train)
    return outcome, Score(metrics, {metric: {FLOOR: value} for metric, value in floor.items()})


def some_questions(squad: Any, most: int) -> Any:
    """The set as one to be scored on: all its questions or, of more than `most`, as many, evenly
    spread."""
    step = max(1, squad.questions / most)
    wanted = {int(number * step) for number in range(min(most, squad.questions))}
    number, articles = -1, []
    for article in squad.articles:
        paragraphs = []
        for paragraph in article["paragraphs"]:
            asked = []
            for question in paragraph["qas"]:
                number += 1
                asked += [question] if number in wanted else []
            paragraphs += [{**paragraph, "qas": asked}] if asked else []
        articles.append({**article, "paragraphs": paragraphs})
    return dataclasses.replace(squad, split="dev", articles=articles, questions=len(wanted))


def _settings(row: Row, encoder: Encoder, squad: Squad, seed: int) -> dict[str, Any]:
    return {
        **{field: getattr(row, field) for field in SETTINGS},
        "encoder": encoder.origin,
        "lower_case": encoder.lower_case,
        "seed": seed,
        "train_sha256": _sha256(squad.train.file),
        "dev_sha256": _sha256(squad.dev.file),
    }


def _check_settings(folder, settings: dict[str, Any]) -> None:
    """Writes what is fine-tuned, or compares it with what the folder holds."""
    stored = folder.read_json("settings.json")
    if stored is None:
        folder.write_json("settings.json", settings)
        return
    for field, value in settings.items():
        if stored.get(field, value) != value:  # a field that a later version adds is the same
            raise UserError(
                f"{folder.path} holds another fine-tuning: {field} {stored.get(field)!r} found, "
                f"{value!r} wanted; remove it to fine-tune again"
            )


def _sha256(path: str) -> str:
    import tensorflow as tf

    digest = hashlib.sha256()
    with tf.io.gfile.GFile(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
