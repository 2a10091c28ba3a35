"""The advisory lock of a folder on an object store; ram:// stands for the store."""

import json
import threading

import pytest

from largebatch.tpu.folder.folder_lock import RemoteLock, RunFolderError
from largebatch.tpu.folder.paths import RemotePath, write_whole

BEAT = 0.08  # seconds


@pytest.fixture
def folder(request):
    folder = RemotePath(f"ram://locks/{request.node.name}")
    folder.mkdir()
    return folder


def left_by_a_dead_process(folder, **fields):
    left = {"token": "theirs", "holder": "process 7 on old-host", "beats": 3, **fields}
    write_whole(folder / ".lock", json.dumps(left), mark="theirs")


def test_a_lock_that_beats_is_respected_and_its_holder_named(folder, capsys):
    first = RemoteLock(folder, BEAT)
    first.acquire()
    with pytest.raises(RunFolderError, match="is in use by process .* on "):
        RemoteLock(folder, BEAT).acquire()
    assert "was left locked by process" in capsys.readouterr().err
    first.check()
    first.release()


def test_a_lock_left_by_a_dead_process_is_taken_over_and_said(folder, capsys):
    left_by_a_dead_process(folder)
    lock = RemoteLock(folder, BEAT)
    lock.acquire()
    told = capsys.readouterr().err
    assert "left locked by process 7 on old-host" in told and "going on in its place" in told
    lock.release()


def test_a_released_lock_is_gone_and_free_at_once(folder, capsys):
    for _ in range(2):
        lock = RemoteLock(folder, BEAT)
        lock.acquire()
        lock.release()
    assert list(folder.iterdir()) == []
    assert capsys.readouterr().err == ""


def test_a_garbage_lock_is_one_left_behind(folder):
    (folder / ".lock").write_text('{"tok')
    lock = RemoteLock(folder, BEAT)
    lock.acquire()
    lock.release()


def test_of_two_that_come_at_once_one_has_it(folder):
    ends = []

    def come():
        lock = RemoteLock(folder, BEAT)
        try:
            lock.acquire()
            ends.append(lock)
        except RunFolderError:
            ends.append(None)

    comers = [threading.Thread(target=come) for _ in range(3)]
    for comer in comers:
        comer.start()
    for comer in comers:
        comer.join()
    (holder,) = [lock for lock in ends if lock]
    holder.release()


def test_a_holder_that_was_taken_for_dead_finds_out_and_leaves_the_others_lock(folder):
    lock = RemoteLock(folder, BEAT)
    lock.acquire()
    left_by_a_dead_process(folder, holder="process 8 on new-host")
    lock._thread.join(timeout=5)
    with pytest.raises(RunFolderError, match="taken over by process 8 on new-host"):
        lock.check()
    lock.release()
    assert "new-host" in (folder / ".lock").read_text()


def test_an_outage_shorter_than_three_beats_does_not_end_the_holder(folder, monkeypatch):
    lock = RemoteLock(folder, BEAT)
    lock.acquire()
    failed = threading.Event()
    read = lock._read

    def fail_once():
        if failed.is_set():
            return read()
        failed.set()
        raise OSError("no route")

    monkeypatch.setattr(lock, "_read", fail_once)
    assert failed.wait(5)
    beats = read()["beats"]
    watched = threading.Event()
    for _ in range(100):
        if read()["beats"] > beats or watched.wait(0.05):
            break
    assert read()["beats"] > beats
    lock.check()
    lock.release()
