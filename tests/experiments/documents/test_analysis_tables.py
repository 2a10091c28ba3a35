"""The blocks of docs/analyses.md are made of the committed files of the analyses."""

import json

import pytest

from largebatch.checkout import PACKAGE
from largebatch.experiments.documents import analysis_tables

RESULTS = PACKAGE / "results"


@pytest.fixture
def changed(tmp_path):
    """Writes a committed file, changed, below `tmp_path`; returns the block of that folder."""

    def changed(block, name, change):
        (tmp_path / "analyses").mkdir(exist_ok=True)
        found = json.loads((RESULTS / "analyses" / f"{name}.json").read_text())
        change(found)
        (tmp_path / "analyses" / f"{name}.json").write_text(json.dumps(found))
        return analysis_tables.BLOCKS[block](tmp_path)

    return changed


def test_another_measurement_is_another_number(changed):
    def change(found):
        found["runs"][0]["fit"]["p"] = 0.77

    assert "| 0.77 |" in changed("distance", "distance", change).splitlines()[2]


def test_a_printed_norm_stands_beside_the_variable_of_its_layer_that_is_nearest(changed):
    def change(found):
        kernel = next(layer for layer in found["layers"] if layer["path"] == "conv1/conv/kernel")
        kernel["weight_norm"] = 0.098  # nearer than the bias

    text = changed("slide-norms", "layer_ratios_alexnet", change)
    assert "conv1 | 5.76 | 0.098 | 0.098 | conv1/conv/kernel |" in text
    assert "fc8 | 19 | 0.316 | 0.316 | fc8/linear/bias |" in text


def test_the_power_of_a_theorem_is_that_of_its_first_and_last_t():
    points = [
        {"theorem": "t", "steps": steps, "measured": 8.0 / steps, "bound": 16.0 / steps}
        for steps in (4, 64)
    ]
    shares = analysis_tables._shares("t", {"points": points}, [4, 64])
    assert shares == ["t", "0.5", "0.5", "-1.00"]
