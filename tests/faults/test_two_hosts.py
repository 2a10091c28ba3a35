"""Two hosts, as two processes on the loopback, run one row together; one is killed or stopped."""

import signal
import time

import numpy as np
import pytest

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


def checkpoints(host):
    return sorted(path.name for path in (host.folder / "checkpoints").glob("*.index"))


def test_two_hosts_are_one_through_a_sigterm_a_kill_and_two_restarts(program, free_ports):
    alone = program(*ROW, "--checkpoint_every=10", folder="alone").start()
    pair = Pair(program, free_ports(2)).start()
    pair.chief.wait_for_step(3)
    pair.other.send(signal.SIGTERM)  # one host of the two is told to go
    assert pair.end() == [TERMINATED, TERMINATED], [host.output for host in pair.hosts]
    (step,) = {
        line for h in pair.hosts for line in h.output.splitlines() if "checkpoint of" in line
    }
    stopped = pair.chief.result()["last_step"]
    assert f"checkpoint of step {stopped} written" in step
    assert f"ckpt-{stopped}.index" in checkpoints(pair.chief)

    pair.start()
    pair.chief.wait_for_step(stopped + 12)
    pair.other.send(signal.SIGKILL)
    killed = time.monotonic()
    assert pair.chief.end() == LOST, pair.chief.output
    assert time.monotonic() - killed < 60
    assert "host 0 of 2 lost another one" in pair.chief.output
    assert "Traceback" not in pair.chief.output
    pair.other.end()

    assert pair.start().end() == [0, 0], [host.output for host in pair.hosts]
    assert "resumed at step" in pair.other.output
    # Disjoint and complete reading shows here, too: other examples would be other weights.
    assert alone.end() == 0, alone.output
    one, two = alone.state(), pair.chief.state()
    assert one.keys() == two.keys()
    for name in one:
        np.testing.assert_allclose(two[name], one[name], rtol=1e-6, atol=1e-6, err_msg=name)
    assert [r["step"] for r in pair.chief.log()] == [r["step"] for r in alone.log()]
    assert pair.chief.result()["num_devices"] == 2
    # The chief alone wrote: one set of events a start, no second log.
    assert not list(pair.chief.folder.glob("*host*"))
    events = list((pair.chief.folder / "events").glob("events.out*"))
    assert len(events) == 3


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_the_chief_killed_or_either_host_standing_still_ends_the_other_within_a_minute(
    program, free_ports
):
    for victim, signum in ((0, signal.SIGKILL), (1, signal.SIGSTOP), (0, signal.SIGSTOP)):
        pair = Pair(program, free_ports(2), folders=(f"{victim}{signum}",) * 2).start()
        pair.chief.wait_for_step(12)
        pair.hosts[victim].send(signum)
        began = time.monotonic()
        survivor = pair.hosts[1 - victim]
        assert survivor.end() == LOST, survivor.output
        assert time.monotonic() - began < 60
        assert f"host {1 - victim} of 2 lost another one" in survivor.output
        pair.hosts[victim].stop()


@pytest.mark.faults
def test_a_peer_that_never_starts_ends_the_other_in_the_set_time(program, free_ports):
    pair = Pair(program, free_ports(2), "--peer_timeout=3")
    began = time.monotonic()
    assert pair.chief.finish() == LOST, pair.chief.output
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
