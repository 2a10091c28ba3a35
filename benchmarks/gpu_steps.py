"""Step times on one device, beside its measured ceilings and beside optax, in one process.

For each exported program: seconds an update (a loop on the device, its slope over two lengths) and
the floating-point operations that XLA counts, to be compared with the device's measured rates. For
optimizers: one update of BERT-Base's 199 tensors by this suite's exported LAMB and AdamW, and by
optax's, in turns, on the same weights and gradients; the floor is each array read and written once
at the measured copy rate. Needs jax, numpy and optax alone.
"""

from __future__ import annotations

import functools
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

ROUNDS = 7  # of interleaved timings
_FLOAT = ("float32", "bfloat16", "float16")
_POSITIVE = ("v/", "optimizer/", "weight", "update_", "masked_lm_weights")
# Below which number an input of integers lies; others are 0 or 1.
LIMITS = {
    **{"input_word_ids": 30_000, "masked_lm_positions": 100, "masked_lm_ids": 30_000},
    **{"label": 10, "dropout_seed": 1 << 31},
}


def ceilings(small: bool = False) -> dict[str, float]:
    """Bytes a second of a copy (read and written), and operations a second of square products."""
    import jax
    import jax.numpy as jnp

    count, side = (1 << 20, 256) if small else (1 << 29, 8192)
    key = jax.random.key(0)
    copied = jax.random.normal(key, (count,), jnp.float32)
    copy = jax.jit(lambda x, one: x * one)
    found = {"copy_bytes_per_second": 2 * copied.nbytes / seconds(copy, copied, 1.0)}
    for name, dtype, precision in (
        ("bfloat16", jnp.bfloat16, "default"),
        ("float32_default", jnp.float32, "default"),
        ("float32_highest", jnp.float32, "highest"),
    ):
        x = jax.random.normal(key, (side, side), jnp.float32).astype(dtype)
        product = jax.jit(lambda a, precision=precision: jnp.matmul(a, a, precision=precision))
        found[f"matmul_{name}_flops_per_second"] = 2 * side**3 / seconds(product, x)
    return found


def seconds(call: Callable, *arguments, repeats: int = 5) -> float:
    """The median time of a call, after one that compiles it and warms up."""
    import jax

    jax.block_until_ready(call(*arguments))
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        jax.block_until_ready(call(*arguments))
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def filled(values: Sequence, limits: Mapping[str, int], seed: int = 0) -> dict[str, np.ndarray]:
    """name -> array of inputs (name, shape, dtype): noise, and never zeros, which run faster.

    Second moments and weights of examples must not be negative: where a name begins as theirs do,
    floats are positive. `limits` says below which number an integer input lies, by its name.
    """
    generator, arrays = np.random.default_rng(seed), {}
    for name, shape, dtype in values:
        if dtype in _FLOAT:
            made = 0.02 * generator.standard_normal(shape, np.float32)
            made = np.abs(made) if name.startswith(_POSITIVE) else made
        elif dtype == "bool":
            made = generator.integers(0, 2, shape) > 0
        else:
            made = generator.integers(0, limits.get(name, 2), shape)
        arrays[name] = np.asarray(made).astype(np.float32 if dtype in _FLOAT else dtype)
    return arrays


def prepared_update(programs, name: str, lengths: tuple[int, int]) -> Callable[[], dict]:
    """Compiles an exported update; what is returned times it on noise.

    `programs[name]` is a function of named arrays.
    """
    signature = programs.manifest["programs"][name]
    written = {value[0] for value in signature["outputs"]}
    kinds = {value[0]: value[2] for value in signature["inputs"]}
    given = filled(signature["inputs"], LIMITS)
    call = programs[name]

    def step(carried):
        after = call({**carried["state"], **carried["given"]})
        return {"state": {key: after[key] for key in carried["state"]}, "given": carried["given"]}

    carried = {
        "state": {key: value for key, value in given.items() if key in written},
        "given": {key: value for key, value in given.items() if key not in written},
    }
    measure = loop(step, carried, kinds, lengths)

    def timed() -> dict[str, Any]:
        about, (taken, compile_seconds) = programs.manifest["steps"][name], measure()
        return {**about, "seconds": taken, "examples_per_second": about["batch"] / taken,
                "flops_per_second": about["flops"] / taken,
                "compile_seconds": compile_seconds}  # fmt: skip

    return timed


def names(programs) -> list[str]:
    """What can be measured of a folder, in the order of its worth."""
    return ["optimizers", *programs.manifest["steps"]]


def prepare(programs, name: str, small: bool) -> Callable[[], Any]:
    """Compiles what `name` needs, in any thread; what is returned measures it."""
    if name == "optimizers":
        return prepared_optimizers(*exported_optimizers(programs), 2 if small else 10)
    return prepared_update(programs, name, (2, 4) if small else (5, 20))


def exported_optimizers(programs) -> tuple[dict, dict, dict, dict]:
    """What `optimizers` takes, of the folder's programs named update-NAME."""
    steps, states, weights, gradients = {}, {}, {}, {}
    for name, signature in programs.manifest["programs"].items():
        kind, _, optimizer = name.partition("update-")
        if kind or not optimizer:
            continue
        arrays = filled(signature["inputs"], {})
        written = {value[0] for value in signature["outputs"]}
        gradients = {k: v for k, v in arrays.items() if k.startswith("gradient/")}
        title = f"largebatch {optimizer}"
        states[title] = {k: v for k, v in arrays.items() if k in written}
        weights = {k: v for k, v in states[title].items() if k.startswith("weight/")}
        constant = {k: v for k, v in arrays.items() if k not in written and k not in gradients}

        def step(state, gradients, call=programs[name], constant=constant):
            after = call(
                {**constant, **state, **{f"gradient/{k}": g for k, g in gradients.items()}}
            )
            return {key: after[key] for key in state}

        steps[title] = step
    plain = {key.removeprefix("gradient/"): value for key, value in gradients.items()}
    return steps, states, {k.removeprefix("weight/"): v for k, v in weights.items()}, plain


def loop(step: Callable[[dict], dict], state, kinds: Mapping[str, str], lengths: tuple[int, int]):
    """Compiles a loop over updates of a state; returns what measures it.

    That returns (seconds an update, seconds to compile, XLA's operations an update). The time is
    the slope between loops of two lengths, so what a loop costs once is not in it.
    """
    import jax
    import jax.numpy as jnp

    def many(state, count):
        return jax.lax.fori_loop(0, count, lambda _, inner: step(inner), state)

    def typed(part):
        return {key: jnp.asarray(value, kinds.get(key)) for key, value in part.items()}

    shapes = {
        name: {k: jax.ShapeDtypeStruct(v.shape, kinds.get(k, v.dtype)) for k, v in part.items()}
        for name, part in state.items()
    }
    begin = time.perf_counter()
    compiled = jax.jit(many, donate_argnums=0).lower(shapes, np.int32(1)).compile()
    compile_seconds = time.perf_counter() - begin

    def measure():
        carried = {name: typed(part) for name, part in state.items()}
        carried = jax.block_until_ready(compiled(carried, np.int32(1)))
        slopes = []
        for _ in range(3):
            taken = []
            for count in lengths:
                begin = time.perf_counter()
                carried = jax.block_until_ready(compiled(carried, np.int32(count)))
                taken.append(time.perf_counter() - begin)
            slopes.append((taken[1] - taken[0]) / (lengths[1] - lengths[0]))
        return statistics.median(slopes), compile_seconds

    return measure


def interleaved(steps: Mapping[str, Callable[[], Any]]) -> dict[str, list]:
    """name -> seconds of each round; a round runs every contender once, so that what else happens
    on the machine falls on all of them alike."""
    import jax

    times: dict[str, list[float]] = {name: [] for name in steps}
    for step in steps.values():
        jax.block_until_ready(step())
    for _ in range(ROUNDS):
        for name, step in steps.items():
            begin = time.perf_counter()
            jax.block_until_ready(step())
            times[name].append(time.perf_counter() - begin)
    return times


def prepared_optimizers(
    exported: Mapping[str, Callable[[dict, dict], dict]],
    states: Mapping[str, dict],
    weights: Mapping[str, np.ndarray],
    gradients: Mapping[str, np.ndarray],
    updates: int = 10,
) -> Callable[[], dict[str, Any]]:
    """Compiles the optimizers' updates, `updates` of them in a loop on the device; what is returned
    measures them in turns.

    Args:
      exported: name -> (state, gradients) -> state, programs of this suite.
      states: name -> their state, weights and slots.
      weights, gradients: For optax's contenders.
    """
    import jax
    import optax

    def decayed(tree):
        return {name: not any(part in name for part in ("norm", "bias")) for name in tree}

    def of_optax(transform):
        def step(carry, gradients):
            weights, slots = carry
            change, slots = transform.update(gradients, slots, weights)
            return optax.apply_updates(weights, change), slots

        return step, (dict(weights), transform.init(dict(weights)))

    contenders = {name: (step, states[name]) for name, step in exported.items()}
    contenders["optax lamb"] = of_optax(optax.lamb(1e-4, weight_decay=0.01, mask=decayed))
    contenders["optax adamw"] = of_optax(optax.adamw(1e-4, weight_decay=0.01, mask=decayed))
    shapes = jax.tree.map(lambda a: jax.ShapeDtypeStruct(np.shape(a), a.dtype), dict(gradients))
    compiled, compile_seconds = {}, {}
    for name, (step, state) in contenders.items():

        def many(state, gradients, step=step):
            return jax.lax.fori_loop(0, updates, lambda _, s: step(s, gradients), state)

        begin = time.perf_counter()
        lowered = jax.jit(many, donate_argnums=0).lower(jax.eval_shape(lambda s: s, state), shapes)
        compiled[name] = lowered.compile()
        compile_seconds[name] = time.perf_counter() - begin

    def measure() -> dict[str, Any]:
        given = jax.tree.map(jax.numpy.asarray, dict(gradients))
        kept = {n: jax.tree.map(jax.numpy.array, state) for n, (_, state) in contenders.items()}

        def run(name: str):
            kept[name] = compiled[name](kept[name], given)
            return kept[name]

        runs = {name: functools.partial(run, name) for name in contenders}
        times = interleaved(runs)
        found = {
            name: {
                "seconds": statistics.median(taken) / updates,
                "ratio_to_optax_lamb": statistics.median(
                    a / b for a, b in zip(taken, times["optax lamb"])
                ),
                "compile_seconds": compile_seconds[name],
            }
            for name, taken in times.items()
        }
        numbers = sum(array.size for array in weights.values())
        # Gradients, weights and two moments are read, all but gradients written: 7 x 4 bytes.
        return {"numbers": numbers, "least_bytes": 28 * numbers, "optimizers": found}

    return measure
