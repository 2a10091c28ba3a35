"""The log in MLPerf's format: its keys, its intervals, and its end."""

from __future__ import annotations

import json
import sys

import pytest

from largebatch.experiments.launching import mlperf_keys
from largebatch.experiments.launching.mlperf_log import MARK, LoggedFolder, MLPerfLog, lines
from largebatch.experiments.program.errors import UserError
from largebatch.experiments.tables import registry

RESNET = "table5/lamb-32768"
BERT = "table1/lamb-65536-32768"


@pytest.fixture(autouse=True)
def _package():
    pytest.importorskip("mlperf_logging")


class Folder:
    """Stands for a run's: keeps what is appended."""

    scratch = None

    def __init__(self):
        self.records = []

    def append_metrics(self, record):
        self.records.append(record)


def evaluation(row, share, **values):
    return {"kind": "eval", "step": round(row.steps * share), "examples": 50_000, **values}


def log_of(path, row, status="finished", accuracy=0.77, metric="top1", parts=2):
    """Writes the log of a run with `parts` evaluations."""
    log = MLPerfLog(str(path), row, seed=3)
    every = -(-row.steps // parts)
    log.begin("tpu", 1024, 2, every)
    folder = LoggedFolder(Folder(), log)
    for part in range(1, parts + 1):
        step = min(row.steps, part * every)
        folder.append_metrics({"kind": "train", "step": step, "loss": 1.0})
        folder.append_metrics({"kind": "eval", "step": step, "examples": 9, metric: accuracy})
    folder.end(status)
    return lines(str(path))


def keys(entries):
    return [entry["key"] for entry in entries]


def value(entries, key):
    [entry] = [entry for entry in entries if entry["key"] == key]
    return entry["value"]


def test_every_line_is_of_the_packages_form(tmp_path):
    log_of(tmp_path / "log", registry.find(RESNET))
    text = (tmp_path / "log").read_text().splitlines()
    assert len(text) > 30 and all(line.startswith(MARK) for line in text)
    for line in text:
        entry = json.loads(line[len(MARK) :])
        assert {"namespace", "time_ms", "event_type", "key", "value", "metadata"} == set(entry)
        assert entry["metadata"]["file"] == "experiments/launching/mlperf_log.py"


def test_resnet_has_the_headers_keys_with_the_rows_values(tmp_path):
    entries = log_of(tmp_path / "log", registry.find(RESNET))
    wanted = {
        "submission_benchmark": "resnet",
        "submission_division": "open",
        "submission_platform": "1024 x tpu",
        "cache_clear": False,
        "seed": 3,
        "global_batch_size": 32768,
        "gradient_accumulation_steps": 2,
        "opt_name": "lamb",
        "opt_base_learning_rate": 0.04,
        "opt_lamb_epsilon": 1e-6,
        "opt_lamb_beta_1": 0.9,
        "opt_lamb_beta_2": 0.999,
        "opt_lamb_weight_decay_rate": 0.01,
        "opt_learning_rate_warmup_epochs": 20,
        "opt_lamb_learning_rate_decay_poly_power": 1.0,
        "train_samples": 1_281_167,
        "eval_samples": 9,
    }
    assert {key: value(entries, key) for key in wanted} == wanted


def test_bert_counts_examples_and_tells_of_both_stages(tmp_path):
    row = registry.find(BERT)
    entries = log_of(tmp_path / "log", row, accuracy=0.73, metric="masked_lm_accuracy")
    assert value(entries, "submission_benchmark") == "bert"
    assert value(entries, "opt_learning_rate_warmup_steps") == row.warmup_steps == 2815
    assert value(entries, "global_batch_size") == 65536
    assert value(entries, "opt_learning_rate_training_steps") == 8599
    assert [stage["batch_size"] for stage in value(entries, "stages")] == [65536, 32768]
    last = [entry for entry in entries if entry["key"] == "eval_accuracy"][-1]
    assert last["metadata"]["epoch_num"] == 7037 * 65536 + 1562 * 32768
    assert entries[-1]["metadata"]["status"] == "success"


def test_intervals_open_and_close_in_order_and_time_never_goes_back(tmp_path):
    entries = log_of(tmp_path / "log", registry.find(RESNET), parts=3)
    found = [key for key in keys(entries) if key.endswith(("_start", "_stop"))]
    block = ["block_start", "block_stop", "eval_start", "eval_stop"]
    assert found == ["init_start", "init_stop", "run_start", *3 * block, "run_stop"]
    times = [entry["time_ms"] for entry in entries]
    assert times == sorted(times)
    starts = [entry["metadata"] for entry in entries if entry["key"] == "block_start"]
    ends = [entry["metadata"]["epoch_num"] for entry in entries if entry["key"] == "eval_stop"]
    for start, end in zip(starts, ends):
        assert start["first_epoch_num"] + start["epoch_count"] == pytest.approx(end, abs=1e-3)
    assert ends[-1] == pytest.approx(90, abs=0.02)


@pytest.mark.parametrize(
    ("status", "accuracy", "expected"),
    [
        ("finished", 0.7642, "success"),
        ("finished", 0.7589, "aborted"),
        ("diverged", 0.7642, "aborted"),
    ],
)
def test_a_run_is_a_success_where_it_reaches_mlperfs_target(tmp_path, status, accuracy, expected):
    last = log_of(tmp_path / "log", registry.find(RESNET), status, accuracy)[-1]
    assert (last["key"], last["metadata"]["status"]) == ("run_stop", expected)
    assert last["metadata"]["run"] == status


def test_an_interrupted_runs_log_is_continued_without_a_second_header(tmp_path):
    row, path = registry.find(RESNET), str(tmp_path / "log")
    log = MLPerfLog(path, row, 0)
    log.begin("tpu", 8, 1, 1000)
    log.record({"kind": "train", "step": 1000})
    log.record({"kind": "eval", "step": 1000, "top1": 0.5, "examples": 50_000})
    log.end("interrupted")
    assert keys(lines(path))[-1] == "block_start"
    log = MLPerfLog(path, row, 0)
    log.begin("tpu", 8, 1, 1000)
    for step in (1000, 2000, 3000, row.steps):  # The first was told before.
        log.record({"kind": "train", "step": step})
        log.record({"kind": "eval", "step": step, "top1": 0.76, "examples": 50_000})
    log.end("finished")
    found = keys(lines(path))
    for key in ("init_start", "run_start", "run_stop", "global_batch_size", "eval_samples"):
        assert found.count(key) == 1, key
    assert found.count("eval_accuracy") == found.count("block_start") == 4
    assert found.count("block_stop") == 4


def test_a_file_with_another_runs_log_or_a_whole_one_is_refused(tmp_path):
    row, path = registry.find(RESNET), tmp_path / "log"
    log_of(path, row)
    with pytest.raises(UserError, match="to its end"):
        MLPerfLog(str(path), row, 3)
    with pytest.raises(UserError, match="another log"):
        MLPerfLog(str(path), row, 4)
    (tmp_path / "notes").write_text("mine\n")
    with pytest.raises(UserError, match="another log, of no run"):
        MLPerfLog(str(tmp_path / "notes"), row, 3)
    assert (tmp_path / "notes").read_text() == "mine\n"
    with pytest.raises(UserError, match="its folder must exist"):
        MLPerfLog(str(tmp_path / "none" / "log"), row, 3)


def test_a_row_of_another_model_is_refused_by_name():
    with pytest.raises(UserError, match="table7/lamb at paper scale trains mnist_convnet on mnist"):
        mlperf_keys.benchmark(registry.find("table7/lamb"))
    with pytest.raises(UserError, match="at smoke scale trains lenet5 on digits"):
        mlperf_keys.benchmark(registry.scaled(registry.find(RESNET), "smoke"))


def test_without_the_package_the_flag_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlperf_logging.mllog.mllog", None)
    with pytest.raises(UserError, match="pip install"):
        MLPerfLog(str(tmp_path / "log"), registry.find(RESNET), 0)
    assert not (tmp_path / "log").exists()


def test_every_bert_and_resnet_row_has_its_keys_by_names_that_the_package_knows():
    from mlperf_logging.mllog import constants

    known = {v for k, v in vars(constants).items() if isinstance(v, str) and k.isupper()}
    for row in registry.all_rows().values():
        if row.task == "pretraining" or row.model == "resnet50":
            found = mlperf_keys.hyperparameters(row, 1)
            assert found["global_batch_size"] == row.batch_size
            own = {"lars_epsilon", "sgd_opt_momentum", "sgd_opt_weight_decay"}
            assert {k for k in found if k not in known} <= own | {"num_warmup_steps"}, row.name


def is_compliant(path):
    """By the package's checker, under the rules of training 2.1, the last with ResNet's LARS."""
    from mlperf_logging.compliance_checker import mlp_compliance

    checker = mlp_compliance.make_checker("training", "2.1.0", True, False)
    return mlp_compliance.main(str(path), "training_2.1.0/common.yaml", checker)[0]


def test_the_packages_own_checker_accepts_both_and_not_half_a_log(tmp_path):
    log_of(tmp_path / "resnet", registry.find(RESNET))
    log_of(tmp_path / "bert", registry.find(BERT), accuracy=0.7, metric="masked_lm_accuracy")
    assert is_compliant(tmp_path / "resnet") and is_compliant(tmp_path / "bert")
    whole = (tmp_path / "resnet").read_text().splitlines(keepends=True)
    (tmp_path / "half").write_text("".join(whole[:-1]))
    assert not is_compliant(tmp_path / "half")


@pytest.mark.slow
def test_a_run_tells_its_log_what_its_result_says(small_network, tmp_path, monkeypatch, capsys):
    from largebatch.experiments import run

    # A small network on digits in place of ResNet-50, which takes minutes to build.
    monkeypatch.setattr(mlperf_keys, "benchmark", lambda row: "resnet")
    arguments = ["--experiment=table5/lamb-512", "--scale=smoke", f"--output_dir={tmp_path / 'r'}"]
    assert run.run(["run", *arguments, f"--mlperf_log={tmp_path / 'log'}"]) == 0
    assert is_compliant(tmp_path / "log")
    entries = lines(str(tmp_path / "log"))
    result = json.loads((tmp_path / "r" / "result.json").read_text())
    told = [entry["value"] for entry in entries if entry["key"] == "eval_accuracy"]
    assert told == [record["top1"] for record in result["history"]] and len(told) == 2
    assert entries[-1]["metadata"]["run"] == "finished"
    assert value(entries, "submission_platform") == "1 x cpu"
