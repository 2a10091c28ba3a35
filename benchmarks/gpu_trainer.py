"""The suite's portable trainer for many runs in one process, whose data are on the device already.

What an exported folder's `device.py` does for one row is kept: its loops, its evaluation. Three
things are added: image sets are shared by all trainers, batches of text are cut out of one store
(`gpu_text`), and everything is compiled before the first run, so that a thread can do it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from largebatch.benchmarks import gpu_text
from largebatch.benchmarks.seeded_weights import made

TEXT_TOKENS = 1 << 22  # of a block of batches on the device
_DRAWN: dict[tuple[int, str], np.ndarray] = {}


class Types(NamedTuple):
    """Classes made for the module `device` of an exported folder."""

    programs: Any  # folder -> programs
    # (programs, the image set's arrays, seed -> its order of images, store of text) -> trainer
    trainer: Any


def types_of(device) -> Types:
    """The two classes on top of the module's own."""
    return Types(_programs(device), _trainer(device))


def _programs(device):
    class Programs(device.Programs):
        """A folder whose weights may be recipes of normal numbers, too."""

        def initial_state(self, seed: int) -> dict:
            recipes = self.manifest["weights"]["recipes"]
            seeds = device.draws.initial_seeds(seed, len(recipes) + 1000)
            state = {
                name: _drawn(seed, recipe, lambda r: device.draws.initial_value(r, seeds))
                for name, recipe in recipes.items()
            }
            file = self.folder / "weights" / "normal.json"
            for name, recipe in json.loads(file.read_text()).items() if file.exists() else ():
                own = {"seed": seeds[recipe["draw"]]} if "draw" in recipe else {}
                state[name] = _drawn(seed, {**recipe, **own}, made)
            names = self.manifest["state"]["names"]
            return device.on_device({name: state[name] for name in names})

    return Programs


def _drawn(seed: int, recipe: dict, draw: Callable[[dict], np.ndarray]) -> np.ndarray:
    """What a recipe makes, drawn once: optimizers start from the same weights."""
    if "constant" in recipe or recipe.get("kind") == "constant":
        return draw(recipe)
    key = (seed, json.dumps(recipe, sort_keys=True))
    if key not in _DRAWN:
        _DRAWN[key] = draw(recipe)
    return _DRAWN[key]


def _trainer(device):
    jax = device.jax

    class Trainer(device.Trainer):
        def __init__(self, programs, arrays, orders, store, on_device=None):
            self._arrays, self._orders, self._store = arrays, orders, store
            self._make = jax.jit(gpu_text.batches, static_argnums=3)
            super().__init__(programs, on_device=on_device)

        def _load_set(self, data_file):
            self._set = self._arrays
            self.same_data = True  # they were checked where they were read

        def stage_data(self, stage: int, seed: int):
            if not self._in_memory:
                return None
            place = self.manifest["stages"][stage]
            wanted = place["steps"] * place["batch_size"]
            return self._with_order(device.on_device(self._orders[seed][:wanted]))

        def _with_order(self, order):
            names = {"images": "train_images", "labels": "train_labels"}
            return {**{name: self._set[key] for name, key in names.items()}, "order": order}

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
                batch = self.manifest["stages"][stage]["batch_size"]
                drawn = self._store.block(seed, stage, batch, first, self._size(stage))
                self._read = {key: self._make(self._store.examples[stage], *drawn, batch)}
            return self._read[key]

        def compile(self) -> None:
            """Compiles the loops of all stages and the evaluation."""
            seed = 0 if self._in_memory else self._store.seeds[0]
            state = self.programs.initial_state(seed)
            for stage, place in enumerate(self.manifest["stages"]):
                if self._in_memory:
                    wanted = place["steps"] * place["batch_size"]
                    data = self._with_order(jax.ShapeDtypeStruct((wanted,), np.int32))
                else:
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
