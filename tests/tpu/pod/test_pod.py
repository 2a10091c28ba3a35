"""The pod commands as they are printed, and a user's mistakes."""

import re
import shlex
import subprocess
import sys

import pytest

from largebatch import stack
from largebatch.tpu.pod import __main__ as pod
from largebatch.tpu.pod import accelerators, commands

WHERE = ("--project=my-project", "--zone=europe-west4-a")
V3 = ("--accelerator=v3-2048", *WHERE)
ROW = ("--experiment=table1/lamb-32768", "--output_dir=gs://bucket/lamb")


def call(action, *arguments):
    return pod.program(["pod", f"--action={action}", *arguments])


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["--accelerator=v3-2048", "--spot"],
         "tpu-vm create largebatch-v3-2048 --project=my-project --zone=europe-west4-a "
         "--accelerator-type=v3-2048 --version=tpu-vm-tf-2.15.1-pod-se --spot"),
        (["--accelerator=v2-8", "--name=mine", "--preemptible"],
         "tpu-vm create mine --project=my-project --zone=europe-west4-a "
         "--accelerator-type=v2-8 --version=tpu-vm-tf-2.15.1-se --preemptible"),
        (["--accelerator=v5e-16", "--network=net", "--subnetwork=sub", "--internal_ips"],
         "tpu-vm create largebatch-v5litepod-16 --project=my-project --zone=europe-west4-a "
         "--accelerator-type=v5litepod-16 --version=tpu-vm-tf-2.15.1-pod-pjrt "
         "--network=net --subnetwork=sub --internal-ips"),
        (["--accelerator=v5p-8", "--runtime_version=tpu-vm-tf-2.15.0-pjrt", "--reserved"],
         "tpu-vm create largebatch-v5p-8 --project=my-project --zone=europe-west4-a "
         "--accelerator-type=v5p-8 --version=tpu-vm-tf-2.15.0-pjrt --reserved"),
        (["--accelerator=v6e-256", "--queued", "--spot", "--name=q"],
         "queued-resources create q --project=my-project --zone=europe-west4-a "
         "--accelerator-type=v6e-256 --runtime-version=tpu-vm-tf-2.15.1-pod-pjrt "
         "--node-id=q --spot"),
        (["--accelerator=v6e-8", "--stack=modern"],
         "tpu-vm create largebatch-v6e-8 --project=my-project --zone=europe-west4-a "
         "--accelerator-type=v6e-8 --version=v2-alpha-tpuv6e"),
        (["--accelerator=v3-8", "--stack=modern"],
         "tpu-vm create largebatch-v3-8 --project=my-project --zone=europe-west4-a "
         "--accelerator-type=v3-8 --version=tpu-ubuntu2204-base"),
        (["--accelerator=v5p-16", "--stack=modern", "--runtime_version=tf-2.20-pod"],
         "tpu-vm create largebatch-v5p-16 --project=my-project --zone=europe-west4-a "
         "--accelerator-type=v5p-16 --version=tf-2.20-pod"),
    ],
)  # fmt: skip
def test_create_asks_for_the_type_with_the_image_that_fits_it(arguments, wanted, capsys):
    assert call("create", *WHERE, *arguments) == 0
    printed = capsys.readouterr().out.replace("\\\n", "")
    assert shlex.split(printed) == ["gcloud", "compute", "tpus", *wanted.split()]


@pytest.mark.parametrize("action", ["create", "setup", "logs", "delete"])
def test_without_project_and_zone_gcloud_takes_its_own(action, capsys):
    assert call(action, "--accelerator=v3-8") == 0
    printed = capsys.readouterr().out
    assert "largebatch-v3-8" in printed and "--project" not in printed and "--zone" not in printed


def test_delete_takes_the_queued_resource_with_its_tpu(capsys):
    assert call("delete", "--queued", *V3) == 0
    words = shlex.split(capsys.readouterr().out.replace("\\\n", ""))
    assert words[3:5] == ["queued-resources", "delete"] and "--force" in words


def test_setup_from_a_repository_checks_out_the_commit_that_was_named(capsys):
    address = ("--repository=https://example.com/a b.git", "--commit=v1.0")
    assert call("setup", *address, "--worker=7", *V3) == 0
    printed = capsys.readouterr().out
    assert "scp" not in printed and printed.count("--worker=7") == 2
    assert "checkout --quiet --force --detach v1.0" in printed


def test_the_modern_stack_puts_tensorflow_s_tpu_build_over_the_suite_s_environment(capsys):
    address = ("--repository=https://example.com/a.git", "--commit=v1.0")
    assert call("setup", "--stack=modern", "--accelerator=v6e-8", *WHERE, *address) == 0
    printed = capsys.readouterr().out
    environment = printed.index("bash ./environment.sh")
    tensorflow = f"tensorflow-tpu=={stack.TPU.tensorflow} --hash=sha256:"
    libtpu = f"libtpu=={stack.TPU.installed} --hash=sha256:"
    assert len(re.findall(f"(?:{tensorflow}|{libtpu})[0-9a-f]{{64}}\n", printed)) == 2
    assert environment < printed.index(tensorflow) < printed.index("--reinstall --require-hashes")
    # What has been installed is told from the classic stack at the same commit.
    assert "echo v1.0-modern >" in printed


def test_the_modern_stack_s_program_finds_the_libtpu_of_its_environment(capsys):
    for kind, wanted in (("v6e-8", True), ("v3-8", False)):
        assert call("run", "--stack=modern", f"--accelerator={kind}", *WHERE, *ROW) == 0
        printed = capsys.readouterr().out
        path = "TF_PLUGGABLE_DEVICE_LIBRARY_PATH=$HOME/largebatch/.venv/lib/python3.12"
        assert (path in printed) == ("PJRT_DEVICE=TPU" in printed) == wanted


def test_without_a_checkout_setup_says_what_it_needs(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(pod, "CHECKOUT", tmp_path)  # as where the suite was installed from a wheel
    assert call("setup", *V3) == 2
    assert "is no checkout of the suite" in capsys.readouterr().err
    assert call("setup", *V3, "--repository=https://example.com/a", "--commit=v1.0") == 0


@pytest.mark.parametrize(
    ("kind", "tpu", "environment"),
    [
        ("v3-32", "largebatch-v3-32", "TPU_LOAD_LIBRARY=0"),
        ("v3-8", "local", ""),
        ("v5e-8", "local", "TF_PLUGGABLE_DEVICE_LIBRARY_PATH=/lib/libtpu.so"),
    ],
)
def test_a_pod_is_driven_by_its_name_from_worker_0(kind, tpu, environment, capsys):
    assert call("run", f"--accelerator={kind}", *WHERE, *ROW) == 0
    printed = capsys.readouterr().out
    assert "--worker=0" in printed and f"--tpu={tpu} " in printed
    assert environment in printed
    assert ("TPU_LOAD_LIBRARY" in printed) == (kind == "v3-32")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--action=create", *WHERE], "--accelerator is missing"),
        (["--action=creat", *V3], "value should be one of <create|"),
        (["--acton=create", *V3], "Unknown command line flag 'acton'. Did you mean: action ?"),
        (["--action=create", "--accelerator=v3-1000", *WHERE], "nearest is v3-1024"),
        (["--action=create", "--accelerator=v5p-100", *WHERE], "nearest is v5p-128"),
        (["--action=create", "--accelerator=V3_2048", *WHERE], "nearest is v3-2048"),
        (["--action=create", "--accelerator=v6-64", *WHERE], "nearest is v6e-64"),
        (["--action=create", *V3, "--name=My_TPU-"], "for example my-tpu"),
        (["--action=create", *V3, "--name=" + "a" * 64], "at most 63"),
        (["--action=create", *V3, "--zone=europe"], "want a zone such as"),
        (["--action=create", *V3, "--project=My Project"], "want a project's id"),
        (["--action=create", *V3, "--spot", "--reserved"], "exclude each other"),
        (["--action=create", *V3, "--queued", "--preemptible"], "--spot instead"),
        (["--action=create", *V3, "--", "--x"], "only --action=run"),
        (["--action=run", *V3, *ROW, "table1", "--", "--x"], "unexpected argument 'table1'"),
        (["--action=delete", *V3, "--restart"], "--restart is for --action=run"),
        (["--action=run", *V3, ROW[1]], "--experiment is missing"),
        (["--action=run", *V3, ROW[0]], "--output_dir is missing"),
        (["--action=run", *V3, ROW[0], "--output_dir=/runs"], "is not on gs://"),
        (["--action=run", *V3, ROW[0], "--output_dir=gs://bucket"], "want gs://BUCKET/FOLDER"),
        (["--action=run", *V3, *ROW, "--", "--device=cpu"], "set by this command"),
        (["--action=run", *V3, *ROW, "--worker=all"], "worker 0, which drives all hosts"),
        (["--action=run", "--accelerator=v3-8", *WHERE, ROW[0], "--output_dir=/runs", "--restart"],
         "takes its disk with it"),
        (["--action=run", "--accelerator=v3-8", *WHERE, ROW[0], "--output_dir=runs"],
         "an absolute path"),
        (["--action=create", *V3, "--stack=modern"], "v3-2048 has several hosts"),
        (["--action=create", *V3, "--stack=newest"], "value should be one of <classic|modern>"),
        (["--action=setup", *V3, "--commit=no-such"], "is no commit of"),
        (["--action=setup", *V3, "--repository=https://example.com/a"], "needs --commit"),
        (["--action=setup", *V3, "--libtpu_sha256=beef"], "want 64 hexadecimal digits"),
        (["--action=logs", *V3, "--worker=first"], "want a host's number"),
        (["--action=logs", *V3, "--lines=0"], "at least 1"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_and_exit_code_2(arguments, message, capsys):
    assert pod.program(["pod", *arguments]) == 2
    printed = capsys.readouterr()
    assert message in printed.err and not printed.out
    assert printed.err.startswith("error: ") and printed.err.count("\n") == 1


def test_every_size_of_every_generation_is_its_own_nearest():
    for name in accelerators._names():
        assert accelerators.accelerator(name).name == name


def test_a_long_command_has_one_flag_a_line_and_a_short_one_is_one_line():
    assert commands.printed(["gcloud", "a b"]) == "gcloud 'a b'"
    long = commands.printed(["gcloud", "--first=" + "x" * 60, "--second=" + "y" * 60])
    assert long.count(" \\\n    ") == 2


def test_the_commands_need_no_tensorflow():
    program = (
        "import sys, largebatch.tpu.pod\n"
        "assert not {'tensorflow', 'numpy', 'absl'} & set(sys.modules), 'heavy'"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
