"""Compiles a step for a TPU that is not there; run by the Python of the compile environment.

    .venv-tpu/bin/python experiments/compile/compile_client.py STEP.hlo v3:2x2 RESULT.json
    .venv-tpu/bin/python experiments/compile/compile_client.py --versions

STEP.hlo is a serialized HloModuleProto, one replica's program; there is a replica on each core of
the topology. The result says whether it fits a core; running out of its memory is a result, not an
error. This file knows nothing of the suite, which is not installed
in that environment, and stands on private parts of JAX: its version is pinned.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from importlib import metadata
from typing import Any

UNKNOWN_TOPOLOGY = 3  # exit code
# Said after the program was laid out, of all it holds; or before, of its temporaries alone.
_USED = re.compile(r"Used ([\d.]+)([KMGT]) of ([\d.]+)([KMGT]) hbm")
_TEMPORARIES = re.compile(
    r"HLO temporaries \(([\d.]+)([KMGT])\) exceeds available HBM \(([\d.]+)([KMGT])\)"
)
_UNITS = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def main(step: str, topology: str, output: str) -> int:
    # libtpu asks the machine which TPU it is in, unless it is told.
    os.environ.setdefault("TPU_SKIP_MDS_QUERY", "1")
    os.environ.setdefault("TPU_WORKER_HOSTNAMES", "localhost")
    os.environ.setdefault("TPU_ACCELERATOR_TYPE", "v3-8")
    os.environ["JAX_PLATFORMS"] = "cpu"
    import numpy as np
    from jax._src import compiler
    from jax._src.interpreters import mlir
    from jax._src.lib import xla_client
    from jax._src.lib.mlir import ir
    from jax.experimental import topologies

    # A program sees the two cores of a v4 chip as one; libtpu does so only if it is told.
    as_one = {"chip_config_name": "megacore"} if topology.startswith("v4:") else {}
    try:
        cores = topologies.get_topology_desc(topology, "tpu", **as_one).devices
    except Exception as error:
        print(f"libtpu knows no topology {topology}: {str(error).splitlines()[0]}", file=sys.stderr)
        return UNKNOWN_TOPOLOGY
    options = compiler.get_compile_options(
        num_replicas=len(cores),
        num_partitions=1,
        device_assignment=np.array([[core.id] for core in cores]),
    )
    with open(step, "rb") as file:
        hlo = file.read()
    began = time.time()
    with mlir.make_ir_context():
        module = ir.Module.parse(xla_client._xla.mlir.hlo_to_stablehlo(hlo))
    client, result = cores[0].client, {"device": cores[0].device_kind, "cores": len(cores)}
    try:
        executable = client.compile(module, xla_client.DeviceList(tuple(cores)), options)
    except Exception as error:
        result.update(out_of_memory(str(error)))
    else:
        result.update(fits=True, **figures(executable))
    result["seconds"] = round(time.time() - began, 1)
    with open(output, "w", encoding="utf-8") as file:
        json.dump(result, file)
    return 0


def figures(executable: Any) -> dict:
    """Bytes on the core, and the work of one execution by the compiler's own estimate."""
    stats = executable.get_compiled_memory_stats()
    cost = executable.cost_analysis()
    cost = cost[0] if isinstance(cost, (list, tuple)) else cost
    # An output that takes the place of an argument needs none of its own.
    outputs = stats.output_size_in_bytes - stats.alias_size_in_bytes
    memory = {
        "arguments": stats.argument_size_in_bytes,
        "outputs": outputs,
        "temporaries": stats.temp_size_in_bytes,
        "program": stats.generated_code_size_in_bytes,
    }
    return {
        "memory": memory,
        "total_bytes": sum(memory.values()),
        "flops": cost.get("flops"),
        "bytes_accessed": cost.get("bytes accessed"),
    }


def out_of_memory(message: str) -> dict:
    """What the compiler says of a step that does not fit; any other error is raised."""
    if "Ran out of memory" not in message or "hbm" not in message.lower():
        raise RuntimeError(message)
    result: dict[str, Any] = {"fits": False, "total_bytes": None, "limit_bytes": None}
    for pattern, name in ((_USED, "total_bytes"), (_TEMPORARIES, "temporaries_bytes")):
        found = pattern.search(message)
        if found:
            result[name] = round(float(found[1]) * _UNITS[found[2]])
            result["limit_bytes"] = round(float(found[3]) * _UNITS[found[4]])
    return result


if __name__ == "__main__":
    if sys.argv[1:] == ["--versions"]:
        print(json.dumps({name: metadata.version(name) for name in ("jax", "jaxlib", "libtpu")}))
        sys.exit(0)
    sys.exit(main(*sys.argv[1:]))
