"""How the paper prints a table: what a report needs beside the rows."""

from __future__ import annotations

from typing import NamedTuple


class Layout(NamedTuple):
    """A table with a column for each row of the suite, as Tables 6 and 7 are printed; or, with
    `down`, a line for each."""

    title: str
    measures: str  # what the paper calls the printed values
    seeds: int  # runs behind a printed value, as far as the paper says
    corner: str = "Optimizer"
    down: bool = False
    heading: str = ""  # what it is called; '': 'Table 7', by its module's name
