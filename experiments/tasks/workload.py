"""What a row's run works on: its data, loaded or prepared, and the task made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from largebatch import cli
from largebatch.data.files import storage
from largebatch.experiments.program.errors import UserError
from largebatch.experiments.rows import choices, scale
from largebatch.experiments.rows.row import Row

if TYPE_CHECKING:
    from largebatch.data.imagenet.decoding import SkippedImages
    from largebatch.data.imagenet.files import ImageNetFiles

IMAGE_EVAL_BATCH = 1000
IMAGENET_EVAL_BATCH = 100
IMAGENET_VALIDATION = 50_000
TEXT_EVAL_BATCH = 32


class Workload(NamedTuple):
    """`steps_per_epoch` is None for text; `data` is what the run's files say of the data."""

    task: Any
    steps_per_epoch: float | None
    eval_every: int  # updates
    eval_batch: int  # of one replica
    data: dict[str, Any]


def load(
    row: Row,
    data_dir: str | None,
    seed: int,
    skipped: SkippedImages | None = None,
    image_cache: str | None = None,
) -> Workload:
    """Loads or prepares what `row` works on.

    Args:
      skipped: ImageNet: a `SkippedImages`, takes the corrupt ones; None: one is an error.
      image_cache: ImageNet: the folder of the files' copies, see `ShardCache`.

    Raises:
      ValueError: The data are not there, or not the row's.
    """
    if row.dataset not in choices.STREAMED_IMAGES:
        for flag, value in (("skip_corrupt", skipped), ("image_cache", image_cache)):
            if value is not None:
                raise UserError(f"--{flag}: {row.name} works on {row.dataset}, not on image files")
    _check_read(row, data_dir)
    if row.task == "pretraining":
        return _pretraining(row, data_dir, seed)
    if row.dataset in choices.STREAMED_IMAGES:
        return _imagenet(row, data_dir, seed, skipped, image_cache)
    return _images(row, data_dir, seed)


def check_folder(row: Row, data_dir: str | None) -> None:
    """Looks for the row's data in `data_dir` without TensorFlow, and reads none of them.

    Raises:
      ValueError: They are not there, or the row reads no folder. What lies on a remote file system
        is looked for when the run begins.
    """
    _check_read(row, data_dir)
    if row.dataset in choices.TEXTS:
        _check_text_folder(row, data_dir)
        if row.dataset == "wikipedia_books" and "://" not in data_dir:
            _shards(row, data_dir)
    elif row.dataset not in _BUILT_IN and "://" not in str(data_dir):
        if row.dataset in choices.STREAMED_IMAGES:
            from largebatch.data import find_imagenet

            _check_imagenet(row, find_imagenet(data_dir, row.image_size))
        else:
            from largebatch.data import check_folder

            check_folder(row.dataset, data_dir)


# What brings its own data: why a folder would not be read.
_BUILT_IN = {
    "digits": "trains on scikit-learn's digits, which need no folder; leave the flag out",
    "python_text": "brings its own text; leave the flag out, or add --set dataset=text_folder to "
    "train on the .txt files there",
}


def _check_read(row: Row, data_dir: str | None) -> None:
    """Refuses a folder that the row would not read."""
    if row.dataset in _BUILT_IN and data_dir is not None:
        name = f"{row.name}{scale.at(row)}"
        raise UserError(f"--data_dir={data_dir}: {name} {_BUILT_IN[row.dataset]}")


def _imagenet(row: Row, data_dir: str | None, seed: int, skipped, image_cache) -> Workload:
    from largebatch.data import find_imagenet
    from largebatch.data.imagenet import sorted_shards
    from largebatch.data.imagenet.train import BLOCK
    from largebatch.experiments.tasks.classification import ImageNetClassification

    files = find_imagenet(data_dir, row.image_size)
    _check_imagenet(row, files)
    said = sorted_shards.warning(files, row.batch_size, BLOCK)
    if said:
        cli.warn(f"warning: {said}")
    return Workload(
        ImageNetClassification(row, files, seed, skipped, image_cache),
        row.steps_per_epoch,
        row.eval_every,
        IMAGENET_EVAL_BATCH,
        {
            "folder": files.folder,
            "version": files.version,
            "train_examples": files.num_train,
            "eval_examples": files.num_test,
        },
    )


def _check_imagenet(row: Row, files: ImageNetFiles) -> None:
    """Refuses another number of images than the row's; a row with --set examples takes any."""
    if files.num_train != row.training_examples:
        raise UserError(
            f"{files.folder} has {files.num_train} training examples and the recipe "
            f"{row.training_examples}; check --data_dir, or add --set examples={files.num_train} "
            "to train on these (with a batch_size to fit), which is no run of the paper's row"
        )
    if files.num_test != IMAGENET_VALIDATION and row.examples is None:
        raise UserError(
            f"{files.folder} has {files.num_test:,} validation images, ImageNet has "
            f"{IMAGENET_VALIDATION:,}: a score on a part of them is none of the paper's; get the "
            "validation split whole"
        )


def _images(row: Row, data_dir: str | None, seed: int) -> Workload:
    from largebatch import data
    from largebatch.experiments.tasks.classification import ImageClassification

    images = data.load(row.dataset, data_dir)
    if len(images.train_labels) != row.training_examples:
        raise UserError(
            f"{row.dataset} has {len(images.train_labels)} training examples here and "
            f"{row.training_examples} in the recipe; check --data_dir"
        )
    task = ImageClassification(row, images, seed)
    return Workload(task, row.steps_per_epoch, row.eval_every, IMAGE_EVAL_BATCH, {})


def _pretraining(row: Row, data_dir: str | None, seed: int) -> Workload:
    from largebatch.experiments.tasks.pretraining import Pretraining

    files = text_files(row, data_dir)
    task = Pretraining(row, files, seed)
    return Workload(task, None, row.eval_every, TEXT_EVAL_BATCH, text_summary(files))


def text_summary(files: list) -> dict[str, Any]:
    """What a run's record says of the text of its stages."""
    return {
        "vocabulary_file": str(files[0].vocabulary_file),
        "vocabulary_sha256": files[0].vocabulary_sha256,
        "lower_case": files[0].lower_case,
        "stages": [
            {
                "manifest": str(found.manifest_file),
                "sequence_length": found.sequence_length,
                "max_predictions": found.max_predictions,
                "train_examples": sum(shard.examples for shard in found.train),
                "eval_examples": sum(shard.examples for shard in found.eval),
            }
            for found in files
        ],
    }


def text_files(row: Row, data_dir: str | None) -> list:
    """The prepared text of each of the row's stages, made where it is not there.

    Raises:
      ValueError: The data are not there, or not the row's.
    """
    return _shards(row, _text_folder(row, data_dir))


def _shards(row: Row, folder: str) -> list:
    from largebatch.data import check_same_vocabulary, find_pretraining

    files = [find_pretraining(folder, stage.sequence_length) for stage in row.stages]
    check_same_vocabulary(*files)
    for found in files:
        # A vocabulary made for the row may come out a little smaller than asked for.
        smaller = found.vocabulary_size < row.vocabulary_size
        exact = row.dataset == "wikipedia_books"
        if found.vocabulary_size != row.vocabulary_size and (exact or not smaller):
            raise UserError(
                f"{found.manifest_file}: a vocabulary of {found.vocabulary_size} words found, the "
                f"row's has {row.vocabulary_size}; make the shards with another --vocab, or "
                f"--set vocabulary_size={found.vocabulary_size}"
            )
    return files


def _text_folder(row: Row, data_dir: str | None) -> str:
    """The folder with the shards, which are made first where the row's text is not prepared."""
    from largebatch.data import holds_shards, prepare_pretraining

    lengths = [stage.sequence_length for stage in row.stages]
    _check_text_folder(row, data_dir)
    if row.dataset == "python_text":
        return str(prepare_pretraining("python", lengths, row.vocabulary_size))
    if row.dataset == "text_folder" and not holds_shards(data_dir):
        return str(prepare_pretraining(data_dir, lengths, row.vocabulary_size))
    return data_dir


def _check_text_folder(row: Row, data_dir: str | None) -> None:
    if row.dataset == "python_text":
        return
    if data_dir is None:
        lengths = " and ".join(str(stage.sequence_length) for stage in row.stages)
        wanted = (
            "shards made by python -m largebatch.data.create_pretraining_data, for sequences of "
            f"{lengths}"
            if row.dataset == "wikipedia_books"
            else "shards made by python -m largebatch.data.prepare_prose, or with .txt files"
        )
        raise UserError(f"{row.name}: --data_dir is missing: the folder with {wanted}")
    state = None if storage.is_remote(data_dir) else storage.folder_state(data_dir)
    if state is not None:
        raise UserError(f"--data_dir={data_dir} {state}")
