"""Two hosts, as two processes on the loopback, run one row together; one is killed or stopped."""

import signal
import time

import numpy as np
import pytest

from largebatch.experiments import run

ROW = ("table7/momentum", "--set=epochs=0.8", "--set=eval_every_epochs=0.5")  # 36 updates
LOST, TERMINATED = 4, 143  # exit codes


class Pair:
    """The same command on both hosts; the first is the chief. Both share the run's folder."""

    def __init__(self, program, ports, *flags, folders=("pair", "pair")):
        addresses = ",".join(f"localhost:{port}" for port in ports)
        hosts = (f"--workers={addresses}", "--peer_timeout=100")
        self.hosts = [
            program(*ROW, "--checkpoint_every=10", *hosts, f"--worker_index={index}", *flags,
                    folder=folder)
            for index, folder in enumerate(folders)
        ]  # fmt: skip
        self.chief, self.other = self.hosts

    def start(self):
        for host in self.hosts:
            host.start()
        return self

    def end(self):
        return [host.end() for host in self.hosts]


def same_to_rounding(one, two):
    assert one.keys() == two.keys()
    for name in one:
        np.testing.assert_allclose(two[name], one[name], rtol=1e-6, atol=1e-6, err_msg=name)


def checkpoints(host):
    return sorted(path.name for path in (host.folder / "checkpoints").glob("*.index"))


def test_two_hosts_are_one_through_a_sigterm_and_a_restart(program, free_ports):
    pair = Pair(program, free_ports(2)).start()
    pair.chief.wait_for_step(3)
    pair.other.send(signal.SIGTERM)  # one host of the two is told to go
    assert pair.end() == [TERMINATED, TERMINATED], [host.output for host in pair.hosts]
    (step,) = {
        line for h in pair.hosts for line in h.output.splitlines() if "checkpoint of" in line
    }
    assert pair.chief.result()["status"] == "interrupted"
    stopped = pair.chief.result()["last_step"]
    assert f"checkpoint of step {stopped} written" in step
    assert f"ckpt-{stopped}.index" in checkpoints(pair.chief)

    assert pair.start().end() == [0, 0], [host.output for host in pair.hosts]
    assert "resumed at step" in pair.other.output
    # Disjoint and complete reading shows here, too: other examples would be other weights.
    alone = program(*ROW, folder="alone")
    flags = ("--scale=smoke", "--deterministic", "--device=cpu", "--steps_per_loop=1")
    command = (f"--experiment={ROW[0]}", *ROW[1:], *flags, "--checkpoint_every=10")
    assert run.run(["run", *command, f"--output_dir={alone.folder}"]) == 0
    same_to_rounding(alone.state(), pair.chief.state())
    assert [r["step"] for r in pair.chief.log()] == [r["step"] for r in alone.log()]
    assert pair.chief.result()["num_devices"] == 2
    # The chief alone wrote: one file of events a start.
    events = list((pair.chief.folder / "events").glob("events.out*"))
    assert len(events) == 2


@pytest.mark.faults
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGSTOP])
@pytest.mark.parametrize("victim", [0, 1])
def test_a_host_killed_or_standing_still_ends_the_other_within_a_minute_and_both_resume(
    program, free_ports, victim, signum
):
    pair = Pair(program, free_ports(2)).start()
    pair.chief.wait_for_step(12)
    pair.hosts[victim].send(signum)
    began = time.monotonic()
    survivor = pair.hosts[1 - victim]
    assert survivor.end() == LOST, survivor.output
    assert time.monotonic() - began < 60
    assert f"host {1 - victim} of 2 lost another one" in survivor.output
    assert "Traceback" not in survivor.output
    pair.hosts[victim].stop()
    assert pair.start().end() == [0, 0], [host.output for host in pair.hosts]
    assert "resumed at step 10 of" in pair.other.output
    alone = program(*ROW, "--checkpoint_every=10", folder="alone")
    assert alone.finish() == 0, alone.output
    same_to_rounding(alone.state(), pair.chief.state())


@pytest.mark.faults
def test_a_run_of_two_hosts_goes_on_on_one_and_on_two_again(program, free_ports):
    pair = Pair(program, free_ports(2)).start()
    pair.chief.wait_for_step(3)
    pair.chief.send(signal.SIGTERM)
    assert pair.end() == [TERMINATED, TERMINATED], [host.output for host in pair.hosts]
    one = program(*ROW, "--checkpoint_every=10", folder="pair").start()
    one.wait_for_step(20)
    one.send(signal.SIGTERM)
    assert one.end() == TERMINATED, one.output
    assert "resumed at step" in one.output
    assert pair.start().end() == [0, 0], [host.output for host in pair.hosts]
    alone = program(*ROW, "--checkpoint_every=10", folder="alone")
    assert alone.finish() == 0, alone.output
    same_to_rounding(alone.state(), pair.chief.state())
    assert [r["step"] for r in pair.chief.log()] == [r["step"] for r in alone.log()]


@pytest.mark.faults
def test_a_peer_that_never_starts_ends_the_other_in_the_set_time(program, free_ports):
    pair = Pair(program, free_ports(2), "--peer_timeout=3")
    assert pair.chief.start().wait_for(lambda: (pair.chief.folder / ".lock").exists())
    began = time.monotonic()  # TensorFlow is there, and so is the folder
    assert pair.chief.end() == LOST, pair.chief.output
    assert time.monotonic() - began < 60
    assert "nobody answered at localhost:" in pair.chief.output
    # SIGTERM while it waits ends it at once.
    waiting = Pair(program, free_ports(2), folders=("waiting", "waiting")).chief.start()
    assert waiting.wait_for(lambda: (waiting.folder / ".lock").exists())
    time.sleep(5)
    waiting.send(signal.SIGTERM)
    assert waiting.end(limit=30) == -signal.SIGTERM


@pytest.mark.faults
def test_hosts_with_folders_of_their_own_are_refused(program, free_ports):
    pair = Pair(program, free_ports(2), folders=("mine", "yours")).start()
    codes = pair.end()
    assert codes == [LOST, 2], [host.output for host in pair.hosts]
    assert "is not the folder that the first host writes" in pair.other.output
    assert not pair.other.folder.exists()
