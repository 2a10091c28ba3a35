"""The fake host's Python: its program `run` counts steps and resumes; see fake_gcloud.py."""

import json
import os
import pathlib
import sys
import time

if "pip" in sys.argv:
    sys.exit(0)
if "--describe" in sys.argv:
    sys.exit(2 if "--set=wrong=1" in sys.argv else 0)
cloud = pathlib.Path(os.environ["FAKE_CLOUD"])
plan = json.loads((cloud / "plan.json").read_text())
bucket, done = cloud / "bucket", cloud / "preempted"
bucket.mkdir(exist_ok=True)
checkpoint, starts = bucket / "checkpoint", bucket / "starts.jsonl"
step = int(checkpoint.read_text()) if checkpoint.exists() else 0
with open(starts, "a") as out:
    out.write(json.dumps([step, sys.argv, os.environ.get("TPU_LOAD_LIBRARY")]) + "\n")
start = len(starts.read_text().splitlines()) - 1
while step < plan["steps"]:
    step += 1
    time.sleep(plan.get("step_seconds", 0))
    checkpoint.write_text(str(step))
    print("step", step)
    if step in plan.get("preempt_at", [])[len(done.read_text()) :]:
        (bucket / "held").touch()
        time.sleep(100)
sys.exit((plan.get("exits", []) + [0] * 100)[start])
