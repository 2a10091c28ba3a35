"""Packs what a GPU run needs into one folder, on the machine that has TensorFlow and the data.

    python -m largebatch.benchmarks.gpu_pack --output=PACK --mnist=DIR --cifar10=DIR --text=DIR

PACK/data holds the sets (`gpu_data`, `gpu_text`), PACK/programs.tar.xz the exported rows of the
plan (`gpu_plan`), PACK/steps the programs that are only timed, PACK/jobs.json the runs in their
order, PACK/code the portable runner. What is there is kept: the same command continues.
--only=GLOBS packs some of the rows; --small makes each run a few updates of a small model, for a
rehearsal. PACK/folders is not needed on the other machine.
"""

from __future__ import annotations

import fnmatch
import json
import shutil
import tarfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from largebatch import cli
from largebatch.benchmarks import gpu_data, gpu_plan, gpu_text

PROGRAMS, JOBS, RECIPES = "programs.tar.xz", "jobs.json", "normal.json"
CODE = ("runner.py", "device.py", "draws.py")  # the same in all folders: PACK/code has them

FLAGS = cli.new_flags()
define = cli.Define(FLAGS)
define.output_folder("output", None, "The folder to write.")
define.path("mnist", None, "The data folder of MNIST, as --data_dir of a run.")
define.path("cifar10", None, "The data folder of CIFAR-10.")
define.path("text", None, "A folder with .txt files.")
define.string("only", "*", "Pack the rows whose names match a glob of these.")
define.boolean("small", False, "A few updates of a small model of each row.")


def main() -> int:
    cli.require(FLAGS, "output")
    folder = Path(FLAGS.output)
    dirs = {"mnist": FLAGS.mnist, "cifar10": FLAGS.cifar10, "text_folder": FLAGS.text}
    pack(folder, dirs, FLAGS.only, FLAGS.small)
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        if "folders" not in file.relative_to(folder).parts:
            print(f"{file.stat().st_size:>12,}  {file}")
    return 0


def pack(folder: Path, dirs: Mapping[str, str | None], only: str, small: bool) -> None:
    """Packs the plan's rows whose names match `only`.

    Raises:
      ValueError: No row matches, or the data of one are not named or not there.
    """
    globs = only.split(",")
    exports = [e for e in gpu_plan.exports() if any(fnmatch.fnmatchcase(e.row, g) for g in globs)]
    if not exports:
        raise ValueError(f"--only={only} matches no row of the plan")
    for kind in dict.fromkeys(export.kind for export in exports):
        if not dirs.get(kind):
            raise ValueError(f"the plan has rows on {kind}: name its folder")
    (folder / "data").mkdir(parents=True, exist_ok=True)
    (folder / "folders").mkdir(exist_ok=True)
    jobs = [job for job in gpu_plan.jobs() if job.program in {e.folder for e in exports}]
    for number, export in enumerate(exports, start=1):
        row = gpu_plan.row_of(export, small)
        target = folder / "folders" / export.folder
        if not target.exists():
            begin = time.monotonic()
            _export(row, target, dirs[export.kind])
            print(
                f"{number}/{len(exports)} {row.name}: {time.monotonic() - begin:.0f} s", flush=True
            )
    if only == "*" and not (folder / "steps" / "manifest.json").exists():
        from largebatch.benchmarks import gpu_step_programs

        gpu_step_programs.write(folder / "steps", small)
    for kind in dict.fromkeys(export.kind for export in exports):
        _data(folder / "data", kind, dirs[kind], {job.seed for job in jobs if _is_text(job)})
    steps = {e.folder: gpu_plan.row_of(e, small).steps for e in exports}
    titles = {job.title for job in jobs}
    records = [
        {
            **job.record(),
            "updates": steps[job.program],
            "after": [title for title in job.after if title in titles],
        }
        for job in jobs
    ]
    (folder / JOBS).write_text(json.dumps(records, indent=1) + "\n")
    with tarfile.open(folder / PROGRAMS, "w:xz") as tar:
        tar.add(folder / "folders", "folders")


def _export(row, target: Path, data_dir: str) -> None:
    """Exports a row and leaves out what all folders share."""
    import tensorflow as tf

    from largebatch.experiments.export_program.folder import export
    from largebatch.tpu.lowering.conversion import ConversionEnvironment

    scratch = target.with_suffix(".scratch")
    shutil.rmtree(scratch, ignore_errors=True)
    what = {"copy_data": False, "max_steps": 0, "precisions": ("default",)}
    seeds = [gpu_plan.FIRST_SEED]
    export(row, scratch, ConversionEnvironment(), data_dir=data_dir, seeds=seeds, **what)
    code = target.parents[1] / "code"
    code.mkdir(exist_ok=True)
    for name in CODE:
        (scratch / name).replace(code / name)
    _weights_as_recipes(scratch)
    scratch.rename(target)
    tf.keras.backend.clear_session()


def _weights_as_recipes(folder: Path) -> None:
    """Puts recipes that hold for every seed in the place of one seed's weights.

    Raises:
      ValueError: An array that is drawn in another way.
    """
    import numpy as np

    from largebatch.benchmarks.seeded_weights import recipe_of
    from largebatch.experiments.export_program.draws import initial_seeds

    for file in sorted((folder / "weights").glob("seed=*.npz")):
        seed = int(file.stem.partition("=")[2])
        with np.load(file, allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in arrays.files}
        seeds = initial_seeds(seed, 4 * len(found))
        recipes = {name: recipe_of(array, seeds) for name, array in found.items()}
        for name, recipe in recipes.items():
            if recipe is None:
                raise ValueError(f"{folder.name}: {name} is drawn by no initializer known here")
            if "seed" in recipe:
                recipe["draw"] = seeds.index(recipe.pop("seed"))
        (file.parent / RECIPES).write_text(json.dumps(recipes))
        file.unlink()


def _data(folder: Path, kind: str, data_dir: str, seeds: set[int]) -> None:
    if kind == "text_folder":
        if not (folder / f"{gpu_text.NAME}.npz.xz").exists():
            _text(folder, data_dir, sorted(seeds))
        return
    if (folder / f"{kind}.npz.xz").exists():
        return
    from largebatch import data
    from largebatch.experiments.export_program.data import SET

    images = data.load(kind, data_dir)
    arrays = {name: getattr(images, name) for name in SET}
    jpegs = _jpegs(data_dir, kind) if kind == "cifar10" else None
    if jpegs is None:
        return gpu_data.write_arrays(folder, kind, arrays)
    gpu_data.write_jpegs(folder, kind, jpegs, arrays)
    gpu_data.read(folder, kind)  # a set whose JPEGs decode otherwise is noticed here


def _jpegs(data_dir: str, name: str) -> dict[str, list[bytes]] | None:
    """The encoded images of a folder of TFDS, in its order; None where they are no JPEGs."""
    import tensorflow as tf

    found: dict[str, list[bytes]] = {}
    for split in ("train", "test"):
        files = sorted(Path(data_dir).rglob(f"{name}-{split}.tfrecord-*"))
        for record in tf.data.TFRecordDataset([str(f) for f in files]).as_numpy_iterator():
            features = tf.train.Example.FromString(record).features.feature
            found.setdefault(f"{split}_images", []).append(features["image"].bytes_list.value[0])
    every = [file for files in found.values() for file in files]
    return found if every and all(file.startswith(b"\xff\xd8") for file in every) else None


def _text(folder: Path, data_dir: str, seeds: list[int]) -> None:
    from largebatch.data.text.wordpiece import MASK, Vocabulary
    from largebatch.experiments.analyses import floors
    from largebatch.experiments.tables import prose, registry
    from largebatch.experiments.tasks import workload
    from largebatch.experiments.tasks.pretraining import EVAL_EXAMPLES

    files = workload.text_files(registry.find(f"prose/lamb-{prose.MIDDLE}"), data_dir)
    examples = (prose.FIRST, prose.LATER)
    steps = [count // min(prose.BATCHES) for count in examples]
    mask_id = Vocabulary.read(files[0].vocabulary_file).id(MASK)
    (folder / "floors.json").write_text(json.dumps(floors.of_files(files), indent=1))
    gpu_text.pack(folder, files, examples, steps, seeds, mask_id, EVAL_EXAMPLES)


def _is_text(job: Any) -> bool:
    return job.name.startswith("prose/")


program, console = cli.entry(main, FLAGS, __doc__)


if __name__ == "__main__":
    console()
