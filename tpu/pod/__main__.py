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

import argparse
import os
import subprocess
import sys
import tempfile
from typing import NoReturn

from largebatch.checkout import is_checkout, root
from largebatch.tpu.pod import watch as pod_watch
from largebatch.tpu.pod.accelerators import CLASSIC, MODERN, STACKS, accelerator
from largebatch.tpu.pod.commands import Command, Network, Pod, Source, printed
from largebatch.tpu.pod.scripts import Run

FAILED, MISTAKE = 1, 2  # exit codes
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


class Flags(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ValueError(f"{message} (--help prints all flags)")


def flags() -> Flags:
    parser = Flags(
        prog="python -m largebatch.tpu.pod",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        usage="%(prog)s --action=ACTION --accelerator=TYPE [flags] [-- flags of the run]",
    )

    def add(name: str, default, text: str, **options) -> None:
        parser.add_argument(f"--{name}", default=default, help=text, **options)

    def switch(name: str, text: str) -> None:
        parser.add_argument(f"--{name}", action="store_true", help=text)

    add("action", None, "What to do.", choices=ACTIONS)
    add("accelerator", None, "The TPU's type, from v2-8 to v6e-256: v3-2048 is the paper's pod.")
    add("project", None, "Google Cloud project. Default: gcloud's own.")
    add("zone", None, "Its zone, for example europe-west4-a. Default: gcloud's own.")
    add("name", None, "The TPU's name. Default: largebatch-ACCELERATOR.")
    switch("execute", "Run the commands; otherwise they are only printed.")
    add("stack", CLASSIC, "classic: TensorFlow 2.15.1 and its image; modern: tensorflow-tpu 2.20, "
        "on one host. Give it to every action. Default: classic.", choices=STACKS)  # fmt: skip
    add("runtime_version", None, "The hosts' image. Default: the stack's for the type.")
    switch("queued", "Ask by a queued resource, which waits until there are enough TPUs.")
    switch("spot", "Cheaper, and may be taken away at any time.")
    switch("preemptible", "The older kind of --spot; ends after 24 hours.")
    switch("reserved", "Out of the project's reservation.")
    add("network", None, "Of the hosts. Default: the project's `default`.")
    add("subnetwork", None, "Of the hosts.")
    switch("internal_ips", "No external addresses; ssh goes through the network, too.")
    add("service_account", None, "As whom the hosts read and write gs://.")
    add("tags", None, "Network tags, separated by commas.")
    add("labels", None, "KEY=VALUE, separated by commas.")
    add("commit", "HEAD", "setup: the suite's commit. Default: HEAD of this checkout.")
    add("repository", None, "setup: clone from this address. Default: copy this checkout, or the "
        "current folder where the suite was installed without one.")  # fmt: skip
    add("experiment", None, "run: the row, for example table1/lamb-32768.")
    add("output_dir", None, "run: the run's folder, on gs:// so that it outlives the TPU.")
    switch("restart", "run: stay, and restart it after a preemption.")
    add("max_restarts", 20, "run --restart: give up after so many. Default: 20.", type=int)
    add("poll_seconds", 60.0, "run --restart: between two looks. Default: 60.", type=float)
    add("worker", None, "setup, logs: a host's number, or all. Default: setup all, logs 0.")
    add("lines", 100, "logs: how many. Default: 100.", type=int)
    switch("follow", "logs: go on printing what comes.")
    return parser


def main(argv: list[str] | None = None) -> int:
    argv = list(sys.argv[1:] if argv is None else argv)
    cut = argv.index("--") if "--" in argv else len(argv)
    values, run_flags = flags().parse_args(argv[:cut]), tuple(argv[cut + 1 :])
    for name in ("action", "accelerator"):
        if getattr(values, name) is None:
            raise ValueError(f"--{name} is missing{_where_to_find(name)}")
    if run_flags and values.action != "run":
        raise ValueError(f"{run_flags[0]} after `--`: only --action=run passes flags on")
    if values.restart and values.action != "run":
        raise ValueError(f"--restart is for --action=run, not --action={values.action}")
    pod = _pod(values)
    if pod.accelerator.generation == "v6e" and pod.stack == CLASSIC:
        print("note: libtpu of TensorFlow 2.15.1 is older than v6e; Cloud TPU's pages disagree on "
              "whether it drives one; --stack=modern has a newer one", file=sys.stderr)  # fmt: skip
    if values.action == "run":
        run = _run(values, pod, run_flags)
        if values.restart:
            return _keep_running(pod, run, values)
        return _each([pod.run(run)], values)
    if values.action == "setup":
        return _each(pod.setup(_source(values), _worker(values, "all")), values)
    if values.lines < 1:
        raise ValueError(f"--lines={values.lines}: at least 1 is needed")
    logs = pod.logs(_worker(values, "0"), values.lines, values.follow)
    return _each([{"create": pod.create(), "delete": pod.delete(), "logs": logs}[values.action]],
                 values)  # fmt: skip


def _pod(values: argparse.Namespace) -> Pod:
    chosen = accelerator(values.accelerator)
    billing = [name for name in BILLING if getattr(values, name)]
    if len(billing) > 1:
        raise ValueError(f"--{' and --'.join(billing)} exclude each other")
    if values.stack == MODERN and chosen.is_pod and values.runtime_version is None:
        raise ValueError(
            f"--stack=modern: {chosen.name} has several hosts, on each of which a worker of "
            "TensorFlow 2.20 must run, and no image of Cloud TPU's is known to have one; name one "
            "that has by --runtime_version, or take a TPU of one host or --stack=classic"
        )
    network = Network(
        values.network,
        values.subnetwork,
        values.internal_ips,
        values.service_account,
        values.tags,
        values.labels,
    )
    return Pod(
        values.name if values.name is not None else f"largebatch-{chosen.name}",
        values.project,
        values.zone,
        chosen,
        values.runtime_version or chosen.runtime_version(values.stack),
        values.queued,
        (*billing, "on_demand")[0],
        network,
        values.stack,
    )


def _run(values: argparse.Namespace, pod: Pod, run_flags: tuple[str, ...]) -> Run:
    for name in ("experiment", "output_dir"):
        if getattr(values, name) is None:
            raise ValueError(f"--{name} is missing: --action=run needs it")
    bucket, _, folder = values.output_dir[len("gs://") :].partition("/")
    on_storage = values.output_dir.startswith("gs://") and bucket and folder.strip("/")
    if (pod.accelerator.is_pod or values.restart) and not on_storage:
        why = "a preempted TPU takes its disk with it"
        if pod.accelerator.is_pod:
            why = "the hosts of a pod share no disk"
        raise ValueError(
            f"--output_dir={values.output_dir} is not on gs://: {why}; want gs://BUCKET/FOLDER"
        )
    if not values.output_dir.startswith(("gs://", "/")):
        raise ValueError(
            f"--output_dir={values.output_dir}: want gs://BUCKET/FOLDER, or on one host an "
            "absolute path"
        )
    for flag in run_flags:
        name = flag.lstrip("-").partition("=")[0]
        if name in OURS:
            raise ValueError(f"{flag} after `--`: --{name} is set by this command")
    if values.worker is not None:
        raise ValueError(
            "--worker is for setup and logs: the row starts on worker 0, which drives all hosts"
        )
    return Run(values.experiment, values.output_dir, run_flags)


def _worker(values: argparse.Namespace, default: str) -> str:
    worker = default if values.worker is None else values.worker
    if worker != "all" and not worker.isdecimal():
        raise ValueError(f"--worker={worker}: want a host's number from 0, or all")
    return worker


def _source(values: argparse.Namespace) -> Source:
    """The suite at a commit, as a full hash where it is copied from this checkout."""
    if values.repository is not None:
        if values.commit == "HEAD":
            raise ValueError("--repository needs --commit=HASH: all hosts must have the same one")
        if values.commit.startswith("-"):
            raise ValueError(f"--commit={values.commit} is no commit")
        return Source(values.commit, repository=values.repository)
    git = ["git", "-C", str(CHECKOUT), "rev-parse", "--verify", "--quiet"]
    asked = [*git, "--end-of-options", f"{values.commit}^{{commit}}"]
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
            f"--commit={values.commit} is no commit of {CHECKOUT}; give one that is, or "
            "--repository=ADDRESS to clone from"
        )
    commit = found.stdout.strip()
    archive = os.path.join(tempfile.gettempdir(), f"largebatch-{commit[:12]}.tar.gz")
    return Source(commit, archive, str(CHECKOUT))


def _each(commands: list[Command], values: argparse.Namespace) -> int:
    for command in commands:
        if values.execute:
            pod_watch.call(command, ADVICE[values.action])
        else:
            print(printed(command))
    return 0


def _keep_running(pod: Pod, run: Run, values: argparse.Namespace) -> int:
    if values.max_restarts < 0 or values.poll_seconds < 0:
        raise ValueError("--max_restarts and --poll_seconds: at least 0 is needed")
    source = _source(values)
    if not values.execute:
        print(pod_watch.plan(pod, run, source))
        return 0
    watch = pod_watch.Watch(
        pod, run, source, max_restarts=values.max_restarts, poll=values.poll_seconds
    )
    watch.until_done()
    print(f"{pod.name} is still there and is billed; --action=delete ends that")
    return 0


def _where_to_find(name: str) -> str:
    return {
        "action": f", one of {', '.join(ACTIONS)}",
        "accelerator": ", for example v3-8 or v3-2048",
    }[name]


def console(argv: list[str] | None = None) -> int:
    try:
        return main(argv)
    except pod_watch.GcloudError as error:
        print(f"error: {error}", file=sys.stderr)
        return FAILED
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return MISTAKE
    except KeyboardInterrupt:
        print("stopped watching; the TPU and its run go on, the same command watches again, "
              "--action=delete ends the billing", file=sys.stderr)  # fmt: skip
        return 130


if __name__ == "__main__":
    sys.exit(console())
