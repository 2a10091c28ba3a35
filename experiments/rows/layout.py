"""How the paper prints a table: what a report needs beside the rows."""

from __future__ import annotations

from typing import NamedTuple


class Layout(NamedTuple):
    """A table with a column for each row of the suite, as Tables 6 and 7 are printed; or, with
    `down`, a line for each; or, `across` batch sizes, a column for each of these."""

    title: str
    measures: str  # what the paper calls the printed values
    seeds: int  # runs behind a printed value, as far as the paper says
    corner: str = "Optimizer"
    down: bool = False
    heading: str = ""  # what it is called; '': 'Table 7', by its module's name
    settings: tuple[str, ...] = ()  # printed beside the values; of printed_settings
    labelled: str = ""  # the one of `settings` that the rows' labels say already
    # The rates' square-root scaling is printed as top / (2^k x 10^power): (top, power).
    halved_rates: tuple[int, int] | None = None
    beside: tuple[str, ...] = ()  # of 'TPUs', 'hardware', 'time', 'last step': printed, measured
    recipes: str = ""  # what parts a label into the recipe, a curve of its own, and the batch size
    across: bool = False
    pairs: bool = False  # an optimizer and its '+' version are printed in one column
    by_row: bool = False  # a picture of the values by row: Figures 1 to 4
    layers: bool = False  # pictures of the layers' trust ratios: Figures 9 to 14
