"""The rows that follow the first author's code, against the figures of its programs and logs."""

from __future__ import annotations

import json
import math

import pytest

from largebatch import optimizers
from largebatch.experiments import sweep
from largebatch.experiments.launching import describe
from largebatch.experiments.records.row_record import list_record
from largebatch.experiments.tables import registry
from largebatch.experiments.tables.twins import differences
from largebatch.experiments.tasks.schedule import learning_rate

ROWS = registry.all_rows()
AS_RUN = [name for name in ROWS if name.endswith("-as-run")]
OPTIMIZERS = ("momentum", "adagrad", "adam", "adamw", "lamb")
BATCHES = (512, 1024, 2048, 4096, 8192, 16384, 32768)


def test_the_rows_of_the_code_are_all_there():
    wanted = {f"{table}/{o}-as-run" for table in ("table6", "table7") for o in OPTIMIZERS}
    wanted |= {f"table5/lamb-{batch}-as-run" for batch in BATCHES} | {"limit/lamb-65536-as-run"}
    assert set(AS_RUN) == wanted
    mnist = ("momentum-60000", "lars-60000", "lamb-60000", "adam-50000", "lamb-50000", "lars-8192")
    assert {f"limit/mnist-{name}" for name in mnist} < set(ROWS)


@pytest.mark.parametrize("name", AS_RUN)
def test_a_row_as_run_and_the_row_as_printed_are_each_others_twin(name):
    printed = ROWS[name.removesuffix("-as-run")]
    assert (printed.twin, ROWS[name].twin) == (name, printed.name)
    assert (printed.follows_code, ROWS[name].follows_code) == (False, True)
    if ROWS[name].table != "limit":  # the log's value stands beside that one
        assert ROWS[name].paper == printed.paper


@pytest.mark.parametrize("name", [*AS_RUN, "table7/adamw"])
def test_what_a_row_as_run_takes_from_the_code_names_repository_and_commit(name):
    notes = [s.note for s in ROWS[name].sources.values() if s.kind == "code"]
    assert notes
    for note in notes:
        repository, _, rest = note.partition(" @")
        commit, _, place = rest.partition(": ")
        assert repository.count("/") == 1 and len(commit.split()[0]) == 7 and place, note


def _linear(peak, warmup, total, start):
    """Ramp, then (T - t)/(T - start) of the peak."""
    return lambda t: peak * t / warmup if t < warmup else peak * (total - t) / (total - start)


def _root(peak, warmup, total, end=0.0):
    """Ramp, then a square root that is counted from update 0."""
    return lambda t: (
        peak * t / warmup if t < warmup else end + (peak - end) * math.sqrt(1 - t / total)
    )


def _ramp(peak, warmup):
    return lambda t: peak * min(1, t / warmup) if warmup else peak


# Name: updates, the closed form, updates at which to look.
SCHEDULES = {
    "table5/lamb-32768-as-run": (3519, _linear(0.04, 782, 3519, 782), (0, 391, 781, 782, 2000)),
    "limit/lamb-65536-as-run": (1760, _linear(0.044, 500, 1760, 500), (0, 250, 500, 1759)),
    "table6/lamb-as-run": (2328, _linear(10 / 512, 582, 2328, 582), (0, 291, 582, 2327)),
    "table6/adam-as-run": (2328, _linear(1 / 512, 485, 2328, 485), (0, 100, 485, 2327)),
    "table6/adamw-as-run": (2910, _linear(5 / 512, 485, 2910, 485), (0, 100, 485, 2909)),
    "table6/adagrad-as-run": (2910, _ramp(0.013, 0), (0, 2909)),
    "table6/momentum-as-run": (2344, _linear(0.4, 488, 2344, 488), (0, 100, 488, 2343)),
    "table7/lamb-as-run": (1758, _root(0.004, 58, 1758), (0, 29, 57, 58, 1000, 1757)),
    "table7/adamw-as-run": (1758, _root(0.004, 58, 1758), (0, 29, 57, 58, 1000, 1757)),
    "table7/momentum-as-run": (2000, _root(0.08, 0, 2000, 1e-4), (0, 1, 1000, 1999)),
    "table7/adam-as-run": (1758, _ramp(0.004, 0), (0, 1757)),
    "table7/adagrad-as-run": (1758, _ramp(0.01, 0), (0, 1757)),
    "limit/mnist-momentum-60000": (35, _root(0.11, 12, 35, 1e-4), (0, 11, 12, 34)),
    "limit/mnist-lars-60000": (35, _root(22, 9, 35, 1e-4), (0, 8, 9, 34)),
    "limit/mnist-lamb-60000": (35, _root(0.11, 7, 35), (0, 6, 7, 34)),
    "limit/mnist-adam-50000": (30, _ramp(0.04, 10), (0, 5, 10, 29)),
    "limit/mnist-lamb-50000": (30, _root(0.1, 6, 30), (0, 5, 6, 29)),
    "limit/mnist-lars-8192": (250, _root(6, 117, 250, 1e-4), (0, 116, 117, 249)),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_rate_is_the_codes_at_every_step(name):
    steps, closed_form, looks = SCHEDULES[name]
    row = ROWS[name]
    assert row.steps == steps
    schedule = learning_rate(row)
    for step in looks:
        assert float(schedule(step)) == pytest.approx(closed_form(step), rel=1e-4, abs=1e-9), step


# fmt: off
LAMB_MNIST = {"beta_1": 0.9, "beta_2": 0.999, "weight_decay": 0.01, "epsilon": 1e-6 / 8,
              "bias_correction": False, "exclude_from_weight_decay": "bias",
              "exclude_from_layer_adaptation": []}
BATCH_NORM_OUT = {"exclude_from_weight_decay": "batch_norm",
                  "exclude_from_layer_adaptation": "batch_norm"}
SETTINGS = {
    "table5/lamb-32768-as-run": ("lamb", {
        "beta_1": 0.9, "beta_2": 0.999, "weight_decay": 1.5, "epsilon": 1e-6 / 256,
        "bias_correction": False, **BATCH_NORM_OUT}),
    "table6/lamb-as-run": ("lamb", {
        "beta_1": 0.9, "beta_2": 0.999, "weight_decay": 1.0, "epsilon": 1e-6 / 512,
        "bias_correction": False, **BATCH_NORM_OUT}),
    "table6/momentum-as-run": ("momentum", {
        "momentum": 0.9, "nesterov": True, "weight_decay": 0.0, "l2_regularization": 5e-4,
        "exclude_from_weight_decay": []}),
    "table6/adamw-as-run": ("adamw", {
        "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8 / 512, "weight_decay": 1e-4,
        "l2_regularization": 0.0, "decay_form": "plain", "exclude_from_weight_decay": []}),
    "table6/adam-as-run": ("adam", {
        "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8 / 512, "l2_regularization": 0.0}),
    "table6/adagrad-as-run": ("adagrad", {
        "initial_accumulator_value": 0.1 / 512**2, "l2_regularization": 0.0}),
    "table7/lamb-as-run": ("lamb", LAMB_MNIST),
    "table7/adamw-as-run": ("lamb", LAMB_MNIST),
    "table7/adam-as-run": ("adam", {
        "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8, "l2_regularization": 0.0}),
    "limit/mnist-lamb-60000": ("lamb", LAMB_MNIST),
}
# fmt: on


@pytest.mark.parametrize("name", SETTINGS)
def test_the_optimizer_is_the_codes(name):
    optimizer, settings = SETTINGS[name]
    row = ROWS[name]
    assert (row.optimizer, row.optimizer_settings) == (optimizer, settings)
    made = optimizers.create(optimizer, 0.1, **row.optimizer_settings)
    for field, value in settings.items():
        assert getattr(made, field) == value


def test_what_else_the_code_settles_is_in_the_rows():
    resnet = ROWS["table5/lamb-32768-as-run"]
    assert (resnet.clip_norm, resnet.clip_batch, resnet.norm_batch) == (1.0, 128, 128)
    assert (resnet.kernel_init, resnet.label_smoothing) == ("fan_in", 0.1)
    assert resnet.eval_subset == 49_152
    davidnet = ROWS["table6/lamb-as-run"]
    assert (davidnet.norm_batch, davidnet.clip_norm, davidnet.eval_subset) == (64, None, 8000)
    assert ROWS["table6/momentum-as-run"].augment == "crop_flip"
    mnist = ROWS["table7/lamb-as-run"]
    assert (mnist.model, mnist.dropout) == ("mnist_convnet", 0.4)
    assert (mnist.clip_norm, mnist.clip_batch) == (1.0, 128)
    for batch in BATCHES:  # 128 images a core at every batch
        assert ROWS[f"table5/lamb-{batch}-as-run"].epsilon == 1e-6 / (batch / 128)


def test_the_log_that_is_called_adamws_is_lambs():
    row = ROWS["table7/adamw-as-run"]
    assert registry.run_of(row).name == "table7/lamb-as-run"
    assert "what its logs call AdamW is LAMB" in words(describe.describe(row, "text"))
    real = ROWS["table7/adamw"]
    assert (real.optimizer, real.model, real.decay_power) == ("adamw", "mnist_convnet", 0.5)


def test_a_logs_value_is_not_passed_off_as_the_papers():
    row = ROWS["limit/mnist-lamb-60000"]
    assert row.paper == {"accuracy": 0.9887}
    source = row.printed_source("accuracy")
    assert source.kind == "code" and "lamb/log1" in source.note
    assert ROWS["table7/lamb"].printed_source("accuracy").kind == "paper"


@pytest.mark.parametrize("name", ["table7/lamb", "table7/lamb-as-run", "table5/lamb-32768"])
def test_describe_names_each_difference_with_both_values_and_sources(name):
    row, twin = ROWS[name], ROWS[ROWS[name].twin]
    found = differences(row, twin)
    assert {"bias_correction", "decay_power"} & {d.field for d in found}
    text = describe.describe(row, "text")
    shown = words(text.partition(f"differences from {twin.name}")[2])
    for d in found:
        ours, theirs = words(d.source.note), words(d.twin_source.note)
        assert f" {d.field} {_shown(d.value)} " in shown
        assert ours in shown and theirs in shown
        _, _, rest = shown.partition(f" {d.field} {_shown(d.value)} ")
        assert f" {_shown(d.twin_value)} " in rest[: len(ours) + 40]
    record = json.loads(describe.describe(row, "json"))["differences"][twin.name]
    assert {f: (d["value"], d["twin_value"]) for f, d in record.items()} == {
        d.field: (d.value, d.twin_value) for d in found
    }


def words(text):
    return " ".join(text.split())


def _shown(value):
    return "-" if value is None else str(value)


def test_the_list_as_json_has_the_twin():
    assert list_record(ROWS["table7/lamb"])["twin"] == "table7/lamb-as-run"
    assert list_record(ROWS["table7/lamb-as-run"])["twin"] == "table7/lamb"
    assert list_record(ROWS["table1/lamb-512"])["twin"] is None


def test_a_sweep_of_a_table_is_of_what_is_printed_and_names_what_it_leaves_out(capsys, tmp_path):
    flags = ["--grid=none", "--dry_run", f"--output_dir={tmp_path}"]
    assert planned_sweep("--table=6", "--scale=paper", *flags) == 0
    output, note = capsys.readouterr()
    assert output.startswith("5 runs: 5 to be run\n") and "as-run" not in output
    assert note.startswith("left out: table6/adagrad-as-run, ") and "table6/lamb-as-run" in note
    assert note.endswith("(the first author's code ran these; --rows=NAME runs one)\n")
    assert planned_sweep("--rows=table6/*", "--scale=paper", *flags) == 0
    assert "10 runs: 10 to be run" in capsys.readouterr().out


def planned_sweep(*arguments):
    return sweep.sweep(["sweep", *arguments])


def test_a_sweep_leaves_out_what_has_no_such_scale_and_says_so(capsys, tmp_path):
    flags = ["--scale=laptop", "--dry_run", f"--output_dir={tmp_path}"]
    assert planned_sweep("--rows=table6/*", "--grid=none", *flags) == 0
    output, note = capsys.readouterr()
    assert note.startswith("left out: table6/adagrad-as-run, ")
    assert note.endswith("(the first author's code ran these, which have no laptop scale)\n")
    assert "5 runs: 5 to be run" in output
    assert planned_sweep("--rows=*/lamb-as-run", *flags) == 2
    error = capsys.readouterr().err
    assert (
        error.startswith("error: --scale=laptop: table6/lamb-as-run is") and "\n" not in error[:-1]
    )
