"""What packing leaves out of an exported folder, and what a run's start makes of the rest."""

import json
import types

import numpy as np
import pytest

from largebatch.benchmarks import gpu_pack, gpu_trainer
from largebatch.benchmarks.seeded_weights import made
from largebatch.experiments.export_program import draws

SEED, DRAWS = 100, 3


def normal(seed, draw, shape):
    seeds = draws.initial_seeds(seed, DRAWS)
    recipe = {"kind": "truncated_normal", "seed": seeds[draw], "mean": 0.0, "std": 0.02}
    return made({**recipe, "shape": shape})


def weights(seed):
    return {
        "model/embeddings": normal(seed, 2, [30, 8]),
        "model/kernel": normal(seed, 0, [8, 4]),
        "model/mixed": np.full([4], 0.5, np.float32),
    }


def folder_of(tmp_path, arrays):
    (tmp_path / "weights").mkdir()
    np.savez(tmp_path / "weights" / f"seed={SEED}.npz", **arrays)
    manifest = {"weights": {"recipes": {}}, "state": {"names": list(arrays)}}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    return tmp_path


def test_recipes_that_were_found_with_one_seed_make_the_weights_of_another(tmp_path):
    folder = folder_of(tmp_path, weights(SEED))
    gpu_pack._weights_as_recipes(folder)
    assert [file.name for file in (folder / "weights").iterdir()] == [gpu_pack.RECIPES]

    class Programs:  # of an exported folder's device.py
        def __init__(self, folder):
            self.folder = folder
            self.manifest = json.loads((folder / "manifest.json").read_text())

    device = types.SimpleNamespace(
        Programs=Programs, Trainer=object, draws=draws, jax=None, on_device=dict
    )
    state = gpu_trainer.types_of(device).programs(folder).initial_state(SEED + 1)
    for name, array in weights(SEED + 1).items():
        np.testing.assert_allclose(state[name], array, rtol=0, atol=1e-7)


def test_weights_that_no_known_initializer_draws_are_named(tmp_path):
    folder = folder_of(tmp_path, {"model/odd": np.arange(12, dtype=np.float32)})
    with pytest.raises(ValueError, match="model/odd is drawn by no initializer"):
        gpu_pack._weights_as_recipes(folder)


def test_rows_that_no_glob_matches_and_folders_that_are_missing_are_named(tmp_path):
    with pytest.raises(ValueError, match="matches no row"):
        gpu_pack.pack(tmp_path, {}, "table99/*", False)
    with pytest.raises(ValueError, match="rows on mnist: name its folder"):
        gpu_pack.pack(tmp_path, {}, "table7/*", False)
