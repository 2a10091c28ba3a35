"""Stands in for both programs of an ahead-of-time compile: no TensorFlow, no libtpu.

As the compile environment's Python (its first argument is the client's file): a step of N examples
takes 1 GiB and N times 1 GiB, and the core of a v3 has 15.5. As the lowering program: a file that
holds the batch. Each call adds a line to the file $CALLS.
"""

import json
import os
import sys

GIB = 2**30
USABLE = {"v2": 7.5, "v3": 15.5, "v6e": 31.5}


def compiler(arguments):
    if arguments == ["--versions"]:
        if os.environ.get("NO_JAX"):
            sys.exit("ModuleNotFoundError: No module named 'jax'")
        print(json.dumps({"jax": "0", "libtpu": "0"}))
        return 0
    step, topology, output = arguments
    generation, _, shape = topology.partition(":")
    if shape == "7x7":
        print(f"libtpu knows no topology {topology}: no such shape", file=sys.stderr)
        return 3
    with open(step, encoding="utf-8") as file:
        batch = int(file.read())
    called(f"compile {batch} {topology}")
    if batch == 13:
        sys.exit("Check failed: a compiler's own fault")
    used, usable = (1 + batch) * GIB, int(USABLE[generation] * GIB)
    result = {"device": "TPU", "cores": 8, "seconds": 1.0, "fits": used <= usable}
    if used > usable:
        result.update(total_bytes=used, limit_bytes=usable)
        if batch >= 100:  # Seen to be too large before it is laid out.
            result.update(total_bytes=None, temporaries_bytes=batch * GIB)
    else:
        memory = {"arguments": GIB, "outputs": 0, "temporaries": batch * GIB, "program": 0}
        cost = {"flops": batch * 1e12, "bytes_accessed": batch * 1e9}
        result.update(memory=memory, total_bytes=used, **cost)
    with open(output, "w", encoding="utf-8") as file:
        json.dump(result, file)
    return 0


def lowering(arguments):
    flags = dict(flag.lstrip("-").split("=", 1) for flag in arguments if "=" in flag)
    if flags["experiment"] == "table1/lamb":
        print("error: unknown experiment 'table1/lamb'", file=sys.stderr)
        return 2
    batch = int(flags.get("batch_per_core", 8))
    told = {
        **{"experiment": flags["experiment"], "scale": "paper", "overrides": {}, "stage": "2"},
        **{"model": "bert_large", "dataset": None, "image_size": None, "sequence_length": 512},
        **{"vocabulary_size": 30522, "precision": "bfloat16", "optimizer": "lamb"},
        **{"batch_per_core": batch, "paper_batch_per_core": 8},
    }
    if "output" in flags:
        called(f"lower {batch}")
        with open(flags["output"], "w", encoding="utf-8") as file:
            file.write(str(batch))
        idle = int(os.environ.get("IDLE_GIB", 0))
        told.update(parameters=1000, resident_bytes=(1 + idle) * GIB)
    print("a line of noise")
    print(json.dumps(told))
    return 0


def called(line):
    with open(os.environ["CALLS"], "a", encoding="utf-8") as file:
        file.write(line + "\n")


if __name__ == "__main__":
    first = sys.argv[1]
    if first.endswith("compile_client.py"):
        sys.exit(compiler(sys.argv[2:]))
    sys.exit(lowering(sys.argv[1:]))
