"""The pod commands run, against a cloud made of a few files: also through preemptions."""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import pytest

from largebatch.tpu.pod import __main__ as pod
from largebatch.tpu.pod import accelerators, scripts

HERE = pathlib.Path(__file__).parent
WHERE = ("--project=my-project", "--zone=europe-west4-a")
V3 = ("--accelerator=v3-2048", *WHERE)
ROW = ("--experiment=table1/lamb-32768", "--output_dir=gs://bucket/lamb")
STEPS = 12


def executable(path, text):
    path.write_text(text)
    path.chmod(0o755)


class Cloud:
    def __init__(self, folder):
        self.folder = folder
        self.plan()

    def plan(self, **wrong):
        (self.folder / "plan.json").write_text(json.dumps({"steps": STEPS, **wrong}))

    def calls(self):
        path = self.folder / "calls.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def changes(self):
        """The verbs that change something: setup's three calls as one, looks left out."""
        verbs = []
        for call in self.calls():
            verb, script = call[3], " ".join(call)
            if verb == "ssh":
                verb = ("start" if "nohup" in script else "install" if "ensurepip" in script
                        else "look")  # fmt: skip
            if verb not in ("describe", "look", "scp"):
                verbs.append(verb)
        return verbs

    def starts(self):
        lines = (self.folder / "bucket" / "starts.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]


REAL_CHECK = pod._check_row


@pytest.fixture
def cloud(tmp_path, monkeypatch):
    """Puts the fake gcloud, and what a host's setup calls, first on PATH."""
    folder, tools, checkout = (tmp_path / name for name in ("cloud", "bin", "checkout"))
    for made in (folder, tools, checkout):
        made.mkdir()
    (folder / "preempted").touch()
    python = f"#!{sys.executable} -SE\n"
    executable(tools / "gcloud", python + (HERE / "fake_gcloud.py").read_text())
    executable(tools / "python3.10", "#!/bin/sh\nexit 0\n")
    executable(tools / "sudo", "#!/bin/sh\nexit 0\n")
    executable(tools / "curl", '#!/bin/sh\nwhile [ "$1" != -o ]; do shift; done; : >"$2"\n')
    executable(checkout / "program", python + (HERE / "fake_run.py").read_text())
    (checkout / "setup.py").write_text('name="largebatch"')
    (checkout / "environment.sh").write_text("mkdir -p .venv/bin; cp program .venv/bin/python\n")
    git = ["git", "-C", str(checkout), "-c", "user.name=n", "-c", "user.email=e@example.com"]
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "suite"]):
        subprocess.run([*git, *command], check=True)
    monkeypatch.setattr(pod, "CHECKOUT", checkout)
    monkeypatch.setattr(pod, "_check_row", lambda run: None)  # the stand-in takes any flags
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("FAKE_CLOUD", str(folder))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    yield Cloud(folder)
    running = folder / "host" / "largebatch-run" / "run.pid"
    if running.exists():
        try:
            os.killpg(int(running.read_text()), signal.SIGKILL)
        except ProcessLookupError:
            pass


def call(action, *arguments):
    return pod.program(["pod", f"--action={action}", *arguments])


def keep_running(*arguments, row=ROW):
    fast = ("--restart", "--execute", "--poll_seconds=0.02")
    return call("run", *fast, *V3, *row, *arguments)


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.05)


def test_setup_installs_one_commit_with_the_pins_and_libtpu_on_all_workers(cloud, capsys):
    assert call("setup", *V3) == 0
    printed = capsys.readouterr().out
    assert printed.count("--worker=all") == 3  # the copy, the unpacking, the installation
    assert "bash ./environment.sh" in printed
    assert "/libtpu/1.9.0/libtpu.so" in printed
    assert "/tf-2.15.1/tensorflow-2.15.1-cp310-cp310-manylinux" in printed
    (commit,) = {line.split()[1] for line in printed.splitlines() if line.startswith("echo ")}
    assert len(commit) == 40 and f"{commit[:12]}.tar.gz" in printed


def test_the_classic_stack_s_files_are_compared_with_checksums_that_are_given(cloud, capsys):
    assert call("setup", *V3) == 0
    printed = capsys.readouterr().out
    assert printed.count("sha256sum") == 2 and "--check" not in printed  # noted
    assert call("setup", *V3, f"--wheel_sha256={'a' * 64}", f"--libtpu_sha256={'b' * 64}") == 0
    printed = capsys.readouterr().out
    for digest, file in (("a" * 64, "$wheel"), ("b" * 64, "$HOME/largebatch-run/libtpu.so")):
        assert f'echo "{digest}  {file}" | sha256sum --check --quiet' in printed


@pytest.mark.parametrize("flags", [["--restart"], []])
def test_a_row_that_does_not_exist_is_found_before_anything_is_billed(cloud, capfd, flags):
    row = ("--experiment=table1/lamb-32767", "--output_dir=gs://bucket/x")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pod, "_check_row", REAL_CHECK)
        assert call("run", "--execute", *flags, *V3, *row) == 2
    error = capfd.readouterr().err
    assert error.startswith("error: unknown experiment 'table1/lamb-32767' (did you mean")
    assert error.count("\n") == 1 and not cloud.calls()


def test_what_is_printed_means_the_same_to_a_shell(cloud, capsys):
    flags = ["--set", 'note=it\'s a "b" $HOME `x` * \\ \n end', "--data_dir=gs://b/my data"]
    assert call("run", *V3, *ROW, "--", *flags) == 0
    subprocess.run(["bash", "-c", capsys.readouterr().out], check=False, capture_output=True)
    ((*_, command),) = cloud.calls()
    run = scripts.Run("table1/lamb-32768", "gs://bucket/lamb", tuple(flags))
    name = "largebatch-v3-2048"
    assert command == "--command=" + scripts.start(accelerators.accelerator("v3-2048"), name, run)


def test_gcloud_s_failure_is_exit_code_1_with_its_message_and_what_to_do(cloud, capfd):
    cloud.plan(broken="create")
    assert call("create", "--execute", *V3) == 1
    printed = capfd.readouterr().err
    assert "PERMISSION_DENIED" in printed
    assert "`gcloud compute tpus tpu-vm create largebatch-v3-2048 …` ended with 1" in printed
    assert "--queued" in printed


@pytest.mark.parametrize("restart", [[], ["--restart"]])
def test_without_gcloud_there_is_a_hint_how_to_get_it(restart, cloud, monkeypatch, capfd):
    tools = cloud.folder.parent / "git-only"
    tools.mkdir()
    git = subprocess.run(["which", "git"], capture_output=True, text=True).stdout.strip()
    (tools / "git").symlink_to(git)
    monkeypatch.setenv("PATH", str(tools))
    assert call("run", "--execute", *restart, *V3, *ROW) == 1
    assert "gcloud is not installed here" in capfd.readouterr().err


def test_the_actions_one_after_the_other_run_a_row(cloud, capfd):
    flags = ["--set", 'note=it\'s a "b" $HOME', "--data_dir=gs://b/my data"]
    assert call("create", "--execute", *V3) == 0
    assert call("setup", "--execute", *V3) == 0
    assert call("run", "--execute", *V3, *ROW, "--", *flags) == 0
    ended = cloud.folder / "host" / "largebatch-run" / "run.exit"
    wait_for(lambda: ended.exists() and ended.read_text() == "0\n")
    assert call("logs", "--execute", "--lines=1", *V3) == 0
    assert f"step {STEPS}\n" in capfd.readouterr().out
    assert call("delete", "--execute", *V3) == 0
    assert not (cloud.folder / "state").exists()
    ((step, arguments, load_library),) = cloud.starts()
    assert (step, load_library) == (0, "0")
    assert arguments[-len(flags) :] == flags


def test_a_second_start_leaves_the_run_that_is_going_on_alone(cloud, capfd):
    cloud.plan(step_seconds=10)
    for action in ("create", "setup"):
        assert call(action, "--execute", *V3) == 0
    assert call("run", "--execute", *V3, *ROW) == 0
    assert call("run", "--execute", *V3, *ROW) == 1
    assert "a run is going on here already" in capfd.readouterr().err
    # Another row on the same TPU is refused by the loop, too.
    assert keep_running(row=("--experiment=table1/baseline", ROW[1])) == 1
    assert "another run is going on" in capfd.readouterr().err


@pytest.mark.parametrize(("becomes", "at"), [("PREEMPTED", [4, 9]), (None, [4])])
def test_after_each_preemption_the_same_command_goes_on_from_its_checkpoint(
    cloud, becomes, at, capfd
):
    cloud.plan(preempt_at=at, becomes=becomes)
    assert keep_running("--", "--set=note=a b") == 0
    once = ["create", "install", "start"]
    again = once if becomes is None else ["delete", *once]
    assert cloud.changes() == [*once, *again * len(at)]
    starts = cloud.starts()
    assert [step for step, *_ in starts] == [0, *at]
    assert len({json.dumps(arguments) for _, arguments, _ in starts}) == 1
    assert (cloud.folder / "bucket" / "checkpoint").read_text() == str(STEPS)
    printed = capfd.readouterr().out
    assert f"restart {len(at)} of 20" in printed and "the run has finished" in printed
    # The loop keeps nothing: given again, it finds the finished run.
    before = len(cloud.changes())
    assert keep_running("--", "--set=note=a b") == 0
    assert len(cloud.changes()) == before


def test_a_queued_resource_is_waited_for_and_asked_for_again(cloud, capfd):
    cloud.plan(preempt_at=[5])
    assert keep_running("--queued", "--spot") == 0
    kinds = [call[2] for call in cloud.calls() if call[3] in ("create", "delete")]
    assert kinds == ["queued-resources"] * 3
    printed = capfd.readouterr().out
    assert "is WAITING_FOR_RESOURCES: waiting" in printed
    # The request is looked at first, then its node: either may be the first to tell.
    assert re.search("is (SUSPENDED|PREEMPTED): restart 1 of", printed)
    assert [step for step, *_ in cloud.starts()] == [0, 5]


def test_the_loop_joins_a_run_that_is_going_on(cloud, capfd):
    cloud.plan(step_seconds=0.2)
    for action in ("create", "setup"):
        assert call(action, "--execute", *V3) == 0
    assert call("run", "--execute", *V3, *ROW) == 0
    assert keep_running() == 0
    assert cloud.changes().count("start") == 1
    assert "running on largebatch-v3-2048" in capfd.readouterr().out


def test_the_number_of_restarts_is_bounded(cloud, capfd):
    cloud.plan(preempt_at=[2, 3, 4])
    assert keep_running("--max_restarts=1") == 1
    assert "after 1 restarts (--max_restarts)" in capfd.readouterr().err
    assert len(cloud.starts()) == 2


def test_a_run_that_was_stopped_or_crashed_is_started_again_on_the_same_tpu(cloud):
    cloud.plan(exits=[143, 1])
    assert keep_running() == 0
    assert cloud.changes().count("create") == 1 and len(cloud.starts()) == 3


@pytest.mark.parametrize(("code", "what"), [(3, "diverged"), (2, "refused its flags")])
def test_a_run_that_would_end_the_same_again_is_not_restarted(cloud, code, what, capfd):
    cloud.plan(exits=[code])
    assert keep_running() == 1
    assert what in capfd.readouterr().err
    assert len(cloud.starts()) == 1


def test_flags_that_the_run_refuses_are_noticed_before_it_starts(cloud, capfd):
    assert keep_running("--", "--set=wrong=1") == 1
    assert "ended with 2" in capfd.readouterr().err
    assert not (cloud.folder / "bucket").exists()


def test_a_zone_without_capacity_is_asked_again(cloud, capfd):
    cloud.plan(no_capacity=3)
    assert keep_running() == 0
    assert "no more capacity" in capfd.readouterr().err
    assert cloud.changes().count("create") == 4


@pytest.mark.parametrize("broken", ["create", "scp", "ssh", "describe"])
def test_a_gcloud_that_always_fails_ends_the_loop(cloud, broken, monkeypatch, capfd):
    monkeypatch.setattr("largebatch.tpu.pod.watch.FAILURES", 3)
    cloud.plan(broken=broken)
    assert keep_running() == 1
    printed = capfd.readouterr().err
    assert "PERMISSION_DENIED" in printed and "3 times in a row" in printed


def test_a_tpu_that_its_owner_stopped_is_not_deleted(cloud, capfd):
    assert call("create", "--execute", *V3) == 0
    (cloud.folder / "state").write_text("STOPPED")
    assert keep_running() == 1
    assert "is STOPPED" in capfd.readouterr().err
    assert "delete" not in cloud.changes()


def test_the_plan_of_the_loop_is_printed_without_execute(cloud, capsys):
    assert call("run", "--restart", *V3, *ROW) == 0
    printed = capsys.readouterr().out
    for command in ("describe", "delete", "create", "scp", "nohup setsid"):
        assert command in printed
    assert not cloud.calls()
