"""Prints the paper's tables with the measured results beside the printed ones.

    python -m largebatch.experiments.report --runs=runs
    python -m largebatch.experiments.report --runs=results --table=7 --format=markdown
    python -m largebatch.experiments.report --runs=runs --output_dir=page
    python -m largebatch.experiments.report --runs=results --all --output_dir=page

--output_dir gets one page with the tables asked for (report.html), the same as Markdown with
pictures (report.md, figures/), and one line a cell (cells.csv). With --all the page has every
table, figure and study, run or not, and the terminal shows counts instead of tables.

A cell holds runs of exactly its row at the paper's scale, at the best point of its tuning grid.
Scaled and overridden runs are shown apart; folders that cannot be read as runs are listed.
"""

from __future__ import annotations

import os

from largebatch import cli
from largebatch.experiments.launching import flags as execution_flags
from largebatch.experiments.program.errors import UserError
from largebatch.experiments.program.text_table import as_one_line
from largebatch.experiments.reporting.model.cells import Report, gather
from largebatch.experiments.reporting.pages import all_pages, entries, markdown_page, page
from largebatch.experiments.reporting.pages.text import as_text
from largebatch.experiments.tables import registry

FLAGS = cli.new_flags()
define = cli.Define(FLAGS)
define.path("runs", None, "The folder with the runs, at any depth.")
define.string("table", None, "Only these tables: 7, or 3,5. Default: all.")
execution_flags.define_tags(FLAGS, "Only runs with all of these tags, separated by commas.")
define.enum("format", "text", ["text", "markdown", "html"], "The format of what is printed.")
define.output_folder(
    "output_dir", None, "Write report.html, report.md and cells.csv to this folder."
)
define.boolean("all", False, "Write a page of every table and figure to --output_dir.")


FORMATS = {
    "text": as_text,
    "markdown": lambda report: markdown_page.as_markdown(report, entries.entries(report, False)),
    "html": lambda report: page.as_html(report, entries.entries(report)),
}


def main() -> int:
    if FLAGS.runs is None:
        raise UserError("--runs is missing: the folder of runs, for example --runs=runs")
    if not os.path.isdir(FLAGS.runs):
        raise UserError(f"--runs={FLAGS.runs}: there is no such folder")
    if FLAGS.all and FLAGS.table is not None:
        raise UserError(f"--all is of all tables, --table={FLAGS.table} of some: give one of them")
    if FLAGS.all and FLAGS.output_dir is None:
        raise UserError("--all needs --output_dir: the folder to write the page to")
    tables = registry.table_names(FLAGS.table) if FLAGS.table else list(registry.TABLES)
    if FLAGS.output_dir is not None:
        os.makedirs(FLAGS.output_dir, exist_ok=True)
    say = cli.say if FLAGS.all and not FLAGS.quiet else cli.nothing
    say(f"reading the runs under {FLAGS.runs}")
    report = gather(FLAGS.runs, tables, FLAGS.tags)
    print(_counts(report) if FLAGS.all else FORMATS[FLAGS.format](report))
    if FLAGS.output_dir is not None:
        for path in all_pages.write_all(report, FLAGS.output_dir, say):
            print(f"wrote {path}")
    return 0


def _counts(report: Report) -> str:
    lines = [entries.opening(report)]
    for scale, found in entries.all_counts(report).items():
        lines.append(f"  {scale}: {entries.counted(found)}")
    lines.append(f"  overridden: {len(report.overridden)}")
    lines += [as_one_line(f"  left out: {path}: {why}") for path, why in report.left_out]
    return "\n".join(lines)


report, console = cli.entry(main, FLAGS, __doc__)


if __name__ == "__main__":
    console()
