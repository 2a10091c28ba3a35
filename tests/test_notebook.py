"""docs/first_steps.ipynb: its cells run, and the outputs that it holds are of a whole run."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOK = json.loads((ROOT / "docs" / "first_steps.ipynb").read_text(encoding="utf-8"))
# One rate each and four epochs: what is compiled and drawn is the same.
SHORTER = {
    r"(?<=^BATCH, EPOCHS = 256, )\d+$": "4",
    r"^RATES = .*$": 'RATES = {"LAMB": (0.01,), "AdamW": (0.004,)}',
}
CELLS = [cell for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]


def test_the_outputs_are_those_of_one_run_from_top_to_bottom():
    assert [cell["execution_count"] for cell in CELLS] == list(range(1, len(CELLS) + 1))
    outputs = [output for cell in CELLS for output in cell["outputs"]]
    assert not [output for output in outputs if output["output_type"] == "error"]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 2
    assert NOTEBOOK["metadata"]["kernelspec"]["name"] == "python3"


def test_largebatch_is_imported_before_tensorflow():
    source = "\n".join("".join(cell["source"]) for cell in CELLS)
    assert source.index("from largebatch") < source.index("import tensorflow")


@pytest.mark.slow
def test_the_cells_run_and_lamb_learns(monkeypatch, capsys):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    drawn = []
    monkeypatch.setattr(plt, "show", lambda: drawn.append(plt.gcf()) or plt.close())
    names = {"__name__": "__main__"}
    for cell in CELLS:
        source = "".join(cell["source"])
        for settings, fewer in SHORTER.items():
            source = re.sub(settings, fewer, source, flags=re.MULTILINE)
        exec(compile(source, "first_steps.ipynb", "exec"), names)
    assert names["EPOCHS"] == 4 and len(drawn) == 2
    assert list(names["curves"]) == [("LAMB", 0.01), ("AdamW", 0.004)]
    assert names["curves"]["LAMB", 0.01][-1] > 0.8
    ratios = [statistics[2] for statistics in names["updates"][-1].values()]
    assert len(names["updates"]) == 4 * 6 and max(ratios) > 2 * min(ratios)
    assert "adapted" in capsys.readouterr().out
