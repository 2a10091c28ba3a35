"""Which form of decay, and how much L2, the paper's tables of AdamW and Adam were made with.

    python -m largebatch.experiments.decay_and_l2 --output=docs/decay_and_l2.md
    python -m largebatch.experiments.decay_and_l2 --measure=results/decay_and_l2/measured.json

The first writes the page from the committed measurements and from what the paper prints; a test
holds that docs/decay_and_l2.md is what it writes. The second trains perceptrons on scikit-learn's
digits again, about 10 minutes on a core.
"""

from __future__ import annotations

import json
import os
from typing import Any, NamedTuple

from largebatch import cli
from largebatch.checkout import PACKAGE
from largebatch.experiments.analyses import decay_page
from largebatch.experiments.program.errors import UserError

RESULTS = os.path.join(PACKAGE, "results", "decay_and_l2", "measured.json")

SCHEDULES = ("constant", "goyal")
DECAYS = (0.0, 1e-5, 1e-4, 1e-3, 1e-2)  # 0, and those of Tables 13 to 25
RATE = 0.001  # of the runs with decay: Adam's best in Table 11
L2 = (0.0, 1e-3, 1e-2, 1e-1)
RATES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1)  # of the runs with L2, at a constant rate

FLAGS = cli.new_flags()
define = cli.Define(FLAGS)
define.output_file("output", None, "The page to write; default: print it.")
define.output_file("measure", None, "Train, and write the numbers here.")
define.path("results", RESULTS, "The numbers that the page is of.")
define.integer("steps", 7038, "Updates of a run, as in the tables.", lower_bound=90)
define.integer("seeds", 3, "Runs of each setting.", lower_bound=1)


class Setting(NamedTuple):
    """One line of the measurements, without its accuracies."""

    optimizer: str
    schedule: str  # of SCHEDULES
    learning_rate: float  # peak
    weight_decay: float = 0.0
    decay_form: str | None = None
    l2_regularization: float = 0.0

    @property
    def optimizer_settings(self) -> dict[str, Any]:
        """What its optimizer is made with; L2 leaves batch norm out, as the authors' code does."""
        if self.optimizer == "adamw":
            return {"weight_decay": self.weight_decay, "decay_form": self.decay_form}
        excluded = ["norm/"] if self.l2_regularization else []
        return {"l2_regularization": self.l2_regularization, "exclude_from_weight_decay": excluded}


def main() -> int:
    if FLAGS.measure is not None:
        record = measure(settings(), FLAGS.steps, FLAGS.seeds)
        cli.write_json(record, FLAGS.measure)
        print(f"wrote {FLAGS.measure}")
        return 0
    try:
        with open(FLAGS.results, encoding="utf-8") as file:
            record = json.load(file)
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"--results={FLAGS.results}: {error}; make it with --measure") from error
    return cli.print_or_write(decay_page.as_markdown(record), FLAGS.output)


def settings() -> list[Setting]:
    """All that is measured; what one program can train stands together."""
    forms = [(0.0, "rate"), *((d, form) for form in ("rate", "plain") for d in DECAYS if d)]
    decayed = [
        Setting("adamw", schedule, RATE, decay, form)
        for decay, form in forms
        for schedule in SCHEDULES
    ]
    regularized = [
        Setting("adam", "constant", rate, l2_regularization=l2) for l2 in L2 for rate in RATES
    ]
    return decayed + regularized


def measure(wanted: list[Setting], steps: int, seeds: int) -> dict[str, Any]:
    """Trains `seeds` perceptrons in each setting; returns the measurements' JSON object."""
    from largebatch.experiments.analyses.perceptrons import Perceptrons, schedule_of

    runs, nets, made = [], None, None
    for setting in wanted:
        if (setting.optimizer, setting.optimizer_settings) != made:
            made = (setting.optimizer, setting.optimizer_settings)
            nets = Perceptrons(*made, steps, seeds)
        rates = schedule_of(setting.schedule, setting.learning_rate, steps)
        found = [round(accuracy, 4) for accuracy in nets.accuracies(rates)]
        runs.append({**setting._asdict(), "accuracies": found})
        print(*setting, found, flush=True)
    return {"steps": steps, "seeds": seeds, "runs": runs}


program, console = cli.entry(main, FLAGS, __doc__)


if __name__ == "__main__":
    console()
