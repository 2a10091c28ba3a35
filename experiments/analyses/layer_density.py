"""Appendix C: are gradients denser over the layers than curvature and noise, and does LARS gain?

    python -m largebatch.experiments.layer_density --experiment=table7/momentum --scale=laptop \\
        --set model_width=0.5 --batch_sizes=128 --epochs=11.4 --output=OUT

Trains the row's model on its data with SGD and with LARS as Theorems 1 and 2 have them (no
momentum, no decay, a constant rate, phi bounded), each at the best of its rates, which one seed
chooses and --seeds others compare. On the way it looks at the gradient, the smoothness and the
noise of each layer, and computes from these psi_g, psi_L, psi_sigma and the factors by which LARS's
bound differs from SGD's; beside them stands what was measured: E |grad f|^2 over the iterates of
SGD, (E |grad f|)^2 over those of LARS. The runs are bit for bit those of `run`, with their folders
under OUTPUT/runs. Writes layer_density.svg and layer_density.json.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from largebatch import cli
from largebatch.experiments.analyses import observed_runs, output
from largebatch.experiments.analyses.density_record import (
    KERAS,
    LARS,
    NAMES,
    OPTIMIZERS,
    SGD,
    best_rates,
    of_row,
    summary,
)
from largebatch.experiments.claims.analysed import FACTORS, factor_interval, gain_interval
from largebatch.experiments.claims.statistics import Interval
from largebatch.experiments.plots import style
from largebatch.experiments.program.errors import UserError
from largebatch.experiments.program.text_table import Sheet, aligned, piped
from largebatch.experiments.rows.overrides import apply_overrides
from largebatch.experiments.rows.row import Row
from largebatch.stack import quiet_tensorflow

# Theorems 1 and 2: beta_1 = 0, lambda = 0, a constant rate; all layers are normalised.
_PLAIN = {"schedule": "constant", "nesterov": "false"}
_PLAIN |= dict.fromkeys(("warmup_epochs", "weight_decay", "momentum"), "0")
_SETTINGS = {
    SGD: {"l2_regularization": "0"},
    LARS: {"form": "lamb_paper", "exclude_from_layer_adaptation": "nothing"},
}
# Theorem 2 needs 0 < alpha_l <= phi <= alpha_u; the weights' norms of a small network lie inside.
PHI_BOUNDS = "0.1,10"

FLAGS = cli.new_flags()
define = cli.Define(FLAGS)
observed_runs.define(FLAGS, points=33)
define.list("sgd_rates", "0.025,0.05,0.1,0.2", "Learning rates of SGD to choose from.")
define.list("lars_rates", "0.005,0.01,0.02,0.05", "Learning rates of LARS to choose from.")
define.list("phi", PHI_BOUNDS.split(","), "gamma_l, gamma_u of LARS, which Theorem 2 needs.")
define.integer("seeds", 3, "Seeds compared, from --seed on; the next one chooses the rates.")
define.integer("examples", 128, "Training examples in f.")
define.integer("group", 4, "Examples in a group; the noise is estimated from groups.")
define.integer("full", 4, "How often a run's curvature and noise are measured.")
define.integer("iterations", 3, "Iterations of the power method for L_i.")


def main() -> int:
    bases = observed_runs.rows_asked_for(FLAGS)
    if len(bases) != 1:
        raise UserError(f"want one --experiment and one batch size, found {len(bases)} rows")
    grids = {
        SGD: output.numbers("sgd_rates", FLAGS.sgd_rates, float),
        LARS: output.numbers("lars_rates", FLAGS.lars_rates, float),
    }
    cli.at_least(FLAGS, seeds=1, examples=2, group=1, full=2, iterations=1)
    if FLAGS.examples % FLAGS.group or FLAGS.examples < 2 * FLAGS.group:
        raise UserError(
            f"--examples={FLAGS.examples}: want a multiple of --group={FLAGS.group}, twice it or "
            "more"
        )
    phi = ",".join(FLAGS.phi)
    rows = [optimizer_row(bases[0], o, rate, phi) for o, rates in grids.items() for rate in rates]
    quiet_tensorflow()
    from largebatch.experiments.analyses.layer_looks import LookObserver
    from largebatch.experiments.analyses.objective import first_examples

    def run(rows: Sequence[Row], seeds: Sequence[int], full: int):
        def new_observer(row, work):
            wanted = (row, FLAGS.data_dir, FLAGS.seed, FLAGS.examples, 0)
            task, batches = first_examples(*wanted)
            _, groups = first_examples(*wanted, largest=FLAGS.group)
            steps = observed_runs.evenly(row.steps, FLAGS.points)
            at = {steps[i] for i in observed_runs.evenly(len(steps) - 1, full)} if full else ()
            return LookObserver(task, batches, groups, FLAGS.group, steps, at, FLAGS.iterations)

        return observed_runs.run_all(FLAGS, rows, LookObserver.kind, new_observer, seeds)

    last = FLAGS.seed + FLAGS.seeds  # a seed of its own, so that the choice favours no run
    several = [row for row in rows if len(grids[of_row(row)]) > 1]
    code, tuning = run(several, [last], full=0) if several else (0, [])
    if code:
        return code
    rates = {**{name: rates[0] for name, rates in grids.items()}, **best_rates(tuning)}
    rows = [optimizer_row(bases[0], optimizer, rate, phi) for optimizer, rate in rates.items()]
    code, observed = run(rows, range(FLAGS.seed, last), FLAGS.full)
    if code:
        return code
    record = summary(bases[0], tuning, observed)
    print(as_text(record))
    output.write(FLAGS.output, "layer_density", record, draw(record))
    return 0


def optimizer_row(base: Row, optimizer: str, rate: float, phi: str) -> Row:
    """`base` under one of the theorems' optimizers; `phi` is gamma_l,gamma_u."""
    bounds = {"phi_bounds": phi} if optimizer == LARS else {}
    settings = {**_PLAIN, **_SETTINGS[optimizer], **bounds, "optimizer": KERAS[optimizer]}
    return apply_overrides(base, {**settings, "learning_rate": repr(rate)})


def as_text(record: dict[str, Any]) -> str:
    return "\n\n".join([_heading(record), *(aligned(sheet, "") for sheet in sheets(record))])


def as_markdown(record: dict[str, Any]) -> str:
    return "\n\n".join([f"{_heading(record)}.", *map(piped, sheets(record))])


def _heading(record: dict[str, Any]) -> str:
    rates = "; ".join(
        f"{NAMES[name]} at rate {found['best_rate']:g}"
        + _of_what([point["rate"] for point in found["tuning"]], found["best_rate"])
        for name, found in record["optimizers"].items()
    )
    return (
        f"{record['model']} on {record['dataset']}, batch {record['batch_size']}, "
        f"{record['steps']} updates, {record['seeds']} seeds; {rates}"
    )


def _of_what(rates: Sequence[float], best: float) -> str:
    if not rates:
        return ""
    told = f", the best of {', '.join(f'{rate:g}' for rate in rates)}"
    # At an end of the grid the best rate may lie beyond it.
    edges = {max(rates): "largest", min(rates): "smallest"} if len(rates) > 1 else {}
    return f"{told} and the {edges[best]} of this grid" if best in edges else told


def sheets(record: dict[str, Any]) -> tuple[Sheet, Sheet]:
    """What was measured of each optimizer, means over its seeds; and LARS against SGD."""
    rows = []
    for name, label in NAMES.items():
        found = record["optimizers"][name]
        criterion = sum(found["stationarity"]) / len(found["stationarity"])
        columns = ("gradient_density", "noise_density", "smoothness_evenness")
        columns += ("psi_g", "psi_sigma", "psi_l")
        means = (sum(one[of] for one in found["psi"]) / len(found["psi"]) for of in columns)
        rows.append([label, *(f"{value:.3g}" for value in (criterion, *means))])
    header = ["", "criterion", "density of gradients", "of noise", "L_avg / L_max"]
    measured = Sheet([*header, "psi_g", "psi_sigma", "psi_L"], rows)
    lines = [
        (f"predicted by curvature, {FACTORS['curvature_factor']}",
         factor_interval(record, "curvature_factor")),
        (f"predicted by noise, {FACTORS['noise_factor']}", factor_interval(record, "noise_factor")),
        ("measured, the criterion", gain_interval(record)),
    ]  # fmt: skip
    against = Sheet(["LARS / SGD", ""], [[name, interval_text(found)] for name, found in lines])
    return measured, against


def interval_text(found: Interval) -> str:
    """'0.6 [0.5, 0.7]'."""
    if math.isnan(found.low):
        return f"{found.effect:.3g} (one seed: no interval)"
    return f"{found.effect:.3g} [{found.low:.3g}, {found.high:.3g}]"


def draw(record: dict[str, Any]) -> str:
    """An SVG file's text: the densities of each optimizer's first seed against the update."""
    figure, panels = style.new_panels(1, 2, size=(8.4, 3.4))
    for axes, name in zip(panels, OPTIMIZERS):
        found = record["optimizers"][name]["psi"][0]
        for values, steps, label, colour in (
            ("gradient_densities", "steps", "gradient", style.SERIES[0]),
            ("noise_densities", "full_steps", "noise", style.SERIES[1]),
            ("smoothness_evennesses", "full_steps", r"$L_{avg} / L_{max}$", style.SERIES[2]),
        ):
            axes.plot(found[steps], found[values], "o-", ms=3, color=colour, label=label)
        axes.set_ylim(0, 1)
        axes.set_xlabel("update")
        axes.set_ylabel("density over the layers")
        axes.set_title(f"{NAMES[name]}, rate {record['optimizers'][name]['best_rate']:g}",
                       fontsize=10)  # fmt: skip
    return style.svg_of(figure, panels)


program, console = cli.entry(main, FLAGS, __doc__)


if __name__ == "__main__":
    console()
