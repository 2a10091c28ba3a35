"""A stand-in for `run`: takes its flags and writes the files of a run, without training.

    python stub_run.py ENDING --experiment=... --scale=... --seed=... --output_dir=... [--set=...]

ENDING: finished | diverged | failed | in use | killed | waits (until SIGTERM, then interrupted).
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time

from largebatch.experiments.records import row_record
from largebatch.experiments.rows import overrides
from largebatch.experiments.tables import registry

CODES = {"finished": 0, "diverged": 3, "interrupted": 143}


def main() -> int:
    ending, arguments = sys.argv[1], sys.argv[2:]
    pairs = [argument.lstrip("-").split("=", 1) for argument in arguments]
    flags = dict(pair for pair in pairs if len(pair) == 2)
    settings = [value for name, value in (p for p in pairs if len(p) == 2) if name == "set"]
    row = registry.scaled(registry.find(flags["experiment"]), flags["scale"])
    row = overrides.apply_overrides(row, overrides.parse_assignments(settings))
    print("a run of", row.name, flush=True)
    if ending == "failed":
        print("error: the disk is full", flush=True)
        return 1
    if ending == "in use":
        print("error: --output_dir=x is in use by process 1 on here; wait for it", flush=True)
        return 2
    if ending == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if ending == "waits":
        signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(SystemExit))
        open(os.path.join(flags["output_dir"], "started"), "w").close()
        try:
            time.sleep(30)
        except SystemExit:
            ending = "interrupted"
    seed = int(flags["seed"])
    accuracy = 0.9 + row.learning_rate / 10 + seed / 1000
    record = {
        **row_record.row_record(row),
        "seed": seed,
        "status": ending,
        "metrics": {row.metric: accuracy, "loss": 0.1} if ending == "finished" else {},
        "last_step": row.steps,
    }
    with open(os.path.join(flags["output_dir"], "result.json"), "w") as file:
        json.dump(record, file)
    return CODES[ending]


if __name__ == "__main__":
    sys.exit(main())
