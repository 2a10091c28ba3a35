"""Predicts how long a row takes on a number of chips, from public figures and a fit to Table 1.

    python -m largebatch.experiments.scaling_model                # Table 1 and Figure 8, predicted
    python -m largebatch.experiments.scaling_model --lecture      # the lecture's tables
    python -m largebatch.experiments.scaling_model --list_chips   # the chips and their sources
    python -m largebatch.experiments.scaling_model --experiment=table1/lamb-32768 \\
        --chips=256 --kind=tpu-v4

    step = flops / (utilisation x peak) + passes over the weights + all-reduce

Three constants are fitted to four of Table 1's rows; the errors shown are those of the others.
"""

from __future__ import annotations

from largebatch import cli
from largebatch.experiments.costs import all_reduce, chips, scaling_tables, step_time
from largebatch.experiments.program.errors import UserError
from largebatch.experiments.rows.overrides import apply_overrides, parse_assignments
from largebatch.experiments.tables import registry, row_flags

FORMATS = {"text": scaling_tables.as_text, "markdown": scaling_tables.as_markdown}

FLAGS = cli.new_flags()
define = cli.Define(FLAGS)
define.string("experiment", None, "The row to predict.")
define.integer("chips", None, "How many chips. Default: as many as the paper used.")
define.string("kind", step_time.PAPER_CHIP, f"Of chip: {', '.join(chips.CHIPS)}.")
define.enum(
    "topology", None, all_reduce.TOPOLOGIES, "Topology of the all-reduce. Default: the chip's."
)  # fmt: skip
define.float(
    "utilisation", None, "Share of the peak, above 0 and at most 1. Default: as fitted."
)  # fmt: skip
define.float("passes", None, "Passes over the weights in an update. Default: as fitted.")
row_flags.define_set(FLAGS)
define.boolean("lecture", False, "Print the lecture's tables.")
define.boolean("list_chips", False, "Print the chips and their sources.")
define.enum("format", "text", sorted(FORMATS), "Format of the tables.")


def main() -> int:
    _check()
    if FLAGS.list_chips:
        for chip in chips.CHIPS.values():
            print(f"{chip.name}\n    {chip.source}")
        return 0
    if FLAGS.lecture:
        sheets = [scaling_tables.iterations(), scaling_tables.messages(), scaling_tables.ratios()]
    elif FLAGS.experiment is None:
        topology = FLAGS.topology or chips.find(step_time.PAPER_CHIP).topology
        constants = step_time.fit(topology=topology)
        sheets = [scaling_tables.table1(constants, topology), scaling_tables.topologies()]
    else:
        sheets = [_answer()]
    print("\n\n".join(FORMATS[FLAGS.format](sheet) for sheet in sheets))
    return 0


def _check() -> None:
    asked = [f"--{name}" for name in ("experiment", "lecture", "list_chips") if FLAGS[name].value]
    if len(asked) > 1:
        raise UserError(f"{' and '.join(asked)}: one at a time")
    if FLAGS.experiment is None:
        for name in ("chips", "kind", "utilisation", "passes", "set"):
            if FLAGS[name].present:
                raise UserError(f"--{name} needs --experiment; run --list prints all names")
    if FLAGS.utilisation is not None and not 0 < FLAGS.utilisation <= 1:
        raise UserError(f"--utilisation={FLAGS.utilisation:g}: want a share above 0, at most 1")
    if FLAGS.passes is not None and not 0 <= FLAGS.passes < float("inf"):
        raise UserError(f"--passes={FLAGS.passes:g}: want 0 or more")


def _answer() -> scaling_tables.Sheet:
    row = apply_overrides(registry.find(FLAGS.experiment), parse_assignments(FLAGS.set))
    count = row.paper_chips if FLAGS.chips is None else FLAGS.chips
    if count is None:
        raise UserError(f"--chips is missing: the paper does not say on how many {row.name} ran")
    where = step_time.machine(FLAGS.kind, count, FLAGS.topology)
    # On TPUs with the latency that fits this topology; GPUs have their own.
    fitted_as = where.topology if where.chip.latency is None else None
    constants = step_time.fit(topology=fitted_as)
    for name in ("utilisation", "passes"):
        if FLAGS[name].value is not None:
            constants = constants._replace(**{name: FLAGS[name].value})
    return scaling_tables.answer(row, where, constants)


program, console = cli.entry(main, FLAGS, __doc__)


if __name__ == "__main__":
    console()
