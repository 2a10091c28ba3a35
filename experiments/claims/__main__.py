"""What the paper claims, and what the results say of it: a verdict a claim and scale, computed.

    python -m largebatch.experiments.claims                       # of the checkout's results/
    python -m largebatch.experiments.claims --runs=runs --format=json --output=claims.json
    python -m largebatch.experiments.claims --format=markdown --output=docs/claims.md

A verdict is holds, fails, cannot tell (the 95 % interval over seeds holds both) or not run. Runs
count whatever commit and engine made them; runs with changed settings count for no row, and those
at a smaller scale for no claim at the paper's. docs/claims.md says how a verdict is made.
"""

from __future__ import annotations

import os

from largebatch import checkout, cli
from largebatch.experiments.program.errors import UserError
from largebatch.experiments.tables import registry

FLAGS = cli.new_flags()
define = cli.Define(FLAGS)
define.path("runs", None, "The folder of runs; default: results/ of the checkout.")
define.string("table", None, "Only claims that rows of these tables test: 7, or 3,5.")
define.enum("format", "text", ["text", "markdown", "json"], "The output's format.")  # fmt: skip
define.output_file("output", None, "The file to write; default: print.")


def main() -> int:
    from largebatch.experiments.claims import words

    judged = judged_under(runs_folder(FLAGS.runs), FLAGS.table)
    write = {"text": words.as_text, "markdown": words.as_markdown, "json": words.as_json}
    return cli.print_or_write(write[FLAGS.format](judged).rstrip("\n") + "\n", FLAGS.output)


def runs_folder(given: str | None) -> str:
    """The folder of runs: as given, or the results that are committed beside this code."""
    if given is None:
        committed = os.path.join(checkout.PACKAGE, "results")
        if not os.path.isdir(committed):
            raise UserError("--runs is missing: the folder of runs, for example --runs=runs")
        return committed
    if not os.path.isdir(given):
        raise UserError(f"--runs={given}: there is no such folder")
    return given


def judged_under(folder: str, table: str | None = None) -> list:
    """All claims, or those about one table, judged by the results under `folder`."""
    from largebatch.experiments.claims import claims, evidence
    from largebatch.experiments.claims.claim import judge

    wanted = claims.CLAIMS if table is None else claims.about(registry.table_names(table))
    if not wanted:
        raise UserError(f"--table={table}: no claim is tested by its rows")
    return judge(wanted, evidence.find(folder, cli.warn))


program, console = cli.entry(main, FLAGS, __doc__)


if __name__ == "__main__":
    console()
