"""Runs a row on a Cloud TPU: prints the gcloud commands, or runs them with --execute.

    python -m largebatch.tpu.pod --action=create --accelerator=v3-2048 --project=P --zone=Z --spot
    python -m largebatch.tpu.pod --action=setup  --accelerator=v3-2048 --project=P --zone=Z
    python -m largebatch.tpu.pod --action=run    --accelerator=v3-2048 --project=P --zone=Z \\
        --experiment=table1/lamb-32768 --output_dir=gs://BUCKET/lamb-32768 -- \\
        --data_dir=gs://BUCKET/bert
    python -m largebatch.tpu.pod --action=logs   …     and at the end --action=delete: it is billed

--action=run --restart --execute does all of it and stays: it creates the TPU if there is none,
installs the suite at the pinned commit, starts the row, and after a preemption deletes the TPU,
creates it anew and starts the same command, which resumes from its last checkpoint.

Without --project or --zone gcloud takes those of its configuration (`gcloud config list`).

The program ends with 0; 1 if gcloud or the run failed; 2 for a mistake in what was asked for.
"""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
import tempfile

from largebatch import cli, programs
from largebatch.checkout import is_checkout, root
from largebatch.tpu.pod import watch as pod_watch
from largebatch.tpu.pod.accelerators import CLASSIC, MODERN, STACKS, accelerator
from largebatch.tpu.pod.commands import Command, Network, Pod, Source, printed
from largebatch.tpu.pod.scripts import Run

ACTIONS = ("create", "setup", "run", "logs", "delete")
BILLING = ("spot", "preemptible", "reserved")
# Flags of the run that follow from the TPU and from this program's own.
OURS = ("experiment", "output_dir", "device", "tpu", "num_devices")
CHECKOUT = root()

ADVICE = {
    "create": "if the zone has none left, try another --zone, or --queued to wait in line",
    "setup": "the same command goes on; --worker=N repeats it for one host",
    "run": "--action=setup must have ended well; --action=logs shows a run that is going on",
    "logs": "a TPU that is gone has no logs, but --output_dir has metrics.jsonl",
    "delete": "`gcloud compute tpus tpu-vm list` shows what is still there, and billed",
}


FLAGS = cli.new_flags()
define = cli.Define(FLAGS)
define.enum("action", None, ACTIONS, "What to do.")
define.string(
    "accelerator", None, "The TPU's type, from v2-8 to v6e-256: v3-2048 is the paper's pod."
)
define.string("project", None, "Google Cloud project. Default: gcloud's own.")
define.string("zone", None, "Its zone, for example europe-west4-a. Default: gcloud's own.")
define.string("name", None, "The TPU's name. Default: largebatch-ACCELERATOR.")
define.boolean("execute", False, "Run the commands; otherwise they are only printed.")
define.enum(
    "stack",
    CLASSIC,
    STACKS,
    "classic: TensorFlow 2.15.1 and its image; modern: tensorflow-tpu 2.20, on one host. Give it "
    "to every action.",
)
define.string("runtime_version", None, "The hosts' image. Default: the stack's for the type.")
define.boolean("queued", False, "Use a queued resource, which waits until there are enough TPUs.")
define.boolean("spot", False, "Cheaper, and may be taken away at any time.")
define.boolean("preemptible", False, "The older kind of --spot; ends after 24 hours.")
define.boolean("reserved", False, "Use the project's reservation.")
define.string("network", None, "The hosts' network. Default: the project's `default`.")
define.string("subnetwork", None, "The hosts' subnetwork.")
define.boolean("internal_ips", False, "No external addresses; ssh uses internal ones, too.")
define.string("service_account", None, "The account with which the hosts read and write gs://.")
define.string("tags", None, "Network tags, separated by commas.")
define.string("labels", None, "Labels of the TPU: KEY=VALUE, separated by commas.")
define.string("commit", "HEAD", "setup: the suite's commit, by default that of this checkout.")
define.string(
    "repository",
    None,
    "setup: clone from this address. Default: copy this checkout, or the current folder where the "
    "suite was installed without one.",
)
for name, what in (("wheel_sha256", "TensorFlow's TPU wheel"), ("libtpu_sha256", "libtpu.so")):
    define.string(
        name, None, f"setup, classic stack: {what} must have it. Default: it is noted in setup.log."
    )
define.string("experiment", None, "run: the row, for example table1/lamb-32768.")
define.string("output_dir", None, "run: the run's folder, on gs:// so that it outlives the TPU.")
define.boolean("restart", False, "run: keep watching, and restart the run after a preemption.")
define.integer("max_restarts", 20, "run --restart: give up after this many restarts.")
define.float("poll_seconds", 60.0, "run --restart: seconds between two checks.")
define.string("worker", None, "setup, logs: a host's number, or all. Default: setup all, logs 0.")
define.integer("lines", 100, "logs: how many lines.")
define.boolean("follow", False, "logs: keep printing new lines.")


def main(run_flags: list[str]) -> int:
    if FLAGS.action is None:
        raise ValueError(f"--action is missing, one of {', '.join(ACTIONS)}")
    if FLAGS.accelerator is None:
        raise ValueError("--accelerator is missing, for example v3-8 or v3-2048")
    if run_flags and FLAGS.action != "run":
        raise ValueError(f"{run_flags[0]} after `--`: only --action=run passes flags on")
    if FLAGS.restart and FLAGS.action != "run":
        raise ValueError(f"--restart is for --action=run, not --action={FLAGS.action}")
    pod = _pod()
    if pod.accelerator.generation == "v6e" and pod.stack == CLASSIC:
        print("note: libtpu of TensorFlow 2.15.1 is older than v6e; Cloud TPU's pages disagree on "
              "whether it drives one; --stack=modern has a newer one", file=sys.stderr)  # fmt: skip
    if FLAGS.action == "run":
        run = _run(pod, run_flags)
        if FLAGS.execute:
            _check_row(run)
        if FLAGS.restart:
            return _keep_running(pod, run)
        return _each([pod.run(run)])
    if FLAGS.action == "setup":
        return _each(pod.setup(_source(), _worker("all")))
    if FLAGS.lines < 1:
        raise ValueError(f"--lines={FLAGS.lines}: at least 1 is needed")
    logs = pod.logs(_worker("0"), FLAGS.lines, FLAGS.follow)
    return _each([{"create": pod.create(), "delete": pod.delete(), "logs": logs}[FLAGS.action]])


def _pod() -> Pod:
    chosen = accelerator(FLAGS.accelerator)
    billing = [name for name in BILLING if FLAGS[name].value]
    if len(billing) > 1:
        raise ValueError(f"--{' and --'.join(billing)} exclude each other")
    if FLAGS.stack == MODERN and chosen.is_pod and FLAGS.runtime_version is None:
        raise ValueError(
            f"--stack=modern: {chosen.name} has several hosts, on each of which a worker of "
            "TensorFlow 2.20 must run, and no image of Cloud TPU's is known to have one; name one "
            "that has by --runtime_version, or take a TPU of one host or --stack=classic"
        )
    network = Network(
        FLAGS.network,
        FLAGS.subnetwork,
        FLAGS.internal_ips,
        FLAGS.service_account,
        FLAGS.tags,
        FLAGS.labels,
    )
    return Pod(
        FLAGS.name if FLAGS.name is not None else f"largebatch-{chosen.name}",
        FLAGS.project,
        FLAGS.zone,
        chosen,
        FLAGS.runtime_version or chosen.runtime_version(FLAGS.stack),
        FLAGS.queued,
        (*billing, "on_demand")[0],
        network,
        FLAGS.stack,
    )


def _run(pod: Pod, run_flags: list[str]) -> Run:
    for name in ("experiment", "output_dir"):
        if FLAGS[name].value is None:
            raise ValueError(f"--{name} is missing: --action=run needs it")
    bucket, _, folder = FLAGS.output_dir[len("gs://") :].partition("/")
    on_storage = FLAGS.output_dir.startswith("gs://") and bucket and folder.strip("/")
    if (pod.accelerator.is_pod or FLAGS.restart) and not on_storage:
        why = "a preempted TPU takes its disk with it"
        if pod.accelerator.is_pod:
            why = "the hosts of a pod share no disk"
        raise ValueError(
            f"--output_dir={FLAGS.output_dir} is not on gs://: {why}; want gs://BUCKET/FOLDER"
        )
    if not FLAGS.output_dir.startswith(("gs://", "/")):
        raise ValueError(
            f"--output_dir={FLAGS.output_dir}: want gs://BUCKET/FOLDER, or on one host an "
            "absolute path"
        )
    for flag in run_flags:
        name = flag.lstrip("-").partition("=")[0]
        if name in OURS:
            raise ValueError(f"{flag} after `--`: --{name} is set by this command")
    if FLAGS.worker is not None:
        raise ValueError(
            "--worker is for setup and logs: the row starts on worker 0, which drives all hosts"
        )
    return Run(FLAGS.experiment, FLAGS.output_dir, tuple(run_flags))


def _check_row(run: Run) -> None:
    """Asks the program that the TPU's host would start, here: a mistake is found unbilled.

    Raises:
      ValueError: It knows no such row, or not these flags; the message is its own.
    """
    asked = [sys.executable, "-m", programs.RUN, "--describe", f"--experiment={run.experiment}"]
    ended = subprocess.run([*asked, *run.flags], capture_output=True, text=True)
    if ended.returncode:
        (said, *_) = [*reversed(ended.stderr.strip().splitlines()), "it ended without a word"]
        raise ValueError(said.removeprefix("error: "))


def _worker(default: str) -> str:
    worker = default if FLAGS.worker is None else FLAGS.worker
    if worker != "all" and not worker.isdecimal():
        raise ValueError(f"--worker={worker}: want a host's number from 0, or all")
    return worker


def _source() -> Source:
    """The suite at a commit, and the checksums of what comes beside it."""
    checksums = {name: FLAGS[name].value for name in ("wheel_sha256", "libtpu_sha256")}
    for name, value in checksums.items():
        if value is not None and not re.fullmatch("[0-9a-f]{64}", value):
            raise ValueError(f"--{name}={value}: want 64 hexadecimal digits")
    return dataclasses.replace(_suite(), **checksums)


def _suite() -> Source:
    """The suite at a commit, as a full hash where it is copied from this checkout."""
    if FLAGS.repository is not None:
        if FLAGS.commit == "HEAD":
            raise ValueError("--repository needs --commit=HASH: all hosts must have the same one")
        if FLAGS.commit.startswith("-"):
            raise ValueError(f"--commit={FLAGS.commit} is no commit")
        return Source(FLAGS.commit, repository=FLAGS.repository)
    git = ["git", "-C", str(CHECKOUT), "rev-parse", "--verify", "--quiet"]
    asked = [*git, "--end-of-options", f"{FLAGS.commit}^{{commit}}"]
    try:
        found = subprocess.run(asked, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise ValueError("git is not installed here: give --repository and --commit") from error
    if not is_checkout(CHECKOUT):
        raise ValueError(
            f"{CHECKOUT} is no checkout of the suite, which was installed without one: give the "
            "command in a checkout, or --repository=ADDRESS with --commit=HASH"
        )
    if found.returncode or not (CHECKOUT / ".git").exists():
        raise ValueError(
            f"--commit={FLAGS.commit} is no commit of {CHECKOUT}; give one that is, or "
            "--repository=ADDRESS to clone from"
        )
    commit = found.stdout.strip()
    archive = os.path.join(tempfile.gettempdir(), f"largebatch-{commit[:12]}.tar.gz")
    return Source(commit, archive, str(CHECKOUT))


def _each(commands: list[Command]) -> int:
    for command in commands:
        if FLAGS.execute:
            pod_watch.call(command, ADVICE[FLAGS.action])
        else:
            print(printed(command))
    return 0


def _keep_running(pod: Pod, run: Run) -> int:
    if FLAGS.max_restarts < 0 or FLAGS.poll_seconds < 0:
        raise ValueError("--max_restarts and --poll_seconds: at least 0 is needed")
    source = _source()
    if not FLAGS.execute:
        print(pod_watch.plan(pod, run, source))
        return 0
    watch = pod_watch.Watch(
        pod, run, source, max_restarts=FLAGS.max_restarts, poll=FLAGS.poll_seconds
    )
    watch.until_done()
    print(f"{pod.name} is still there and is billed; --action=delete ends that")
    return 0


program, console = cli.entry(
    main,
    FLAGS,
    __doc__,
    passes_on="--",
    failures=pod_watch.GcloudError,
    interrupted="stopped watching; the TPU and its run go on, the same command watches again, "
    "--action=delete ends the billing",
)


if __name__ == "__main__":
    console()
