"""An exported folder's programs on the device that JAX finds.

An exported folder has this file as `device.py`, beside `runner.py`. It uses JAX's public parts
alone: a portable artifact of StableHLO is wrapped as a `jax.export.Exported`, and is then a
function like any other, which jit compiles together with the loop around it.
"""

from __future__ import annotations

import collections
import concurrent.futures
import dataclasses
import functools
import hashlib
import json
import os
import pathlib
from typing import Any

import draws
import jax
import jax.numpy as jnp
import numpy as np
from jax import export

jax.config.update("jax_enable_x64", True)  # the counters are int64
SET = ("train_images", "train_labels", "test_images", "test_labels")
# The library that JAX 0.11 hands reductions to on CPUs returns what was in memory before for
# bfloat16: an evaluation of DavidNet was NaN. Not so on a GPU or TPU, nor with this.
CPU_OPTIONS = {"xla_cpu_experimental_ynn_fusion_type": ""}

# Sums of an evaluation that are numbers of examples, by their names in its record.
COUNTS = {"examples": "examples", "left_out": "left_out", "subset": "subset_examples"}

# What a loop says: all losses finite, their sum, the last finite one and its update, and how many
# updates in a row the optimizer has refused.
Said = collections.namedtuple("Said", "finite loss_sum last_loss last_step refused")


class Programs:
    """The programs of a folder, as functions of named arrays that return named arrays.

    Args:
      folder: What export_program wrote.
      precision: Of products of matrices and convolutions: default (on a GPU float32 may be
        rounded to TF32) or highest.
    """

    def __init__(self, folder: str | os.PathLike, precision: str = "default"):
        self.folder = pathlib.Path(folder)
        self.manifest = json.loads((self.folder / "manifest.json").read_text())
        self._precision = precision
        self._loaded = {}

    def __getitem__(self, name: str):
        if name not in self._loaded:
            self._loaded[name] = self._load(name)
        return self._loaded[name]

    def _load(self, name: str):
        program = self.manifest["programs"][name]
        inputs, outputs = program["inputs"], program["outputs"]

        def same_signature(*arguments):
            return [jnp.zeros(shape, dtype) for _, shape, dtype in outputs]

        shell = export.export(
            jax.jit(same_signature, keep_unused=True),
            platforms=("cpu",),
            # The artifact is of no platform.
            disabled_checks=[export.DisabledSafetyCheck.platform()],
        )(*(jax.ShapeDtypeStruct(shape, dtype) for _, shape, dtype in inputs))
        artifact = (self.folder / program["files"][self._precision]).read_bytes()
        exported = dataclasses.replace(shell, mlir_module_serialized=artifact)

        def call(values):
            arguments = [jnp.asarray(values[name], dtype) for name, _, dtype in inputs]
            return dict(zip([name for name, *_ in outputs], exported.call(*arguments)))

        return call

    def initial_state(self, seed: int) -> dict:
        """Weights and slots of a run with this seed at its start."""
        weights = self.manifest["weights"]
        seeds = draws.initial_seeds(seed, len(weights["recipes"]) + 1000)
        state = {n: draws.initial_value(r, seeds) for n, r in weights["recipes"].items()}
        if str(seed) in weights["files"]:
            with np.load(self.folder / weights["files"][str(seed)], allow_pickle=False) as file:
                state.update(file)
        return on_device({name: state[name] for name in self.manifest["state"]["names"]})

    def save(self, file: pathlib.Path, state: dict[str, Any], told: Any) -> None:
        """Writes a checkpoint, whole or not at all; `told` is what JSON takes."""
        scratch = file.with_suffix(".partial.npz")
        np.savez(scratch, told=json.dumps(told), **jax.device_get(state))
        os.replace(scratch, file)

    def load(self, file: pathlib.Path) -> tuple[dict[str, Any], Any]:
        """(state, told) of a checkpoint."""
        with np.load(file, allow_pickle=False) as saved:
            state = {name: saved[name] for name in self.manifest["state"]["names"]}
            return on_device(state), json.loads(str(saved["told"]))


class Trainer:
    """Updates and evaluations; compiled once for all seeds and rates of a process.

    Args:
      programs: The folder's.
      data_file: An .npz with the image set, in place of the folder's own.
      on_device: Whether the loop over updates runs on the device. XLA compiles convolutions in a
        loop badly for CPUs, where each update is a call of its own.
    """

    def __init__(
        self, programs: Programs, data_file: str | None = None, on_device: bool | None = None
    ):
        self.programs, self.manifest = programs, programs.manifest
        self.device = jax.devices()[0]
        on_device = self.device.platform != "cpu" if on_device is None else on_device
        self._in_memory = self.manifest["data"]["kind"] == "set"
        self.same_data = True
        if self._in_memory:
            self._load_set(data_file)
        with np.load(programs.folder / "evaluation.npz", allow_pickle=False) as file:
            self._evaluation = {name: file[name] for name in file}
        given = {"donate_argnums": (0, 1), "compiler_options": compiler_options()}
        self._loops, self._once = (
            [jax.jit(functools.partial(run, stage), **given) for stage in self.manifest["stages"]]
            for run in (self._loop, self._one)
        )
        self._on_device = on_device
        self._sums = jax.jit(self._eval_sums, compiler_options=compiler_options())
        self._readers = concurrent.futures.ThreadPoolExecutor(1)
        self._read = {}  # (seed, stage, block) -> a future of its arrays on the device

    def _load_set(self, data_file):
        data_file = data_file or self.programs.folder / "data.npz"
        if not pathlib.Path(data_file).exists():
            raise ValueError(f"there is no {data_file}; give the images with --data=FILE.npz")
        with np.load(data_file, allow_pickle=False) as file:
            arrays = {name: np.ascontiguousarray(file[name]) for name in SET}
        wanted = self.manifest["data"]["sha256"]
        found = {n: hashlib.sha256(a.tobytes()).hexdigest() for n, a in arrays.items()}
        self.data_sha256, self.same_data = found, found == wanted
        self._set = on_device(arrays)

    def new_said(self, step: int = 0, refused: int = 0) -> Said:
        """What is known before an update."""
        values = (True, np.float32(0), np.float32(0), np.int64(step), np.int32(refused))
        return on_device(Said(*values))

    def stage_data(self, stage: int, seed: int) -> Any:
        """An image set: what `train` reads. Others: nothing, as it is read in blocks."""
        if not self._in_memory:
            return None
        place, count = self.manifest["stages"][stage], self.manifest["data"]["train_examples"]
        wanted = place["steps"] * place["batch_size"]
        epochs = range(-(-wanted // count))
        orders = [draws.permutation(count, seed, epoch) for epoch in epochs]
        return {
            "images": self._set["train_images"],
            "labels": self._set["train_labels"],
            "order": on_device(np.concatenate(orders)[:wanted]),
        }

    def block(self, stage: int, seed: int, step: int) -> tuple[int, int]:
        """(first update, the one after the last) of what can be trained on at once from `step`."""
        if self._in_memory:
            return 0, self.manifest["stages"][stage]["steps"]
        blocks = self.manifest["data"]["batches"][str(seed)][stage]
        here = [b for b in blocks if b["first"] <= step < b["first"] + b["count"]]
        if not here:
            raise ValueError(f"the folder has no batch for update {step} of stage {stage + 1}")
        return here[0]["first"], here[0]["first"] + here[0]["count"]

    def _block_arrays(self, stage: int, seed: int, first: int):
        blocks = self.manifest["data"]["batches"][str(seed)][stage]
        number = next(n for n, block in enumerate(blocks) if block["first"] == first)
        kept = {}
        for ahead in (number, number + 1):  # the next one is read while this one is used
            if ahead < len(blocks):
                key = (seed, stage, ahead)
                kept[key] = self._read.get(key) or self._readers.submit(
                    self._read_block, stage, blocks[ahead], blocks[0]["count"]
                )
        self._read = kept
        return kept[seed, stage, number].result()

    def _read_block(self, stage: int, block, size: int):
        name = self.manifest["stages"][stage]["update"]
        dtypes = {n: dtype for n, _, dtype in self.manifest["programs"][name]["inputs"]}
        arrays = {}
        with np.load(self.programs.folder / block["file"], allow_pickle=False) as file:
            for key in file:
                array = _typed(file[key], dtypes[key])
                missing = [(0, size - len(array))] + [(0, 0)] * (array.ndim - 1)
                arrays[key] = on_device(np.pad(array, missing))
        return arrays

    def train(
        self, stage: int, state: dict[str, Any], said: dict[str, Any], data: Any, seed: int,
        factor: float, first: int, count: int,
    ) -> tuple[Any, Any]:  # fmt: skip
        """`count` updates of a stage from its update `first` on; all of one block.

        `state` and `said` are given up to the device. Returns the new ones; the work may still be
        going on.
        """
        begin = 0
        if data is None:
            begin, _ = self.block(stage, seed, first)
            data = self._block_arrays(stage, seed, begin)
        given = (data, np.int64(seed), np.float32(factor), np.int64(begin))
        if self._on_device:
            return self._loops[stage](state, said, *given, np.int64(first), np.int64(count))
        for step in range(first, first + count):
            state, said = self._once[stage](state, said, *given, np.int64(step))
        return state, said

    def _loop(self, stage, state, said, data, seed, factor, begin, first, count):
        def body(place, carried):
            return self._one(stage, *carried, data, seed, factor, begin, first + place)

        return jax.lax.fori_loop(0, count, body, (state, said))

    def _one(self, stage, state, said, data, seed, factor, begin, step):
        names = self.manifest["state"]
        if self._in_memory:
            size = stage["batch_size"]
            index = jax.lax.dynamic_slice_in_dim(data["order"], step * size, size)
            given = {"images": data["images"], "labels": data["labels"], "index": index}
            batch = self.programs["batch"]({**given, "seed": seed, "step": step})
        else:
            batch = {
                name: jax.lax.dynamic_index_in_dim(array, step - begin, keepdims=False)
                for name, array in data.items()
            }
        after = self.programs[stage["update"]]({**state, **batch, names["factor"]: factor})
        loss = after["loss"].astype(jnp.float32)
        finite = said.finite & jnp.isfinite(loss)
        applied = after[names["iteration"]] > state[names["iteration"]]
        said = Said(
            finite,
            said.loss_sum + jnp.where(finite, loss, 0),
            jnp.where(finite, loss, said.last_loss),
            said.last_step + finite.astype(jnp.int64),
            jnp.where(applied, 0, said.refused + 1),
        )
        return {name: after[name] for name in state}, said

    def evaluate(self, state: dict[str, Any]) -> dict:
        """{metric: mean over the test set}, as the suite's own evaluation has it."""
        model = {name: state[name] for name in self.manifest["state"]["model"]}
        rules = self.manifest["evaluation"]
        images = self._set["test_images"] if self._in_memory else None
        dtypes = {n: d for n, _, d in self.manifest["programs"]["evaluate"]["inputs"]}
        sums = []
        for number in range(rules["batches"]):
            batch = {n: _typed(a[number], dtypes[n]) for n, a in self._evaluation.items()}
            sums.append(self._sums(model, batch, images, np.int64(number)))
        totals = collections.defaultdict(float)  # in float64: float32 loses counts beyond 2^24
        for one in jax.device_get(sums):
            for name, value in one.items():
                totals[name] += float(value)
        counts = {shown: int(totals[f"{name}/0"]) for name, shown in COUNTS.items()}
        examples = counts["examples"] + counts["left_out"]
        if rules["examples"] is not None and examples != rules["examples"]:
            raise RuntimeError(f"the evaluation counted {examples} of {rules['examples']} examples")
        names = {name.rpartition("/")[0] for name in totals} - set(COUNTS)
        means = {n: totals[f"{n}/0"] / totals[f"{n}/1"] for n in sorted(names) if totals[f"{n}/1"]}
        for name, parts in rules["derived"].items():
            means[name] = sum(weight * means[part] for part, weight in parts.items())
        return {**means, **{name: count for name, count in counts.items() if count}}

    def _eval_sums(self, model, batch, images, number):
        if images is not None:
            batch = {**batch, **self.programs["eval_images"]({"images": images, "number": number})}
        return self.programs["evaluate"]({**model, **batch})


@functools.cache
def compiler_options() -> dict[str, Any] | None:
    """Of jit: CPU_OPTIONS on a CPU whose XLA knows them; None elsewhere."""
    if jax.default_backend() != "cpu":
        return None
    try:
        jax.jit(lambda x: x, compiler_options=CPU_OPTIONS).lower(0).compile()
    except jax.errors.JaxRuntimeError:
        return None
    return CPU_OPTIONS


def on_device(arrays: Any) -> Any:
    """Committed to the device, as what a program returns is: otherwise it is compiled twice."""
    return jax.device_put(arrays, jax.devices()[0])


def _typed(array, dtype: str):
    """As a program takes it: files hold integers narrowed, and a bfloat16's bits as uint16."""
    if dtype == "bfloat16" and array.dtype == np.uint16:
        return array.view(jnp.bfloat16)
    return np.asarray(array, dtype)
