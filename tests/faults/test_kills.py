"""Signals at random moments of one run: the end is that of a run nobody touched, bit by bit.

Weights, slots, counters and the metrics log; images and both stages of BERT; one device and two.
A fifth of the signals come while the process starts, restores, or builds the model.
"""

import json
import random
import signal
import statistics
import time

import numpy as np
import pytest

LEFT = 20  # updates after the last signal, lest the run end before it comes

DIGITS = ("table7/lamb", "--set=epochs=6", "--set=eval_every_epochs=1", "--checkpoint_every=7")
MOMENTUM = ("table7/momentum", *DIGITS[1:])
BERT = (
    *("table1/lamb-65536-32768", "--set=total_steps=100", "--set=stage2_steps=40"),
    *("--set=eval_every_epochs=1", "--checkpoint_every=7"),
    "--set=optimizer=bert_adamw",  # a start compiles nothing: LAMB's kills are those of the digits
)


def same(left, right):
    assert left.keys() == right.keys()
    for name in left:
        np.testing.assert_array_equal(left[name], right[name], err_msg=name)


def seconds_of_an_update(run):
    """The median, which leaves out what is traced, evaluated and saved between some."""
    log = map(json.loads, (run.folder / "metrics.jsonl").read_text().splitlines())
    seconds = [record["seconds"] for record in log if record["kind"] == "train"]
    return statistics.median(b - a for a, b in zip(seconds, seconds[1:]))


def stop_at_random_moments(program, row, signum, times, exit_codes):
    whole = program(*row, folder="whole").start()
    began = time.monotonic()
    assert whole.wait_for_a_record()
    start_up = time.monotonic() - began
    assert whole.end() == 0, whole.output
    total = whole.result()["steps"]
    update = seconds_of_an_update(whole)

    # By the step, not by the clock: what else the machine does must not let the run escape.
    moments = random.Random(f"{row}")
    at_start = times // 5
    steps = sorted(moments.sample(range(1, total - LEFT), times - at_start))
    for place in moments.sample(range(times - at_start), at_start):
        steps.insert(place, None)
    stopped = program(*row, folder="stopped")
    found = []
    for step in steps:
        stopped.start()
        if step is None:
            stopped.wait_for_a_record(at_most=moments.uniform(0, start_up))
        else:
            stopped.wait_for_step(step)
            time.sleep(moments.uniform(0, 2 * update))  # anywhere inside an update
        stopped.send(signum)
        assert stopped.end() in exit_codes, stopped.output
        found.append(stopped.log()[-1]["step"] if stopped.lines else 0)
    print(f"stopped {len(found)} times; the log then ended at the steps {found}")
    assert stopped.finish() == 0, stopped.output
    same(whole.state(), stopped.state())
    assert stopped.log() == whole.log()
    assert stopped.result()["metrics"] == whole.result()["metrics"]
    assert not list((stopped.folder / "checkpoints").glob("*_temp"))


@pytest.mark.faults
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("devices", [1, 2])
@pytest.mark.parametrize("row", [DIGITS, BERT], ids=["digits", "bert"])
def test_twenty_kills_at_random_moments_leave_no_trace(program, row, devices):
    row = (*row, f"--num_devices={devices}")
    stop_at_random_moments(program, row, signal.SIGKILL, 20, {-signal.SIGKILL})


@pytest.mark.faults
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_ten_requests_to_stop_at_random_moments_leave_no_trace(program, signum):
    """Before the run listens, while TensorFlow is loaded, the signal does what it always does."""
    stop_at_random_moments(program, MOMENTUM, signum, 10, {128 + signum, -signum})
