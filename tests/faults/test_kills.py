"""SIGKILL at twenty random moments of one run: the end is that of a run nobody touched, bit by bit.

Weights, slots, counters and the metrics log; images and both stages of BERT; one device and two.
"""

import random
import time

import numpy as np
import pytest

KILLS = 20
AT_START = 4  # of them: while a process starts, restores, or builds the model

DIGITS = ("table7/lamb", "--set=epochs=6", "--set=eval_every_epochs=1", "--checkpoint_every=7")
BERT = (
    *("table1/lamb-65536-32768", "--set=total_steps=100", "--set=stage2_steps=40"),
    *("--set=eval_every_epochs=1", "--checkpoint_every=7"),
    "--set=optimizer=bert_adamw",  # a start compiles nothing: LAMB's kills are those of the digits
)


def same(left, right):
    assert left.keys() == right.keys()
    for name in left:
        np.testing.assert_array_equal(left[name], right[name], err_msg=name)


@pytest.mark.faults
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("devices", [1, 2])
@pytest.mark.parametrize("row", [DIGITS, BERT], ids=["digits", "bert"])
def test_twenty_kills_at_random_moments_leave_no_trace(program, row, devices):
    row = (*row, f"--num_devices={devices}")
    whole = program(*row, folder="whole").start()
    began = time.monotonic()
    assert whole.wait_for_a_record()
    start_up = time.monotonic() - began
    assert whole.end() == 0, whole.output
    total = whole.result()["steps"]
    training = time.monotonic() - began - start_up

    # By the step, not by the clock: what else the machine does must not let the run escape.
    moments = random.Random(f"{row}")
    steps = sorted(moments.sample(range(1, total - 5), KILLS - AT_START))
    for place in moments.sample(range(KILLS - AT_START), AT_START):
        steps.insert(place, None)
    killed = program(*row, folder="killed")
    found = []
    for step in steps:
        killed.start()
        if step is None:
            time.sleep(moments.uniform(0, start_up))
        else:
            killed.wait_for_step(step)
            time.sleep(moments.uniform(0, 2 * training / total))  # anywhere inside an update
        assert killed.kill(), killed.output
        found.append(killed.log()[-1]["step"] if killed.lines else 0)
    print(f"killed {len(found)} times; the log then ended at the steps {found}")
    assert killed.finish() == 0, killed.output
    same(whole.state(), killed.state())
    assert killed.log() == whole.log()
    assert killed.result()["metrics"] == whole.result()["metrics"]
    assert not list((killed.folder / "checkpoints").glob("*_temp"))
