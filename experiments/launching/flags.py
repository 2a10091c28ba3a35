"""The flags that say where and how a run executes: the same for one run and for a sweep of them."""

from __future__ import annotations

import re
from typing import Any

from absl import flags

from largebatch import cli
from largebatch.experiments.launching.options import DEVICES
from largebatch.experiments.tables import row_flags

# The fields of RunSettings that a sweep hands on to each of its runs as they are.
FORWARDED = (
    *("data_dir", "squad_dir", "device", "tpu", "num_devices", "deterministic"),
    *("micro_batch", "steps_per_loop", "checkpoint_every", "skip_corrupt", "image_cache"),
)
# And those of `run` and `sweep` alone.
OF_RUNS = ("max_steps", "keep_checkpoints", "profile", "tags", "wandb", "quiet")


class Tags(flags.ListParser):
    """Words, separated by commas."""

    def parse(self, argument: Any) -> list[str]:
        words = super().parse(argument)
        for word in words:
            if not re.fullmatch(r"[\w.+=-]+", word):
                raise ValueError(f"want words of letters, digits and .+=_-, found {word!r}")
        return words


class MicroBatch(flags.ArgumentParser):
    """A whole number, or auto, which is None."""

    syntactic_help = "a whole number, or auto"

    def parse(self, argument: Any) -> int | None:
        if argument is None or argument == "auto":
            return None
        try:
            return int(argument)
        except ValueError:
            raise ValueError("want a whole number, or auto") from None

    def flag_type(self) -> str:
        return "int|auto"


def define(values: flags.FlagValues) -> None:
    """Defines them, with --scale and --set, in `values`."""
    define = cli.Define(values)
    row_flags.define_scale(values)
    row_flags.define_set(values)
    define.path(
        "data_dir",
        None,
        "Images: a TFDS folder, or a folder with the official files (default: TFDS's own); BERT: "
        "the shards made by create_pretraining_data or prepare_prose.",
    )
    define.path(
        "squad_dir",
        None,
        "BERT: the folder of SQuAD v1.1's files, to fine-tune and score on after pre-training. "
        "Default: no fine-tuning.",
    )
    define.enum(
        "device", "auto", DEVICES, "auto: a TPU with --tpu, otherwise a GPU if there is one."
    )
    define.string("tpu", None, "Name or address of a Cloud TPU.")
    define.integer(
        "num_devices", None, "How many. Default: all; on a CPU 1, and more are logical ones."
    )
    define.boolean(
        "deterministic", False, "Slower kernels that give the same bits for the same seed."
    )
    define.parsed(
        MicroBatch(),
        "micro_batch",
        None,
        "Examples in one forward pass on one device; gradients are accumulated up to the row's "
        "batch. Default: auto, as many as fit.",
    )
    define.integer(
        "steps_per_loop",
        None,
        "Updates in one call of the loop on the device. Default: 100, on a CPU 10.",
    )
    define.integer(
        "checkpoint_every",
        None,
        "Updates between two checkpoints. Default: a twentieth of the run.",
    )
    define.boolean(
        "skip_corrupt",
        False,
        "ImageNet: leave out and count images that cannot be decoded; without it, one ends the "
        "run.",
    )
    define.output_folder(
        "image_cache",
        None,
        "ImageNet: a local folder that keeps copies of remote files (gs://...) as they are first "
        "read; about 150 GB for all of them.",
    )


def define_of_runs(values: flags.FlagValues) -> None:
    """Defines those of `run` and `sweep`; --quiet is every program's."""
    define = cli.Define(values)
    define.integer(
        "max_steps",
        None,
        "Stop after this many updates, with a checkpoint. Such a run counts as interrupted and is "
        "in no table; the same command without the flag continues it.",
    )
    define.integer("keep_checkpoints", 2, "How many of the newest checkpoints to keep.")
    define.integer(
        "profile",
        None,
        "Profile this many updates for TensorBoard, after the first loop on the device.",
    )
    define_tags(values, "Words to record, separated by commas; report --tags selects runs.")
    define.boolean("wandb", False, "Also log to Weights & Biases (pip install largebatch[wandb]).")


def define_tags(values: flags.FlagValues, text: str) -> None:
    serializer = flags.CsvListSerializer(",")
    flags.DEFINE(Tags(), "tags", [], text, values, serializer=serializer)


def given(values: flags.FlagValues) -> list[str]:
    """The forwarded flags that differ from their defaults, as arguments."""
    arguments = []
    for name in (*FORWARDED, *(name for name in OF_RUNS if name in values)):
        value = values[name].value
        if value != values[name].default:
            text = ",".join(value) if isinstance(value, list) else value
            arguments.append(f"--{name}" if value is True else f"--{name}={text}")
    return arguments
