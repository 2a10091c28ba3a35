from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest

from largebatch.experiments import run
from largebatch.experiments.launching.options import RunSettings
from largebatch.experiments.tables import registry

LIST_FIELDS = [
    *("name", "table", "task", "model", "dataset", "optimizer", "weight_decay"),
    *("l2_regularization", "epochs", "stages", "twin", "paper", "grid", "sources"),
]


def call(*arguments):
    return run.run(["run", *arguments])


def test_the_list_as_json_has_every_field_of_every_row(capsys):
    assert call("--list", "--format=json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert [entry["name"] for entry in listed] == list(registry.all_rows())
    for entry in listed:
        assert list(entry) == LIST_FIELDS
        assert {"kind", "note"} == set(entry["sources"]["batch_size"])
    lamb = next(entry for entry in listed if entry["name"] == "table7/lamb")
    assert lamb["paper"] == {"accuracy": 0.9945}
    assert lamb["stages"] == [
        {
            "sequence_length": None,
            "batch_size": 1024,
            "steps": 1758,
            "learning_rate": 0.01,
            "warmup_steps": 58,
        }
    ]


@pytest.mark.parametrize("arguments", [["--list=table7/*"], ["--list", "table7/*"]])
def test_the_glob_may_follow_list_with_or_without_an_equals_sign(capsys, arguments):
    assert call(*arguments) == 0
    output = capsys.readouterr().out
    assert "table7/lamb" in output and "table6" not in output and "10 rows" in output


def test_a_second_call_in_one_process_starts_from_the_defaults(capsys):
    assert call("--list=table7/*", "--format=json") == 0
    json.loads(capsys.readouterr().out)
    assert call("--list") == 0
    assert f"{len(registry.all_rows())} rows" in capsys.readouterr().out


def test_list_alone_may_stand_before_another_flag(capsys):
    assert call("--list", "--format=text") == 0
    assert f"{len(registry.all_rows())} rows" in capsys.readouterr().out


def test_describe_prints_every_setting_with_its_source_and_what_is_derived(capsys):
    arguments = ("--experiment=table7/lamb", "--scale=laptop", "--set", "learning_rate=0.1")
    assert call("--describe", *arguments) == 0
    output = capsys.readouterr().out
    assert "scale laptop; overridden: learning_rate" in output
    assert re.search(r"batch_size +24 ", output) and re.search(r"steps +1797 ", output)
    assert "paper: section 4 and appendix H" in output and "a smaller network" in output
    assert "0.9945" in output
    assert re.search(r"not used by it\n(  .*\n)*  .*\bmax_ratio\b", output)
    assert call("--describe", "--format=json", *arguments) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["overrides"] == {"learning_rate": 0.1}
    assert record["row"]["steps"] == 1797 and record["row"]["paper"] == {"accuracy": 0.9945}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--experiment is missing"),
        (["--experiment=table7/lamp"], "did you mean table7/lamb?"),
        (["--list=tabel7/*"], "no experiment matches"),
        (["--experiment=table7/lamb", "--set", "epoch=3"], "did you mean epochs?"),
        (["--experiment=table7/lamb", "--set", "epochs"], "want field=value"),
        (["--experiment=table7/lamb", "--seed=one"], "--seed=one"),
        (["--experiment=table7/lamb", "--scale=small"], "paper|laptop|smoke"),
        (["--experiment=table7/lamb", "--sed=1"], "Did you mean: seed"),
        (["--experiment=table7/lamb", "--num_devices=0"], "--num_devices=0: want 1 or more"),
        (["--experiment=table7/lamb", "--seed=-1"], "--seed=-1: want 0 or more"),
        (["--experiment=table7/lamb", "--tpu=x", "--device=cpu"], "contradict"),
        (["table7/lamb"], "unexpected argument 'table7/lamb'"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(capsys, arguments, message):
    assert call(*arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and message in error
    assert error.count("\n") == 1


def test_a_mistake_shows_where_it_was_noticed_if_asked(capsys):
    assert call("--experiment=nothing", "--verbosity=debug") == 2
    assert "Traceback" in capsys.readouterr().err


def test_a_run_gets_the_resolved_row_and_the_settings(monkeypatch, tmp_path):
    from largebatch.experiments.launching import launch

    got = []
    monkeypatch.setattr(launch, "launch", lambda *arguments: got.extend(arguments) or 3)
    code = call(
        *("--experiment=table7/lamb", "--scale=smoke", "--set=epochs=2", "--seed=4"),
        *(f"--output_dir={tmp_path}", "--deterministic", "--threads=1", "--micro_batch=8"),
    )
    assert code == 3
    row, settings = got
    assert (row.scale, row.epochs, row.overrides) == ("smoke", 2.0, {"epochs": 2.0})
    assert settings == RunSettings(
        output_dir=str(tmp_path), seed=4, deterministic=True, threads=1, micro_batch=8
    )


def test_the_default_folder_is_named_after_row_grid_and_seed(monkeypatch):
    from largebatch.experiments.launching import launch

    got = []
    monkeypatch.setattr(launch, "launch", lambda *arguments: got.append(arguments[1]) or 0)
    call("--experiment=table7/lamb", "--set=epochs=2")
    call("--experiment=table6/momentum", "--scale=smoke", "--seed=3")
    assert [settings.output_dir for settings in got] == [
        "runs/table7/lamb/learning_rate=0.01,epochs=2/seed=0",
        "runs/smoke/table6/momentum/seed=3",
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--list"],
        ["--list", "--format=json"],
        ["--describe", "--experiment=table7/lamb"],
        ["--help"],
    ],
)
def test_answers_come_at_once_and_without_tensorflow(arguments):
    script = (
        "import sys; from largebatch.experiments import run\n"
        f"code = run.run(['run', *{arguments!r}])\n"
        "assert not {'tensorflow', 'matplotlib'} & set(sys.modules); sys.exit(code)"
    )
    before = os.times()
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout
    # Of the processor, not of the clock: the machine may be busy.
    assert sum(os.times()[2:4]) - sum(before[2:4]) < 2


def test_help_names_every_flag(capsys):
    assert call("--help") == 0
    output = capsys.readouterr().out
    for flag in ("experiment", "scale", "data_dir", "output_dir", "seed", "set", "device", "tpu"):
        assert f"--{flag}" in output
    for flag in ("num_devices", "list", "describe", "format", "deterministic", "threads"):
        assert f"--{flag}" in output


def test_a_description_s_columns_stay_in_place_beside_a_value_of_many_digits(capsys):
    assert call("--describe", "--experiment=table7/lamb") == 0
    lines = capsys.readouterr().out.splitlines()
    (warmup,) = [line for line in lines if line.startswith("  warmup_epochs ")]
    assert warmup.index("code: ") == lines[3].index("code: ")  # of the model, with a short value
    assert warmup.split()[1] == "0.98986667"
