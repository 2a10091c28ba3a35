"""The flags that say where and how a run executes: the same for one run and for a sweep of them."""

from __future__ import annotations

from typing import Any

from absl import flags

from largebatch.experiments.launching.options import DEVICES
from largebatch.experiments.rows import scale

# The fields of RunSettings that a sweep hands on to each of its runs as they are.
FORWARDED = (
    *("data_dir", "squad_dir", "device", "tpu", "num_devices", "deterministic"),
    *("micro_batch", "steps_per_loop", "checkpoint_every", "skip_corrupt", "image_cache"),
)


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

    def flag(kind, name: str, default: Any, text: str, *arguments: Any) -> None:
        kind(name, default, *arguments, text, flag_values=values)

    flag(flags.DEFINE_enum, "scale", "paper", "How much of it to run.", scale.ALL_SCALES)
    flag(flags.DEFINE_multi_string, "set", [], "field=value: change the row; repeatable.")
    flag(flags.DEFINE_string, "data_dir", None,
         "A TFDS folder, or a folder with the official files (default: TFDS's own); for BERT, the "
         "shards that create_pretraining_data made.")  # fmt: skip
    flag(flags.DEFINE_string, "squad_dir", None,
         "BERT: the folder of SQuAD v1.1's files; pre-training is followed by fine-tuning and "
         "its F1. Default: no fine-tuning.")  # fmt: skip
    flag(flags.DEFINE_enum, "device", "auto", "Where to run.", DEVICES)
    flag(flags.DEFINE_string, "tpu", None, "Name or address of a Cloud TPU.")
    flag(flags.DEFINE_integer, "num_devices", None, "Devices to use; logical ones on a CPU.")
    flag(flags.DEFINE_boolean, "deterministic", False, "The same bits for the same seed.")
    flags.DEFINE(
        MicroBatch(), "micro_batch", None,
        "Examples of one replica in one forward pass; gradients are accumulated to the row's "
        "batch. auto, the default: what fits.", flag_values=values,
    )  # fmt: skip
    flag(flags.DEFINE_integer, "steps_per_loop", None, "Updates in one call of the device loop.")
    flag(flags.DEFINE_integer, "checkpoint_every", None, "Updates between two checkpoints.")
    flag(flags.DEFINE_boolean, "skip_corrupt", False,
         "ImageNet: leave out images that cannot be decoded, and say how many they were; otherwise "
         "one ends the run.")  # fmt: skip
    flag(flags.DEFINE_string, "image_cache", None,
         "ImageNet: a local folder for copies of remote files (gs://...), made when they are first "
         "read; about 150 GB for all.")  # fmt: skip


def given(values: flags.FlagValues) -> list[str]:
    """The forwarded flags that differ from their defaults, as arguments."""
    arguments = []
    for name in FORWARDED:
        value = values[name].value
        if value != values[name].default:
            arguments.append(f"--{name}" if value is True else f"--{name}={value}")
    return arguments
