"""Prints measured beside printed: the paper's tables, from folders of runs.

    python -m largebatch.experiments.report --runs=runs
    python -m largebatch.experiments.report --runs=results --table=7 --format=markdown
    python -m largebatch.experiments.report --runs=runs --output_dir=page   (report.md, report.html)
    python -m largebatch.experiments.report --runs=results --all --output_dir=page

With --all: every table, figure and study of the paper on one page, run or not (report.html), the
same as Markdown with its pictures (report.md, figures/), and every cell as a line (cells.csv).

A cell is filled by runs of exactly its row at the paper's scale, the best point of its tuning grid;
scaled and overridden runs are shown apart, and what cannot be read as a run is listed and left out.
"""

from __future__ import annotations

import os

from absl import flags

from largebatch.experiments.program import cli
from largebatch.experiments.program.errors import UserError
from largebatch.experiments.reporting.model.cells import Report, gather
from largebatch.experiments.reporting.pages.text import as_markdown, as_text, opening
from largebatch.experiments.tables import registry

FLAGS = cli.new_flags()
flags.DEFINE_string("runs", None, "The folder of runs.", flag_values=FLAGS)
flags.DEFINE_string("table", None, "One table alone: 7; default: all.", flag_values=FLAGS)
flags.DEFINE_enum(
    "format", "text", ["text", "markdown", "html"], "What is printed.", flag_values=FLAGS
)
flags.DEFINE_string(
    "output_dir", None, "Where to write report.md and report.html, too.", flag_values=FLAGS
)
flags.DEFINE_boolean(
    "all", False, "Write the page of every table and figure to --output_dir.", flag_values=FLAGS
)


def main() -> int:
    if FLAGS.runs is None:
        raise UserError("--runs is missing: the folder of runs, for example --runs=runs")
    if not os.path.isdir(FLAGS.runs):
        raise UserError(f"--runs={FLAGS.runs}: there is no such folder")
    tables = list(registry.TABLES)
    if FLAGS.all:
        return _all(tables)
    if FLAGS.table is not None:
        tables = [registry.table_name(FLAGS.table)]
    report = gather(FLAGS.runs, tables)
    print({"text": as_text, "markdown": as_markdown, "html": _html}[FLAGS.format](report))
    if FLAGS.output_dir is not None:
        os.makedirs(FLAGS.output_dir, exist_ok=True)
        for name, write in (("report.md", as_markdown), ("report.html", _html)):
            path = os.path.join(FLAGS.output_dir, name)
            with open(path, "w", encoding="utf-8") as file:
                file.write(write(report).rstrip("\n") + "\n")
            print(f"wrote {path}")
    return 0


def _all(tables: list[str]) -> int:
    if FLAGS.table is not None:
        raise UserError(f"--all is of all tables, --table={FLAGS.table} of one: give one of them")
    if FLAGS.output_dir is None:
        raise UserError("--all needs --output_dir: the folder to write the page to")
    os.makedirs(FLAGS.output_dir, exist_ok=True)
    report = gather(FLAGS.runs, tables)
    # Imported here: the pictures need matplotlib, which takes a second that text does not.
    from largebatch.experiments.reporting.pages import all_pages, entries
    from largebatch.experiments.reporting.pages.markdown_page import words

    print(opening(report))
    for scale, found in entries.all_counts(report).items():
        print(f"  {scale}: {words(found)}")
    print(f"  overridden: {len(report.overridden)}")
    for path, reason in report.left_out:
        print(f"  left out: {path}: {reason}")
    for path in all_pages.write_all(report, FLAGS.output_dir):
        print(f"wrote {path}")
    return 0


def _html(report: Report) -> str:
    # Imported here: the curves need matplotlib, which takes a second that text does not.
    from largebatch.experiments.reporting.pages.html_page import as_html

    return as_html(report)


report, console = cli.entry(main, FLAGS, __doc__)


if __name__ == "__main__":
    console()
