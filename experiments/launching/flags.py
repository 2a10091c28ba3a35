"""The flags that say where and how a run executes: the same for one run and for a sweep of them."""

from __future__ import annotations

import re
from typing import Any

from absl import flags

from largebatch import cli
from largebatch.experiments.launching.options import DEVICES
from largebatch.experiments.rows import scale

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
    define.enum("scale", "paper", scale.ALL_SCALES, "How much of it to run.")
    define.multi_string("set", [], "field=value: change the row; repeatable.")
    define.path(
        "data_dir",
        None,
        "A TFDS folder, or a folder with the official files (default: TFDS's own); for BERT, the "
        "shards that create_pretraining_data made.",
    )
    define.path(
        "squad_dir",
        None,
        "BERT: the folder of SQuAD v1.1's files; pre-training is followed by fine-tuning and its "
        "F1. Default: no fine-tuning.",
    )
    define.enum("device", "auto", DEVICES, "Where to run.")
    define.string("tpu", None, "Name or address of a Cloud TPU.")
    define.integer("num_devices", None, "Devices to use; logical ones on a CPU.")
    define.boolean("deterministic", False, "The same bits for the same seed.")
    define.parsed(
        MicroBatch(),
        "micro_batch",
        None,
        "Examples of one replica in one forward pass; gradients are accumulated to the row's "
        "batch. auto, the default: what fits.",
    )
    define.integer("steps_per_loop", None, "Updates in one call of the device loop.")
    define.integer("checkpoint_every", None, "Updates between two checkpoints.")
    define.boolean(
        "skip_corrupt",
        False,
        "ImageNet: leave out images that cannot be decoded, and say how many they were; otherwise "
        "one ends the run.",
    )
    define.output_folder(
        "image_cache",
        None,
        "ImageNet: a local folder for copies of remote files (gs://...), made when they are first "
        "read; about 150 GB for all.",
    )


def define_of_runs(values: flags.FlagValues) -> None:
    """Defines those of `run` and `sweep`; --quiet is every program's."""
    define = cli.Define(values)
    define.integer(
        "max_steps",
        None,
        "End after so many updates of the row, with a checkpoint. Such a run is interrupted: it is "
        "in no table, and the same command without the flag goes on.",
    )
    define.integer("keep_checkpoints", 2, "So many of the newest checkpoints stay.")
    define.integer(
        "profile",
        None,
        "TensorBoard's profiler looks at so many updates, after the first loop of the device.",
    )
    define_tags(values, "Words for the run's record, separated by commas: report --tags finds it.")
    define.boolean("wandb", False, "Log to Weights & Biases, too (pip install largebatch[wandb]).")


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
