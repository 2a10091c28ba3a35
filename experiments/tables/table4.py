"""Table 4: untuned LAMB for BERT across batch sizes: the runs of Table 1, with exact match."""

from __future__ import annotations

from largebatch.experiments.recipes.bert_scales import laptop, smoke
from largebatch.experiments.rows.layout import Layout
from largebatch.experiments.rows.table import same_runs
from largebatch.experiments.tables import table1

__all__ = ["LAYOUT", "ROWS", "laptop", "smoke"]

LAYOUT = Layout(
    title="untuned LAMB for BERT-Large across batch sizes",
    measures="F1 score",
    seeds=1,
    corner="Batch size",
    settings=("batch size", "learning rate", "warm-up ratio"),
    labelled="batch size",
    halved_rates=(5, 3),
)

# fmt: off
ROWS = same_runs(
    "table4", table1.ROWS,
    "same_run_as          label   paper_f1  paper_exact_match",
    ("table1/lamb-512",   "512",  91.752,   85.090),
    ("table1/lamb-1024",  "1K",   91.761,   85.260),
    ("table1/lamb-2048",  "2K",   91.946,   85.355),
    ("table1/lamb-4096",  "4K",   91.137,   84.172),
    ("table1/lamb-8192",  "8K",   91.263,   84.901),
    ("table1/lamb-16384", "16K",  91.345,   84.816),
    ("table1/lamb-32768", "32K",  91.475,   84.939),
)
# fmt: on
