import json
import os
import shutil
import signal

import numpy as np
import pytest
import tensorflow as tf

from largebatch.tpu import RunFolder
from largebatch.tpu.folder.checkpoints import CheckpointError, Checkpoints
from largebatch.tpu.loop import fit


class Killed(BaseException):
    """Stands for SIGKILL: nothing in the code under test may catch it."""


@pytest.fixture
def killed(run, monkeypatch):
    """Runs a task up to right after so many loops, before their checkpoint is written."""

    def killed(loops, *arguments, **options):
        done = []
        real = fit._Run._after_loop

        def after_loop(self, output):
            real(self, output)
            done.append(output)
            if len(done) == loops:
                raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(fit._Run, "_after_loop", after_loop)
            with pytest.raises(Killed):
                run(*arguments, **options)

    return killed


ONE, TWO = ((24, 20),), ((24, 10), (12, 10))


def same(left, right):
    assert left.keys() == right.keys()
    for name in left:
        np.testing.assert_array_equal(left[name], right[name], err_msg=name)


def log(folder):
    """The metrics log without what the clock says."""
    records = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    clock = ("seconds", "examples_per_second")
    return [{k: v for k, v in record.items() if k not in clock} for record in records]


@pytest.mark.core
@pytest.mark.slow
@pytest.mark.parametrize(("devices", "kills"), [(1, (1, 4, 5)), (2, (4,))])
def test_a_run_killed_again_and_again_ends_in_the_same_bits_and_the_same_log(
    run, regression, killed, tmp_path, devices, kills
):
    options = {"devices": devices, "eval_every": 8, "eval_batch": 10}
    _, whole = run(regression(), "whole", **options)
    for loops in kills:  # at steps 3, 8 and 12, of which checkpoints 0, 5 and 10 are left
        killed(loops, regression(), "killed", **options)
    outcome, resumed = run(regression(), "killed", **options)
    assert outcome.status == "finished"
    same(whole, resumed)
    assert log(tmp_path / "whole") == log(tmp_path / "killed")


def test_two_stages_resume_in_either_and_across_the_switch(run, regression, killed, unbroken):
    for loops in (3, 4, 3):  # at steps 6, 12 and 18, of which checkpoints 5, 10 and 15 are left
        killed(loops, regression(TWO))
    _, resumed = run(regression(TWO))
    same(unbroken(TWO)[1], resumed)


def test_evaluation_counts_every_example_once_whatever_the_batch_and_the_devices(run, regression):
    results = [
        run(regression(((24, 2),)), f"{devices}-{batch}", devices=devices, eval_batch=batch)[0]
        for devices, batch in ((1, 96), (4, 10))
    ]
    total = float(sum(1 + i % 3 for i in range(96)))
    for outcome in results:
        assert outcome.metrics["examples"] == total
        assert outcome.metrics["loss"] == pytest.approx(results[0].metrics["loss"], rel=1e-5)


def test_a_nan_loss_ends_the_run_as_diverged_with_the_last_finite_step_and_loss(
    run, regression, tmp_path
):
    outcome, _ = run(regression(bad_steps=(13,)), steps_per_loop=4)
    assert (outcome.status, outcome.last_step) == ("diverged", 13)
    assert np.isfinite(outcome.last_loss)
    assert outcome.metrics == {}
    # The last checkpoint is from before it, and whole.
    reader = tf.train.load_checkpoint(str(tmp_path / "run/checkpoints/ckpt-10"))
    assert all(
        np.isfinite(reader.get_tensor(name)).all()
        for name in reader.get_variable_to_shape_map()
        if "GRAPH" not in name
    )


@pytest.mark.parametrize(("empty", "micro_batch"), [((13,), None), ((13, 14), 8)])
def test_an_update_of_which_nothing_could_be_used_is_an_error_and_no_divergence(
    run, regression, empty, micro_batch
):
    # Updates 13 to 15 are one loop.
    with pytest.raises(ValueError, match="no example of update 14 could be used"):
        run(regression(empty_steps=empty), steps_per_loop=4, micro_batch=micro_batch)


def test_the_records_have_the_loss_the_rate_and_the_speed(run, regression, tmp_path):
    run(regression(), eval_every=10)
    records = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").open()]
    train = [record for record in records if record["kind"] == "train"]
    assert train[-1]["step"] == 20 and train[-1]["epoch"] == 5
    assert train[0]["learning_rate"] == pytest.approx(0.05)
    assert all(record["examples_per_second"] > 0 for record in train)
    assert [record["step"] for record in records if record["kind"] == "eval"] == [10, 20]


def test_a_signal_writes_a_checkpoint_and_the_same_command_goes_on(
    run, regression, unbroken, monkeypatch, tmp_path
):
    real = fit._Run._record
    for signum, step in ((signal.SIGTERM, 6), (signal.SIGINT, 15)):

        def record(self, kind, step=step, signum=signum, **values):
            if self._steps_done == step:
                os.kill(os.getpid(), signum)
            return real(self, kind, **values)

        with monkeypatch.context() as patch:
            patch.setattr(fit._Run, "_record", record)
            outcome, _ = run(regression(), "stopped")
        assert (outcome.status, outcome.last_step, outcome.signum) == ("interrupted", step, signum)
        assert (tmp_path / f"stopped/checkpoints/ckpt-{step}.index").exists()
    outcome, resumed = run(regression(), "stopped")
    assert outcome.status == "finished"
    same(unbroken(ONE)[1], resumed)


@pytest.mark.core
@pytest.mark.slow
def test_a_run_goes_on_with_fewer_devices_then_more_and_keeps_its_global_batch(
    run, regression, killed, unbroken, tmp_path
):
    _, whole, folder = unbroken(TWO)  # on one device
    for devices, loops in ((3, 3), (2, 4)):  # which leave checkpoints 5 and 10
        killed(loops, regression(TWO), "elastic", devices=devices)
    outcome, elastic = run(regression(TWO), "elastic", devices=3, micro_batch=1)
    assert outcome.status == "finished"
    assert whole.keys() == elastic.keys()
    for name in whole:
        np.testing.assert_allclose(elastic[name], whole[name], rtol=1e-5, atol=1e-6, err_msg=name)
    assert [r["step"] for r in log(tmp_path / "elastic")] == [r["step"] for r in log(folder)]


def test_a_finished_run_started_again_trains_no_further(run, regression, unbroken, tmp_path):
    first, weights, folder = unbroken(ONE)
    shutil.copytree(folder, tmp_path / "run")
    second, again = run(regression())
    same(weights, again)
    assert log(tmp_path / "run") == log(folder)
    assert second.metrics == first.metrics


def test_a_batch_that_the_devices_do_not_divide_fails_before_anything_is_built(run, regression):
    with pytest.raises(ValueError, match="does not divide over 4 devices"):
        run(regression(((25, 4),)), devices=4)


def test_a_folder_without_a_whole_checkpoint_is_refused(run, regression, unbroken, tmp_path):
    shutil.copytree(unbroken(ONE)[2], tmp_path / "run")
    for path in (tmp_path / "run/checkpoints").glob("*.index"):
        path.write_bytes(path.read_bytes()[:30])
    with pytest.raises(CheckpointError, match="no checkpoint that is whole"):
        run(regression())


def test_a_damaged_newest_checkpoint_costs_its_steps_and_no_more(
    run, regression, unbroken, tmp_path
):
    _, whole, folder = unbroken(ONE)
    shutil.copytree(folder, tmp_path / "damaged")
    (tmp_path / "damaged/checkpoints/ckpt-20.data-00000-of-00001").write_bytes(b"")
    (tmp_path / "damaged/checkpoints/checkpoint").unlink(missing_ok=True)
    _, resumed = run(regression(), "damaged")
    same(whole, resumed)
    assert log(folder) == log(tmp_path / "damaged")


def test_checkpoints_are_due_at_multiples_of_the_interval_and_at_the_end(run, regression, tmp_path):
    saved = []
    real = Checkpoints.save

    def save(self, checkpoint_number, *args, **kwargs):
        path = real(self, checkpoint_number, *args, **kwargs)
        saved.extend([int(checkpoint_number)] if path else [])
        return path

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Checkpoints, "save", save)
        run(regression(((24, 18),)), checkpoint_every=7)
    assert saved == [7, 14, 18]


def test_events_hold_the_curves_and_the_hyperparameters(run, regression, tmp_path):
    run(regression(), hparams={"optimizer": "momentum", "rate": 0.05, "none": None})
    tags = set()
    for path in (tmp_path / "run/events").rglob("events.*"):
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            tags.update(value.tag for value in event.summary.value)
    assert {"loss", "learning_rate", "error", "_hparams_/session_start_info"} <= tags


def test_a_run_that_ends_at_max_steps_goes_on_to_the_same_bits_and_the_same_log(
    run, regression, tmp_path
):
    options = {"eval_every": 8, "eval_batch": 10, "keep_checkpoints": 3}
    _, whole = run(regression(), "whole", **options)
    outcome, _ = run(regression(), "cut", max_steps=8, **options)
    assert (outcome.status, outcome.signum, outcome.last_step) == ("interrupted", None, 8)
    again, _ = run(regression(), "cut", max_steps=8, **options)
    assert (again.status, again.last_step) == ("interrupted", 8)
    _, resumed = run(regression(), "cut", max_steps=100, **options)
    same(whole, resumed)
    ends = [[r["step"] for r in log(tmp_path / f) if r["kind"] == "eval"] for f in ("whole", "cut")]
    assert ends == [[8, 16, 20]] * 2
    kept = {path.name for path in (tmp_path / "cut/checkpoints").glob("*.index")}
    assert kept == {"ckpt-10.index", "ckpt-15.index", "ckpt-20.index"}


def test_events_hold_the_model_s_graph_and_the_updates_asked_for_are_profiled(
    run, regression, tmp_path
):
    run(regression(((24, 9),)), profile=2, eval_batch=10)
    steps = [r["step"] for r in log(tmp_path / "run") if r["kind"] == "train"]
    assert steps == [3, 5, 6, 9]  # from the end of the first loop, two updates
    assert list((tmp_path / "run/events/plugins/profile").rglob("*.xplane.pb"))
    graphs = [
        tf.compat.v1.GraphDef.FromString(event.graph_def)
        for path in (tmp_path / "run/events").rglob("events.*")
        for event in tf.compat.v1.train.summary_iterator(str(path))
        if event.HasField("graph_def")
    ]
    (graph,) = graphs
    assert any("hidden" in node.name for node in graph.node)


def test_the_folder_is_locked_while_the_run_is_on(run, regression, tmp_path, monkeypatch):
    refused = []
    real = fit._Run._record

    def record(self, kind, **values):
        with pytest.raises(ValueError, match="in use by process"):
            RunFolder(tmp_path / "run").__enter__()
        refused.append(kind)
        return real(self, kind, **values)

    monkeypatch.setattr(fit._Run, "_record", record)
    run(regression(((24, 3),)))
    assert refused
