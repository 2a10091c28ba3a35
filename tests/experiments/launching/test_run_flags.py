"""--max_steps, --eval_only, --tags, --wandb, --quiet: each in a short run of a row."""

import dataclasses
import re
import sys
import time
import types

import pytest

from largebatch.experiments.launching import launch, wandb_log
from largebatch.experiments.launching.options import RunSettings
from largebatch.experiments.records.match import row_of
from largebatch.experiments.records.reader import read_run
from largebatch.experiments.reporting.model.cells import gather
from largebatch.experiments.tables import registry
from largebatch.experiments.tables.registry import scaled


class FakeWandb(types.ModuleType):
    """Keeps what it is told."""

    def __init__(self):
        super().__init__("wandb")
        self.given, self.logged, self.ended = [], [], []
        self.Settings = dict

    def init(self, **given):
        self.given.append(given)
        return types.SimpleNamespace(
            log=lambda values, step: self.logged.append((step, values)),
            finish=lambda exit_code: self.ended.append(exit_code),
        )


@pytest.fixture
def wandb(monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", FakeWandb())
    return sys.modules["wandb"]


@pytest.mark.usefixtures("small_network")
def test_a_run_to_max_steps_is_no_result_and_is_continued(launch_row, wandb, tmp_path, capfd):
    flags = {"tags": ["rehearsal"], "wandb": True, "steps_per_loop": 2, "checkpoint_every": 2}
    code, result = launch_row("table7/lamb", scale="smoke", max_steps=5, **flags)
    assert (code, result["status"], result["last_step"], result["max_steps"]) == (
        *(0, "interrupted", 5, 5),
    )
    assert result["metrics"] == {} and result["tags"] == ["rehearsal"]
    output = capfd.readouterr()
    assert output.err.startswith("table7/lamb at smoke scale: digits, batch 32, 8 updates\n")
    assert output.err.count("compiling") == 1
    assert "max_steps reached: checkpoint of step 5 written" in output.err
    assert output.out.strip().endswith("(digits, batch 32)")

    found = read_run(str(tmp_path / "run"))
    assert found.tags == ["rehearsal"]
    report = gather(str(tmp_path), ["table7"], ["rehearsal"])
    (table,) = [table for table in report.tables if table.scale == "smoke"]
    assert not [cell for cell in table.cells if cell.summary and cell.summary.n]
    assert gather(str(tmp_path), ["table7"], ["another"]).counted == 0

    row = scaled(registry.find("table7/lamb"), "smoke")
    settings = RunSettings(str(tmp_path / "run"), eval_only=True)
    before = (tmp_path / "run/result.json").read_text()
    assert launch.launch(row, settings) == 0
    assert "table7/lamb at update 5: " in capfd.readouterr().out
    assert (tmp_path / "run/result.json").read_text() == before

    code, whole = launch_row("table7/lamb", scale="smoke", quiet=True, **flags)
    assert (code, whole["status"], whole["last_step"]) == (0, "finished", 8)
    assert "max_steps" not in whole and row_of(read_run(str(tmp_path / "run"))) is not None
    assert [record["step"] for record in whole["history"]] == [4, 8]
    assert capfd.readouterr().err == ""

    first, second = wandb.given
    assert first["id"] == second["id"] and first["project"] == "largebatch"
    assert first["settings"] is None and second["settings"] == {"silent": True}
    assert first["tags"] == ["smoke", "rehearsal"] and first["config"]["optimizer"] == "lamb"
    steps = [step for step, values in wandb.logged if "train/loss" in values]
    assert steps == [2, 4, 5, 6, 8] and wandb.ended == [0, 0]


def test_without_the_package_wandb_is_one_clear_line(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "wandb", None)  # so that its import fails
    row = scaled(registry.find("table7/lamb"), "smoke")
    settings = RunSettings(str(tmp_path / "run"), wandb=True)
    with pytest.raises(ValueError, match=r"pip install 'largebatch\[wandb\]'"):
        launch.launch(row, settings)
    assert not list(tmp_path.iterdir())


def test_a_failed_run_is_failed_at_weights_and_biases_too(wandb, tmp_path):
    with pytest.raises(OSError), wandb_log.logged(_folder(tmp_path), True, _experiment()):
        raise OSError("no room")
    assert wandb.ended == [1]


def test_the_package_itself_keeps_every_record_and_only_warns_where_quiet(
    monkeypatch, tmp_path, capfd
):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.chdir(tmp_path)
    with wandb_log.logged(_folder(tmp_path), True, _experiment(), quiet=True) as folder:
        for step, loss in ((2, 2.5), (4, 1.25)):
            folder.append_metrics({"kind": "train", "step": step, "loss": loss})
    said = capfd.readouterr()
    assert said.out == "" and all("WARNING" in line for line in said.err.splitlines())

    (file,) = tmp_path.glob("wandb/offline-run-*/run-x.wandb")
    # A log of protocol buffers: names and values stand in it as they are. It is written by a
    # process of the package's own, which does so a moment after the run's end.
    kept, last = [], time.monotonic() + 20
    while kept != [b"2.5", b"1.25"] and time.monotonic() < last:
        time.sleep(0.05)
        found = re.findall(rb"train/loss[^\w]+?([\d.]+)", file.read_bytes())
        kept = list(dict.fromkeys(found))
    assert kept == [b"2.5", b"1.25"]


def _folder(path):
    return types.SimpleNamespace(
        scratch=None, path=path, read_json=lambda name: {"id": "x"}, append_metrics=len
    )


def _experiment():
    row = registry.find("table7/lamb")
    told = {"name": row.name, "table": row.table, "scale": "paper", "seed": 0, "tags": []}
    return {**told, "row": dataclasses.asdict(row)}


def test_an_evaluation_alone_needs_a_run(tmp_path):
    row = scaled(registry.find("table7/lamb"), "smoke")
    with pytest.raises(ValueError, match="holds no run"):
        launch.launch(row, RunSettings(str(tmp_path / "run"), eval_only=True))
    assert not list(tmp_path.iterdir())  # what was made for nothing is removed
