"""Turns HLO into portable artifacts of StableHLO; run by the Python that has JAX.

    .venv-pjrt/bin/python tpu/lowering/portable_client.py FOLDER
    .venv-pjrt/bin/python tpu/lowering/portable_client.py --versions

Each NAME.hlo in FOLDER (a serialized HloModuleProto) becomes NAME.stablehlo. All private names of
JAX that the suite's portable programs need are in this file: the conversion of HLO to StableHLO is
not public and moves between releases, which is why the environment's versions are exact. What it
writes has a promise of compatibility: StableHLO reads artifacts that are up to five years old.
"""

import json
import pathlib
import sys
from importlib import metadata

# Of the artifact: the oldest that will do, so that the oldest reader can read it.
STABLEHLO_VERSION = "1.0.0"


def main(folder: str) -> int:
    for program in sorted(pathlib.Path(folder).glob("*.hlo")):
        program.with_suffix(".stablehlo").write_bytes(artifact(program.read_bytes()))
    return 0


def artifact(hlo: bytes) -> bytes:
    """The program as a portable artifact of StableHLO."""
    from jax._src.interpreters import mlir
    from jax._src.lib import xla_client
    from jax._src.lib.mlir import ir

    dialects = xla_client._xla.mlir
    with mlir.make_ir_context():
        module = ir.Module.parse(dialects.hlo_to_stablehlo(hlo))
        text = mlir.module_to_string(module)
        if "custom_call" in text:
            raise RuntimeError("the program calls code of one platform (custom_call)")
        return dialects.serialize_portable_artifact(text, STABLEHLO_VERSION)


def versions() -> dict:
    return {name: metadata.version(name) for name in ("jax", "jaxlib", "numpy")}


if __name__ == "__main__":
    if sys.argv[1:] == ["--versions"]:
        print(json.dumps(versions()))
        sys.exit(0)
    sys.exit(main(*sys.argv[1:]))
