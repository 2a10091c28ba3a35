import errno
import os
import threading
import time

import numpy as np
import pytest

from largebatch.data.files import cache

ARRAYS = {"images": np.arange(12, dtype=np.uint8), "mean": np.float32([0.5])}


def never(scratch):
    raise AssertionError("prepared again")


def assert_is_arrays(found):
    assert found.keys() == ARRAYS.keys()
    for name in ARRAYS:
        np.testing.assert_array_equal(found[name], ARRAYS[name])
        assert found[name].dtype == ARRAYS[name].dtype


def test_an_entry_is_prepared_once_and_then_read(tmp_path):
    assert_is_arrays(cache.arrays(tmp_path / "new", "set", lambda scratch: ARRAYS))
    assert_is_arrays(cache.arrays(tmp_path / "new", "set", never))


def test_of_several_that_want_an_entry_at_once_one_prepares_it(tmp_path):
    calls, found = [], []

    def slowly(scratch):
        calls.append(scratch)
        time.sleep(0.3)
        return ARRAYS

    # A lock of the system's belongs to an open file, so threads contend as processes do.
    threads = [
        threading.Thread(target=lambda: found.append(cache.arrays(tmp_path, "set", slowly)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1 and len(found) == 4
    for arrays in found:
        assert_is_arrays(arrays)


@pytest.mark.parametrize("damage", ["truncated", "empty", "flipped", "garbage"])
def test_a_damaged_entry_is_prepared_again(tmp_path, damage, caplog):
    cache.arrays(tmp_path, "set", lambda scratch: ARRAYS)
    path = tmp_path / "set.npz"
    whole = path.read_bytes()
    start = whole.index(ARRAYS["images"].tobytes())
    flipped = whole[:start] + bytes([whole[start] ^ 1]) + whole[start + 1 :]
    path.write_bytes(
        {
            "truncated": whole[: len(whole) // 2],
            "empty": b"",
            "flipped": flipped,
            "garbage": b"not an archive",
        }[damage]
    )
    assert_is_arrays(cache.arrays(tmp_path, "set", lambda scratch: ARRAYS))
    assert "damaged" in caplog.text
    assert_is_arrays(cache.arrays(tmp_path, "set", never))


def test_what_a_killed_process_left_is_cleared(tmp_path):
    (tmp_path / "set.scratch").mkdir()
    (tmp_path / "set.scratch" / "half").write_text("half")

    def prepare(scratch):
        assert list(scratch.iterdir()) == []
        (scratch / "work").write_text("work")
        return ARRAYS

    cache.arrays(tmp_path, "set", prepare)
    assert not (tmp_path / "set.scratch").exists()


def test_a_failure_leaves_no_entry(tmp_path):
    def fail(scratch):
        raise ValueError("no such data")

    with pytest.raises(ValueError, match="no such data"):
        cache.arrays(tmp_path, "set", fail)
    assert [path.name for path in tmp_path.iterdir()] == ["set.lock"]


def test_a_full_disk_costs_only_the_copy(tmp_path, monkeypatch, caplog):
    def full(file, **arrays):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    assert_is_arrays(cache.arrays(tmp_path, "set", lambda scratch: ARRAYS))
    assert "No space left" in caplog.text
    assert not (tmp_path / "set.npz").exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="cannot write to the cache folder .*file/cache"):
        cache.arrays(tmp_path / "file" / "cache", "set", lambda scratch: ARRAYS)


def test_the_key_follows_names_sizes_and_times(tmp_path):
    file = tmp_path / "data"
    file.write_text("1234")
    before = cache.key("set", [file])
    assert cache.key("set", [file]) == before and before.startswith("set-")
    os.utime(file, ns=(1, 1))
    touched = cache.key("set", [file])
    file.write_text("12345")
    os.utime(file, ns=(1, 1))
    assert len({before, touched, cache.key("set", [file])}) == 3


def test_the_default_folder_follows_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.folder(None) == tmp_path / "largebatch"
    assert cache.folder(str(tmp_path / "own")) == tmp_path / "own"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache.folder(None) == tmp_path / ".cache" / "largebatch"
