"""The suite's portable trainer for many runs in one process, whose data are on the device already.

What an exported folder's `device.py` does for one row is kept: its loops, its evaluation. Three
things are added: image sets are shared by all trainers, batches of text are cut out of one store
(`gpu_text`), and everything is compiled before the first run, so that a thread can do it.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import numpy as np

from largebatch.benchmarks.seeded_weights import made

TEXT_TOKENS = 1 << 22  # of a block of batches on the device


class Types(NamedTuple):
    """Classes made for the module `device` of an exported folder."""

    programs: Any  # folder -> programs
    trainer: Any  # (programs, arrays of the image set, store of text) -> trainer


def types_of(device) -> Types:
    """The two classes on top of the module's own."""
    return Types(_programs(device), _trainer(device))


def _programs(device):
    class Programs(device.Programs):
        """A folder whose weights may be recipes of normal numbers, too."""

        def initial_state(self, seed: int) -> dict:
            file = self.folder / "weights" / "normal.json"
            if not file.exists():
                return super().initial_state(seed)
            recipes = self.manifest["weights"]["recipes"]
            seeds = device.draws.initial_seeds(seed, len(recipes) + 1000)
            state = {name: device.draws.initial_value(r, seeds) for name, r in recipes.items()}
            for name, recipe in json.loads(file.read_text()).items():
                drawn = {"seed": seeds[recipe["draw"]]} if "draw" in recipe else {}
                state[name] = made({**recipe, **drawn})
            names = self.manifest["state"]["names"]
            return {name: device.jnp.asarray(state[name]) for name in names}

    return Programs


def _trainer(device):
    jax, jnp = device.jax, device.jnp

    class Trainer(device.Trainer):
        def __init__(self, programs, arrays, store):
            self._arrays, self._store = arrays, store
            self._take = jax.jit(lambda array, numbers: jnp.take(array, numbers, axis=0))
            super().__init__(programs)

        def _load_set(self, data_file):
            self._set, self.same_data = self._arrays, True  # checked where they were read

        def _size(self, stage: int) -> int:
            """Updates in a block of text."""
            place = self.manifest["stages"][stage]
            inputs = self.manifest["programs"][place["update"]]["inputs"]
            length = next(shape[-1] for name, shape, _ in inputs if name == "input_word_ids")
            return min(place["steps"], max(1, TEXT_TOKENS // (place["batch_size"] * length)))

        def block(self, stage: int, seed: int, step: int):
            if self._in_memory:
                return super().block(stage, seed, step)
            size = self._size(stage)
            first = step // size * size
            return first, min(first + size, self.manifest["stages"][stage]["steps"])

        def _block_arrays(self, stage: int, seed: int, first: int):
            key = (seed, stage, first)
            if key not in self._read:
                place, size = self.manifest["stages"][stage], self._size(stage)
                count = min(size, place["steps"] - first)
                batch = place["batch_size"]
                arrays = self._store.batches(self._take, seed, stage, batch, first, count)
                missing = [(0, size - count)]  # one shape, so one program
                self._read = {
                    key: {
                        name: jnp.pad(jnp.asarray(value), missing + [(0, 0)] * (value.ndim - 1))
                        for name, value in arrays.items()
                    }
                }
            return self._read[key]

        def compile(self) -> None:
            """Compiles the loops of all stages and the evaluation."""
            seed = 0 if self._in_memory else self._store.seeds[0]
            state = self.programs.initial_state(seed)
            for stage in range(len(self.manifest["stages"])):
                data = self.stage_data(stage, seed)
                if data is None:
                    data = self._block_arrays(stage, seed, 0)
                given = (state, self.new_said(), data, np.int64(seed), np.float32(1), np.int64(0))
                loops, places = (
                    (self._loops, (np.int64(0), np.int64(1)))
                    if self._on_device
                    else (self._once, (np.int64(0),))
                )
                loops[stage] = loops[stage].lower(*given, *places).compile()
            self._read = {}
            self.evaluate(state)

    return Trainer
