"""What a pre-training data set is made from and how: the options, checked."""

from __future__ import annotations

import dataclasses
import math

PREDICTIONS = {128: 20, 512: 80}  # Google's; the paper's two stages
CORPORA = ("python",)
RUNNERS = ("DirectRunner", "DataflowRunner", "FlinkRunner", "SparkRunner")
TEXT_STYLES = ("auto", "sentences", "free")


def default_predictions(sequence_length: int) -> int:
    """20 at 128, 80 at 512, otherwise 15 % of the length, rounded up."""
    return PREDICTIONS.get(sequence_length, math.ceil(round(0.15 * sequence_length, 6)))


@dataclasses.dataclass(frozen=True)
class GeneratorOptions:
    """Options of `pretraining_shards.create`; the names are the program's flags.

    Exactly one of `input` (glob patterns), `tfds` and `corpus` names the text.

    Raises:
      ValueError: a value that makes no sense.
    """

    output: str
    vocab: str
    input: tuple | None = None
    tfds: str | None = None
    corpus: str | None = None
    data_dir: str | None = None
    sequence_length: int = 128
    max_predictions: int | None = None
    masked_fraction: float = 0.15
    duplicate_factor: int = 10
    short_sequence_probability: float = 0.1
    whole_word_masking: bool = False
    lower_case: bool = True
    seed: int = 12345
    shards: int | None = None
    jobs: int | None = None
    eval_fraction: float = 0.0
    text: str = "auto"
    blank_lines: int = 1
    runner: str | None = None
    runner_arguments: tuple = ()

    def __post_init__(self):
        given = [name for name in ("input", "tfds", "corpus") if getattr(self, name)]
        if len(given) != 1:
            raise ValueError(
                "name the text with one of --input, --tfds and --corpus; found "
                + (" and ".join(f"--{name}" for name in given) or "none")
            )
        if self.max_predictions is None:
            object.__setattr__(self, "max_predictions", default_predictions(self.sequence_length))
        for name, low, high in (
            ("sequence_length", 8, 1 << 15),
            ("max_predictions", 1, self.sequence_length - 3),
            ("duplicate_factor", 1, 1000),
            ("blank_lines", 1, 100),
            ("shards", 1, 99_999),
            ("jobs", 1, 10_000),
        ):
            self._check(name, low, high)
        for name in ("masked_fraction", "short_sequence_probability", "eval_fraction"):
            self._check(name, 0.0, 1.0)
        if self.masked_fraction == 0.0:
            raise ValueError("--masked_fraction=0 leaves nothing to predict; BERT takes 0.15")
        if self.eval_fraction == 1.0:
            raise ValueError("--eval_fraction=1 leaves nothing to train on")
        for name, value, choices in (
            ("corpus", self.corpus, CORPORA),
            ("text", self.text, TEXT_STYLES),
            ("runner", self.runner, RUNNERS),
        ):
            if value is not None and value not in choices:
                raise ValueError(f"--{name}={value} is not one of {', '.join(choices)}")

    def _check(self, name: str, low: float, high: float) -> None:
        value = getattr(self, name)
        if value is not None and not low <= value <= high:
            raise ValueError(f"--{name}={value} is not between {low} and {high}")
