import resource
import signal

import pytest
import tensorflow as tf

from largebatch.tpu.folder.checkpoints import CheckpointError, Checkpoints


class Saved:
    """A variable, its checkpoints, and what they told the user."""

    def __init__(self, folder, *, name="kernel", shape=(64,), interval=2, keep=3, scratch=None):
        self.variable = tf.Variable(tf.zeros(shape), name=name)
        self.said = []
        self.checkpoints = Checkpoints(
            tf.train.Checkpoint(weights=self.variable),
            folder,
            interval=interval,
            keep=keep,
            variables=[self.variable],
            say=self.said.append,
            scratch=scratch,
        )

    def save(self, *steps):
        for step in steps:
            self.variable.assign(tf.fill(self.variable.shape, float(step)))
            self.checkpoints.save(step)
        return self

    @property
    def value(self):
        return float(self.variable[0])


def test_the_newest_is_restored_and_only_so_many_are_kept(tmp_path):
    Saved(tmp_path).save(2, 4, 6, 8)
    again = Saved(tmp_path)
    assert again.checkpoints.restore_or_initialize().endswith("ckpt-8")
    assert again.value == 8
    assert again.checkpoints.steps() == [4, 6, 8]


def test_a_save_is_due_only_at_the_interval_unless_forced(tmp_path):
    saved = Saved(tmp_path).save(1, 2, 3)
    assert saved.checkpoints.steps() == [2]
    saved.checkpoints.save(3, check_interval=False)
    assert saved.checkpoints.steps() == [2, 3]


def test_an_empty_folder_restores_nothing(tmp_path):
    assert Saved(tmp_path / "new").checkpoints.restore_or_initialize() is None


def cut(path, keep):
    path.write_bytes(path.read_bytes()[:keep])


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


DAMAGES = {
    "index cut": lambda f: cut(f / "ckpt-6.index", 20),
    "index empty": lambda f: cut(f / "ckpt-6.index", 0),
    "index garbage": lambda f: (f / "ckpt-6.index").write_bytes(b"garbage" * 40),
    "data cut": lambda f: cut(f / "ckpt-6.data-00000-of-00001", 30),
    "data empty": lambda f: cut(f / "ckpt-6.data-00000-of-00001", 0),
    "data flipped": lambda f: flip(f / "ckpt-6.data-00000-of-00001"),
    "data missing": lambda f: (f / "ckpt-6.data-00000-of-00001").unlink(),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_newest_checkpoint_falls_back_to_the_one_before_and_says_so(tmp_path, damage):
    Saved(tmp_path).save(2, 4, 6)
    damage(tmp_path)
    again = Saved(tmp_path)
    assert again.checkpoints.restore_or_initialize().endswith("ckpt-4")
    assert again.value == 4
    assert "ckpt-6" in again.said[0] and "going on from ckpt-4" in again.said[0]
    # The damaged one is gone, so step 6 is saved again when the run gets there.
    assert again.save(6).checkpoints.steps() == [2, 4, 6]


def test_a_missing_index_falls_back_to_the_one_before(tmp_path):
    Saved(tmp_path).save(2, 4)
    (tmp_path / "ckpt-4.index").unlink()
    again = Saved(tmp_path)
    assert again.checkpoints.restore_or_initialize().endswith("ckpt-2")


def test_a_folder_with_no_whole_checkpoint_is_refused_not_restarted(tmp_path):
    Saved(tmp_path).save(2, 4)
    for path in tmp_path.glob("*.index"):
        cut(path, 10)
    with pytest.raises(CheckpointError, match=r"no checkpoint that is whole: ckpt-4 .*ckpt-2"):
        Saved(tmp_path).checkpoints.restore_or_initialize()


def test_data_files_without_any_index_are_refused_not_restarted(tmp_path):
    Saved(tmp_path).save(2)
    (tmp_path / "ckpt-2.index").unlink()
    with pytest.raises(CheckpointError, match="its index is missing"):
        Saved(tmp_path).checkpoints.restore_or_initialize()


def test_what_a_killed_save_left_behind_is_removed(tmp_path):
    Saved(tmp_path).save(2)
    (tmp_path / "ckpt-4_temp").mkdir()
    (tmp_path / "ckpt-4_temp" / "part-00000").write_text("half")
    Saved(tmp_path).checkpoints.restore_or_initialize()
    assert not (tmp_path / "ckpt-4_temp").exists()


@pytest.mark.parametrize("other", [{"name": "bias"}, {"shape": (32,)}])
def test_another_models_checkpoints_are_refused_by_the_name_of_the_variable(tmp_path, other):
    Saved(tmp_path).save(2)
    with pytest.raises(CheckpointError, match="written by another model: found kernel"):
        Saved(tmp_path, **other).checkpoints.restore_or_initialize()


def test_a_full_disk_is_an_error_and_leaves_the_one_before_untouched(tmp_path, monkeypatch):
    saved = Saved(tmp_path).save(2)

    def no_space(prefix, options=None):
        with open(f"{prefix}.data-00000-of-00001", "w") as file:
            file.write("half")
        raise tf.errors.ResourceExhaustedError(None, None, "No space left on device")

    monkeypatch.setattr(saved.checkpoints.checkpoint, "write", no_space)
    with pytest.raises(CheckpointError, match="step 4 .*No space left.*step 2 is untouched"):
        saved.save(4)
    again = Saved(tmp_path)
    again.checkpoints.restore_or_initialize()
    assert again.value == 2
    assert not list(tmp_path.glob("ckpt-4*"))


@pytest.mark.parametrize("content", [None, b"", b"garbage" * 9, b'model_checkpoint_path: "ckpt-2"'])
def test_no_checkpoint_file_is_written_and_one_that_is_there_means_nothing(tmp_path, content):
    Saved(tmp_path).save(2, 4)
    assert not (tmp_path / "checkpoint").exists()
    if content is not None:
        (tmp_path / "checkpoint").write_bytes(content)
    again = Saved(tmp_path)
    assert again.checkpoints.restore_or_initialize().endswith("ckpt-4")
    assert again.value == 4


def test_a_write_that_the_system_cuts_off_is_an_error_and_leaves_the_one_before(tmp_path):
    saved = Saved(tmp_path, shape=(100_000,)).save(2)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    try:
        with pytest.raises(CheckpointError, match="step 4 could not be written.*step 2 is untouch"):
            saved.save(4)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert not list(tmp_path.glob("ckpt-4*"))
    again = Saved(tmp_path, shape=(100_000,))
    again.checkpoints.restore_or_initialize()
    assert again.value == 2
    # There is room again: the same step is saved.
    assert again.save(4).checkpoints.steps() == [2, 4]


def test_hosts_that_would_resume_at_different_steps_stop_before_they_read(tmp_path):
    Saved(tmp_path).save(2)
    saved, seen = Saved(tmp_path), []

    def differ(step):
        seen.append(step)
        raise ValueError("the hosts differ")

    saved.checkpoints._agree = differ
    with pytest.raises(ValueError, match="the hosts differ"):
        saved.checkpoints.restore_or_initialize()
    assert seen == [2] and saved.value == 0


def test_a_host_that_is_not_the_chief_saves_to_its_scratch_and_removes_nothing(tmp_path):
    chief = Saved(tmp_path / "run").save(2)
    (tmp_path / "run" / "ckpt-4_temp").mkdir()
    before = sorted(path.name for path in (tmp_path / "run").iterdir())
    peer = Saved(tmp_path / "run", scratch=tmp_path / "scratch")
    assert peer.checkpoints.restore_or_initialize().endswith("ckpt-2")
    peer.save(4)
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == before
    assert not (tmp_path / "scratch").exists()
    assert chief.value == peer.checkpoints._newest - 2 == 2
