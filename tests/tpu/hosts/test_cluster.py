"""Who the hosts of a run are, and what happens when one does not come: nothing of TensorFlow's."""

import json
import socket
import threading
import time

import pytest

from largebatch.tpu.folder.run_folder import PeerFolder, RunFolder, RunFolderError
from largebatch.tpu.hosts.cluster import Cluster, PeerLost, wait_for_peers

TWO = ("one:1000", "two:1000")


def tf_config(kind="worker", index=0, **cluster):
    return {"TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}})}


def test_one_host_on_its_own_is_no_cluster():
    assert Cluster.find(None, None, {}) is None
    assert Cluster.find(["one:1000"], 0, {}) is None
    assert Cluster.find(None, None, {"TF_CONFIG": ""}) is None
    assert Cluster.find(None, None, {"TF_CONFIG": '{"task": {"type": "worker"}}'}) is None


def test_flags_and_tf_config_name_the_same_cluster_and_flags_win():
    found = Cluster.find(TWO, 1, tf_config(worker=["other:1", "another:1"]))
    assert found == Cluster(TWO, 1) and not found.is_chief and found.address == "two:1000"
    assert Cluster.find(None, None, tf_config(index=1, worker=TWO)) == found
    # TF_CONFIG may call the first host chief.
    chief = {"chief": ["one:1000"], "worker": ["two:1000"]}
    assert Cluster.find(None, None, tf_config("chief", **chief)) == Cluster(TWO, 0)
    assert Cluster.find(None, None, tf_config("worker", **chief)) == found


@pytest.mark.parametrize(
    "workers, index, environment, message",
    [
        (TWO, None, {}, "--workers and --worker_index go together"),
        (None, 1, {}, "--workers and --worker_index go together"),
        (TWO, 2, {}, "--worker_index=2: want 0 to 1"),
        (["one", "two:1"], 0, {}, "'one' found, want host:port"),
        (["one:99999", "two:1"], 0, {}, "'one:99999' found, want host:port"),
        (["one:1", "one:1"], 0, {}, "one:1 stands there twice"),
        (None, None, {"TF_CONFIG": "{"}, "TF_CONFIG cannot be read"),
        (None, None, {"TF_CONFIG": "[" * 100_000}, "TF_CONFIG cannot be read"),
        (None, None, tf_config("ps", worker=TWO, ps=["three:1"]), "this host is a 'ps'"),
    ],
)
def test_a_cluster_that_cannot_be_is_refused(workers, index, environment, message):
    with pytest.raises(ValueError, match=message):
        Cluster.find(workers, index, environment)


@pytest.fixture
def pair():
    """Two addresses of this machine at which nobody listens."""
    sockets = [socket.create_server(("localhost", 0)) for _ in range(2)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return tuple(f"localhost:{port}" for port in ports)


def test_a_peer_that_never_starts_is_an_error_in_time_that_names_its_address(pair):
    began = time.monotonic()
    with pytest.raises(PeerLost, match=rf"nobody answered at {pair[1]} within 0 s.*worker_index=1"):
        wait_for_peers(Cluster(pair, 0), timeout=0.4)
    assert time.monotonic() - began < 5


def test_hosts_that_start_one_after_the_other_find_each_other(pair):
    ended = []

    def come(index):
        wait_for_peers(Cluster(pair, index), timeout=20)
        # What TensorFlow does right after: it listens at the same port.
        with socket.create_server(("", int(pair[index].rpartition(":")[2]))):
            ended.append(index)
            time.sleep(1)

    hosts = [threading.Thread(target=come, args=(index,)) for index in range(2)]
    hosts[0].start()
    time.sleep(0.5)
    assert not ended
    hosts[1].start()
    for host in hosts:
        host.join(timeout=20)
    assert sorted(ended) == [0, 1]


def test_a_port_that_another_process_holds_is_named(pair):
    with socket.create_server(("", int(pair[0].rpartition(":")[2]))):
        with pytest.raises(ValueError, match=f"cannot listen at {pair[0]}"):
            wait_for_peers(Cluster(pair, 0), timeout=1)


def test_a_host_that_is_not_the_chief_writes_nothing_into_the_runs_folder(tmp_path):
    with RunFolder(tmp_path) as chief, PeerFolder(tmp_path) as peer:
        chief.append_metrics({"step": 1})
        chief.append_metrics({"step": 2})
        before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        peer.write_json("result.json", {"status": "finished"})
        peer.append_metrics({"step": 3})
        peer.remove("metrics.jsonl")
        assert [r["step"] for r in peer.keep_metrics(lambda r: r["step"] < 2)] == [1]
        peer.check_shared()
        assert tmp_path not in peer.scratch.parents and tmp_path not in peer.events.parents
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
        assert type(peer.subfolder("squad")) is PeerFolder
    assert not peer.scratch.parent.exists()


def test_a_folder_that_the_hosts_do_not_share_is_refused(tmp_path):
    with PeerFolder(tmp_path / "elsewhere") as peer:
        with pytest.raises(RunFolderError, match="is not the folder that the first host writes"):
            peer.check_shared()
    assert not (tmp_path / "elsewhere").exists()
