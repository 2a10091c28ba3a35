"""Writes the errata: where the paper disagrees with itself, and what its digits and logs show.

    python -m largebatch.experiments.errata                           # prints them
    python -m largebatch.experiments.errata --output=docs/errata.md   # writes them

Numbers that a row holds are taken from the rows, and what follows from them is computed. A test
holds that docs/errata.md is what this prints.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable

from largebatch import cli
from largebatch.experiments.costs.step_time import printed_seconds
from largebatch.experiments.documents.errata_logs import FACTS
from largebatch.experiments.program.text_table import Sheet, piped
from largebatch.experiments.rows.author_code import CIFAR10_SUBSET, IMAGENET_SUBSET
from largebatch.experiments.rows.row import Row
from largebatch.experiments.tables import registry

COMMAND = "python -m largebatch.experiments.errata --output=docs/errata.md"
IMAGENET_VALIDATION = 50_000
MANY_DIGITS = 7  # decimals from which on a multiple of 1 / n cannot be one by chance
STEPS = (1, 10, 100, 1000, 10_000)  # at which the effect of adam-correction is shown


def as_markdown() -> str:
    parts = [
        "# Errata",
        f"Made by `{COMMAND}`; a test keeps it current. Each line has what is printed, what "
        "contradicts it, the place or source of both, and, as *here*, what this suite takes. It "
        "says what was found, not how it came about. `(inferred)` marks what is deduced, not read.",
        "## The paper against itself",
        piped(Sheet(["what", "printed", "but", "here"], contradictions())),
        "## The lecture against itself",
        piped(Sheet(["what", "printed", "but", "here"], of_the_lecture())),
        "## What the printed digits say",
        "\n".join(f"- {sentence}" for sentence in digits()),
        "## Adam-correction and Figure 2",
        *figure_2(),
        "## What the first author's code and logs show",
        "Public repositories at the commits that were read. Where a row follows the paper and the "
        "code differs, its twin `-as-run` follows the code; `run --describe` has each difference.",
        piped(Sheet(["of", "printed", "code and logs", "source"], [list(fact) for fact in FACTS])),
    ]
    return "\n\n".join(parts) + "\n"


def _row(name: str) -> Row:
    return registry.find(name)


def contradictions() -> list[list[str]]:
    """A line each: what, one reading with its place, the other, and which the rows take."""
    lamb, baseline = _row("table1/lamb-32768"), _row("table1/baseline")
    adamw = [row for row in registry.matching("table8/*") if row.paper_f1]
    best = max(adamw, key=lambda row: row.paper_f1)
    below = [r.label for r in registry.matching("table2/lars-*") if (r.paper_f1 or 100) < 90.390]
    base, mixed = _row("table1/lamb-512"), _row("table1/lamb-65536-32768")
    return [
        [
            "F1 of LAMB at 32K",
            f"{lamb.paper_f1:.3f} (Tables 1, 2 and 4)",
            "91.460 (section 4.1)",
            "the tables'",
        ],
        [
            "F1 of the baseline",
            f"{baseline.paper_f1:.3f} (Table 1, section 4.1, Table 4's caption)",
            "90.390 (Table 2's caption)",
            "Table 1's",
        ],
        [
            "target F1 of BERT",
            "90.4 (section 4.1)",
            "90.5 (Table 8's caption)",
            "neither is a row's",
        ],
        [
            "best F1 of AdamW at 16K",
            f"{best.paper_f1:.3f} (Table 8, {best.label})",
            "88.1 (section 4.1)",
            "Table 8's",
        ],
        [
            "where LARS stops scaling",
            "at 16K, as it is below the baseline's 90.390 (Table 2's caption)",
            f"Table 2 prints less than 90.390 for {_listed(below)}",
            "as printed",
        ],
        [
            "efficiency on 1024 chips, 32K",
            "76.7 % (section 4.1)",
            f"76.8 % (appendix H.0.1, Figure 8). Table 1's times: {_percent(lamb, base)} against "
            f"LAMB at 512, {_percent(lamb, baseline)} against the baseline",
            "computed from Table 1",
        ],
        [
            "efficiency on 1024 chips, mixed batch",
            "100.2 % (section 4.1)",
            f"101.8 % (appendix H.0.1, Figure 8). Table 1's times: {_percent(mixed, baseline)} "
            f"against the baseline, {_percent(mixed, base)} against LAMB at 512",
            "computed from Table 1",
        ],
        [
            "batch size of the abstract",
            "32868",
            f"{lamb.batch_size} (section 4.1; 32K)",
            "section 4.1's",
        ],
        [
            "bias correction of LAMB",
            "m / (1 - beta_1^t), v / (1 - beta_2^t) (Algorithm 2)",
            "'We removed adam-correction from the LAMB optimizer' (appendix E, Figure 2's caption)",
            "Algorithm 2's; `--set bias_correction=false`",
        ],
        [
            "LAMB's ratio",
            "r = m / (v + epsilon) (Algorithms 2, 3 and 4)",
            "'the square root of the second moment used in Adam' (section 3.2)",
            "with the square root",
        ],
        [
            "LARS over SGD (appendix C)",
            "psi_L / psi_g^2 and psi_sigma^2 / psi_g^2; a gain 'if psi_L << psi_g^2 and psi_sigma "
            "<< psi_g^2'",
            "the definitions, put into Theorem 2, give the square roots of these quotients, and so "
            "psi_sigma << psi_g; with psi_g^2 the condition depends on the number of weights",
            "the square roots (`experiments/analyses/psi.py`)",
        ],
        [
            "names of tables in appendix H.1",
            "'Figures 13, 14, 15, and 16', 'Figures 17, 18, 19, and 20', and so on to 25",
            "those figures are trust ratios, or there are none; the tables of these numbers fit",
            "Tables 13 to 25",
        ],
    ]


def of_the_lecture() -> list[list[str]]:
    alone, faster = _row("alexnet/momentum-512"), _row("lecture6/momentum-512")
    return [
        [
            "AlexNet, batch 512, 100 epochs, momentum",
            f"{100 * alone.paper_top1:.1f} % ('Method of Goyal et al. does not work for AlexNet' "
            "and the comparison with LARS)",
            f"{100 * faster.paper_top1:.1f} % (Table 6, 'Speedup for AlexNet')",
            f"both: {alone.name} and {faster.name} are one run",
        ]
    ]


def digits() -> list[str]:
    """What the printed values of the tuning tables and of Table 6 are multiples of."""
    tuning = [row for table in registry.PAPER_TABLES[8:] for row in registry.matching(f"{table}/*")]
    long = [row.paper_top1 for row in tuning if _decimals(row.paper_top1) >= MANY_DIGITS]
    counted = sum(is_share(value, IMAGENET_SUBSET) for value in long)
    whole = sum(is_share(value, IMAGENET_VALIDATION) for value in long)
    lamb = _row("table6/lamb").paper_accuracy
    right = next(k for k in range(CIFAR10_SUBSET) if int(10_000 * k / CIFAR10_SUBSET) / 1e4 == lamb)
    adam, adamw = _row("table11/adam-rate0.01"), _row("table17/adamw-rate0.01")
    chance = _row("table20/adamw-rate0.0001")
    shrunk = (1 - chance.learning_rate * chance.weight_decay) ** chance.steps
    plain = (1 - chance.weight_decay) ** chance.steps
    return [
        f"Tables 9 to 25: of the {len(tuning)} accuracies {len(long)} have {MANY_DIGITS} decimals "
        f"or more, and {counted} of these are, to the last digit, the 32-bit floating-point value "
        f"of a multiple of 1/{IMAGENET_SUBSET} ({whole} of a multiple of 1/{IMAGENET_VALIDATION}). "
        f"So {IMAGENET_SUBSET:,} = 48 x 1,024 of the {IMAGENET_VALIDATION:,} validation images "
        "were scored.",
        f"Table 6: LAMB's {lamb} is {right:,} of {CIFAR10_SUBSET:,} images, "
        f"{right / CIFAR10_SUBSET}, cut off after four digits; the log has that value (below). "
        "Four digits alone could also be a multiple of 1/10000.",
        f"Tables 13 to 25 need AdamW's decay not multiplied by the rate. Table 20 prints chance, "
        f"{chance.paper_top1:.4f}, at decay {chance.weight_decay:g} and rate "
        f"{chance.learning_rate:g}. In {chance.steps:,} updates the decay alone shrinks a weight "
        f"by {100 * (1 - shrunk):.1f} % if it is multiplied by the rate, and to {plain:.0e} of its "
        "size if it is not.",
        f"Adam of Tables 11 and 12 had some L2 regularization: at rate {adam.learning_rate:g} "
        f"Table 11 prints {adam.paper_top1:.4f}, and Table 17, nearly the same run with L2 "
        f"disabled, {adamw.paper_top1:.4f} (inferred).",
    ]


def figure_2() -> list[str]:
    """What adam-correction can do in LAMB, from Algorithm 2."""
    beta_1, beta_2 = _row("table5/lamb-32768").beta_1, _row("table5/lamb-32768").beta_2
    factors = [f"{correction_factor(step, beta_1, beta_2):.3f}" for step in STEPS]
    return [
        "Appendix E and Figure 2's caption say that adam-correction 'has the same effect as "
        "learning rate warmup' and was therefore removed. For Adam it scales the update, by "
        "c(t) = sqrt(1 - beta_2^t) / (1 - beta_1^t). In LAMB the trust ratio divides by the norm "
        "of r + lambda x, and c(t) is one scalar for the whole layer: with lambda = 0 it cancels, "
        "but for epsilon, and LAMB takes the same steps with and without correction. With "
        "lambda > 0 what is left is another decay: LAMB without correction is LAMB with it and "
        "lambda c(t) in place of lambda. `tests/optimizers/test_lamb.py` shows both on the "
        "optimizer.",
        piped(Sheet(["t", *(f"{step}" for step in STEPS)], [["c(t)", *factors]])),
    ]


def correction_factor(step: int, beta_1: float, beta_2: float) -> float:
    """c(t) = sqrt(1 - beta_2^t) / (1 - beta_1^t): r with correction by r without it."""
    return math.sqrt(1 - beta_2**step) / (1 - beta_1**step)


def is_share(value: float, images: int) -> bool:
    """Whether `value` is k / images in 32 bits, for a whole k."""
    return _float32(value) == _float32(round(value * images) / images)


def _float32(value: float) -> float:
    return struct.unpack("f", struct.pack("f", value))[0]


def _decimals(value: float) -> int:
    return len(f"{value:.12f}".rstrip("0").partition(".")[2])


def _percent(row: Row, base: Row) -> str:
    """The efficiency of `row` against `base` by their printed times and chips."""
    speedup = printed_seconds(base) / printed_seconds(row)
    times = row.paper_chips / base.paper_chips
    return f"{speedup:.1f} / {times:.0f} = {100 * speedup / times:.1f} %"


def _listed(names: Iterable[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


FLAGS, program, console = cli.document(as_markdown, __doc__)


if __name__ == "__main__":
    console()
