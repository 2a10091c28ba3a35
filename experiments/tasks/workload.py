"""What a row's run works on: its data, loaded or prepared, and the task made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from largebatch.experiments.program.errors import UserError
from largebatch.experiments.rows import choices
from largebatch.experiments.rows.row import Row

if TYPE_CHECKING:
    from largebatch.data.imagenet.decoding import SkippedImages

IMAGE_EVAL_BATCH = 1000
IMAGENET_EVAL_BATCH = 100
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
    if row.task == "pretraining":
        return _pretraining(row, data_dir, seed)
    if row.dataset in choices.STREAMED_IMAGES:
        return _imagenet(row, data_dir, seed, skipped, image_cache)
    return _images(row, data_dir, seed)


def _imagenet(row: Row, data_dir: str | None, seed: int, skipped, image_cache) -> Workload:
    from largebatch.data import find_imagenet
    from largebatch.experiments.tasks.classification import ImageNetClassification

    files = find_imagenet(data_dir, row.image_size)
    if files.num_train != row.training_examples:
        raise UserError(
            f"{files.folder} has {files.num_train} training examples and the recipe "
            f"{row.training_examples}; check --data_dir, or add --set examples={files.num_train} "
            "to train on these (with a batch_size to fit), which is no run of the paper's row"
        )
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


def _images(row: Row, data_dir: str | None, seed: int) -> Workload:
    from largebatch import data
    from largebatch.experiments.tasks.classification import ImageClassification

    images = data.load(row.dataset, data_dir)
    if len(images.train_labels) != row.training_examples:
        raise UserError(
            f"{row.dataset} has {len(images.train_labels)} training examples here and "
            f"{row.training_examples} in the recipe; check --data_dir"
        )
    return Workload(
        ImageClassification(row, images, seed),
        row.steps_per_epoch,
        row.eval_every,
        IMAGE_EVAL_BATCH,
        {},
    )


def _pretraining(row: Row, data_dir: str | None, seed: int) -> Workload:
    from largebatch.experiments.tasks.pretraining import Pretraining

    files = text_files(row, data_dir)
    return Workload(
        Pretraining(row, files, seed),
        None,
        row.eval_every,
        TEXT_EVAL_BATCH,
        text_summary(files),
    )


def text_summary(files: list) -> dict[str, Any]:
    """What a run's record says of the text of its stages."""
    return {
        "vocabulary_file": str(files[0].vocabulary_file),
        "vocabulary_sha256": files[0].vocabulary_sha256,
        "lower_case": files[0].lower_case,
        "stages": [_summary(found) for found in files],
    }


def text_files(row: Row, data_dir: str | None) -> list:
    """The prepared text of each of the row's stages, made where it is not there.

    Raises:
      ValueError: The data are not there, or not the row's.
    """
    from largebatch.data import check_same_vocabulary, find_pretraining

    folder = _text_folder(row, data_dir)
    files = [find_pretraining(folder, stage.sequence_length) for stage in row.stages]
    check_same_vocabulary(*files)
    for found in files:
        # A vocabulary made for the row may come out a little smaller than asked for.
        exact = row.dataset == "wikipedia_books"
        if found.vocabulary_size > row.vocabulary_size or (
            exact and found.vocabulary_size != row.vocabulary_size
        ):
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
    if row.dataset == "python_text":
        if data_dir is not None:
            raise UserError(
                f"--data_dir={data_dir}: {row.name} at this scale brings its own text; leave the "
                "flag out, or add --set dataset=text_folder to train on the .txt files there"
            )
        return str(prepare_pretraining("python", lengths, row.vocabulary_size))
    if data_dir is None:
        wanted = (
            "shards made by python -m largebatch.data.create_pretraining_data, for sequences of "
            f"{' and '.join(map(str, lengths))}"
            if row.dataset == "wikipedia_books"
            else "shards made by python -m largebatch.data.prepare_prose, or with .txt files"
        )
        raise UserError(f"{row.name}: --data_dir is missing: the folder with {wanted}")
    if row.dataset == "text_folder" and not holds_shards(data_dir):
        return str(prepare_pretraining(data_dir, lengths, row.vocabulary_size))
    return data_dir


def _summary(files) -> dict[str, Any]:
    return {
        "manifest": str(files.manifest_file),
        "sequence_length": files.sequence_length,
        "max_predictions": files.max_predictions,
        "train_examples": sum(shard.examples for shard in files.train),
        "eval_examples": sum(shard.examples for shard in files.eval),
    }
