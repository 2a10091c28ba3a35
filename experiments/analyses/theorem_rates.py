"""Theorems 1 to 3 on a quadratic with known L_i and noise: the bound against what is measured.

    python -m largebatch.experiments.theorem_rates --output=OUT
    python -m largebatch.experiments.theorem_rates --noise=0.1 --layers=16 --seeds=64

T updates with batches of T samples, for each T; needs no TensorFlow and no data. Writes
theorem_rates.svg and theorem_rates.json. Ends with 1 if anything measured lies above its bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from largebatch import cli
from largebatch.experiments.analyses import output
from largebatch.experiments.plots import style
from largebatch.experiments.program.errors import UserError
from largebatch.experiments.program.text_table import Sheet, aligned

if TYPE_CHECKING:
    from largebatch.experiments.analyses.theorems import Quadratic, Settings

LABELS = (  # of the vertical axes, in the theorems' order
    r"$E\,\|\nabla f\|^2$",
    r"$(E\,h^{-1/2}\sum_i\|\nabla_i f\|)^2$",
    r"$(E\,d^{-1/2}\|\nabla f\|_1)^2$",
    r"$E\,\|\nabla f\|^2$",
)
COLOURS = ("#0072B2", "#009E73", "#D55E00", "#D55E00")

FLAGS = cli.new_flags()
define = cli.Define(FLAGS)
define.list("steps", "4,16,64,256,1024,4096", "The values of T.")
define.integer("layers", 8, "The number of layers, h.")
define.integer("width", 16, "Weights of a layer.")
define.float("noise", 0.3, "Standard deviation of a sample's gradient, in each weight.")
define.list("phi", "0.9,1.1", "The bounds of phi: alpha_l,alpha_u.")
define.float("beta_2", 0.999, "beta_2 of LAMB in Theorem 3.2.")
define.integer("seeds", 16, "How many runs to average over.")
define.output_folder("output", None, "The folder for picture and numbers.")


def main() -> int:
    from largebatch.experiments.analyses import theorems

    steps = sorted(set(output.numbers("steps", FLAGS.steps, int)))
    alpha = output.numbers("phi", FLAGS.phi, float)
    if len(alpha) != 2 or not 0 < alpha[0] <= alpha[1]:
        raise UserError(
            f"--phi={','.join(FLAGS.phi)}: want alpha_l,alpha_u with 0 < alpha_l <= alpha_u"
        )
    if not 0 <= FLAGS.beta_2 < 1:
        raise UserError(f"--beta_2={FLAGS.beta_2}: want at least 0 and below 1")
    cli.at_least(FLAGS, seeds=1)
    settings = theorems.Settings(alpha[0], alpha[1], FLAGS.beta_2)
    problem = theorems.new_quadratic(FLAGS.layers, FLAGS.width, FLAGS.noise)
    points = compare(problem, steps, FLAGS.seeds, settings)
    print(aligned(sheet(points), ""))
    if FLAGS.output is not None:
        record = {
            "smoothness": problem.smoothness.tolist(),
            "layer_noise": problem.layer_noise.tolist(),
            "gap": problem.gap,
            "width": FLAGS.width,
            "seeds": FLAGS.seeds,
            **settings._asdict(),
            "points": points,
        }
        output.write(FLAGS.output, "theorem_rates", record, draw(points))
    above = [point for point in points if point["measured"] > point["bound"]]
    for point in above:
        print(f"{point['theorem']}: above its bound at T = {point['steps']}")
    if not above:
        print(f"all {len(points)} lie under their bounds")
    return 1 if above else 0


def compare(problem: Quadratic, steps: Sequence[int], seeds: int, settings: Settings) -> list[dict]:
    """[{"theorem", "steps", "measured", "bound", "largest", "values", "squared"}], in order.

    `values` are the means over t, one a seed; the theorem bounds their mean or, `squared`, its
    square.
    """
    from largebatch.experiments.analyses import theorems

    points = []
    for theorem in theorems.THEOREMS:
        for length in steps:
            found = theorems.measure(theorem, problem, length, seeds, settings)
            points.append(
                {
                    "theorem": theorem,
                    "steps": length,
                    "measured": found.value,
                    "bound": theorems.bound(theorem, problem, length, settings, found.largest),
                    "largest": found.largest,
                    "values": list(found.values),
                    "squared": theorems.squares(theorem),
                }
            )
    return points


def sheet(points: Sequence[dict]) -> Sheet:
    lines = [
        [p["theorem"], f"{p['steps']:,}", *(f"{p[of]:.4g}" for of in ("measured", "bound")),
         f"{p['measured'] / p['bound']:.3g}"]
        for p in points
    ]  # fmt: skip
    return Sheet(["theorem", "T = b", "measured", "bound", "share"], lines)


def draw(points: list[dict]) -> str:
    """An SVG file's text: a panel a theorem, bound dashed, measured solid, against T."""
    from largebatch.experiments.analyses.theorems import THEOREMS

    figure, panels = style.new_panels(2, 2, size=(8.4, 6.2))
    for axes, theorem, label, colour in zip(panels, THEOREMS, LABELS, COLOURS):
        mine = [point for point in points if point["theorem"] == theorem]
        steps = [point["steps"] for point in mine]
        axes.loglog(steps, [p["bound"] for p in mine], "--", color="#555555", label="bound")
        axes.loglog(
            steps, [p["measured"] for p in mine], "o-", ms=4, color=colour, label="measured"
        )
        axes.set(xlabel="T, and the batch", ylabel=label)
        axes.set_title(theorem, fontsize=10)
    return style.svg_of(figure, panels)


program, console = cli.entry(main, FLAGS, __doc__)


if __name__ == "__main__":
    console()
