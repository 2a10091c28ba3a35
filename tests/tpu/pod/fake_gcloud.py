"""A cloud with one TPU of one visible host; test_pod_watch.py puts it on PATH as `gcloud`.

In $FAKE_CLOUD, `state` is the TPU's, `host` its disk, `bucket` the storage, `plan.json` what shall
go wrong, `calls.jsonl` what was asked for. The scripts for the host really run.
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys

cloud = pathlib.Path(os.environ["FAKE_CLOUD"])
plan = json.loads((cloud / "plan.json").read_text())
state, host, bucket = cloud / "state", cloud / "host", cloud / "bucket"
arguments = sys.argv[1:]
with open(cloud / "calls.jsonl", "a") as calls:
    calls.write(json.dumps(arguments) + "\n")
kind, verb, name = arguments[2:5]
flags = dict(a[2:].partition("=")[::2] for a in arguments if a.startswith("--"))


def fail(message, code=1):
    print(f"ERROR: (gcloud.compute.tpus) {message}", file=sys.stderr)
    sys.exit(code)


def take_away(becomes):
    try:
        os.killpg(int((host / "largebatch-run/run.pid").read_text()), signal.SIGKILL)
    except (OSError, ValueError):
        pass
    shutil.rmtree(host, ignore_errors=True)
    state.write_text(becomes) if becomes else state.unlink()


if plan.get("broken") == verb:
    fail("PERMISSION_DENIED: no right to do this")
if verb == "create":
    if state.exists():
        fail("ALREADY_EXISTS")
    if plan.get("no_capacity"):
        plan["no_capacity"] -= 1
        (cloud / "plan.json").write_text(json.dumps(plan))
        fail("There is no more capacity in the zone")
    host.mkdir()
    state.write_text("WAITING_FOR_RESOURCES" if kind == "queued-resources" else "READY")
elif verb == "delete":
    take_away(None)
elif verb == "describe":
    if not state.exists():
        fail(f"NOT_FOUND: {name}")
    done, held = cloud / "preempted", bucket / "held"
    if held.exists():
        held.unlink()
        done.write_text(done.read_text() + "x")
        take_away(plan.get("becomes", "PREEMPTED"))
        if not state.exists():
            fail(f"NOT_FOUND: {name}")
    shown = state.read_text()
    if kind == "queued-resources":
        if shown == "WAITING_FOR_RESOURCES":
            state.write_text("READY")
        shown = {"READY": "ACTIVE", "PREEMPTED": "SUSPENDED"}.get(shown, shown)
    print(shown)
elif not state.exists() or state.read_text() != "READY":
    fail("ssh: connect to host: Connection refused", 255)
elif verb == "scp":
    shutil.copy(arguments[4], host / arguments[5].partition(":")[2])
elif verb == "ssh":
    command = ["bash", "-c", flags["command"]]
    sys.exit(subprocess.run(command, env={**os.environ, "HOME": str(host)}).returncode)
