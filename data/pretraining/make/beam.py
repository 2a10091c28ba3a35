"""Shards made by an Apache Beam pipeline: the same function, mapped over the same tasks.

The program's flags that it does not know itself are Beam's: --project, --region, --flink_master,
--direct_running_mode=multi_processing and so on. Workers need this package: name a container that
has it (--sdk_container_image).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from largebatch.data.files import storage
from largebatch.data.pretraining.make import manifest
from largebatch.data.pretraining.make.generator_options import GeneratorOptions
from largebatch.data.pretraining.make.shard import ShardTask, make_shard


def made(tasks: list[ShardTask], options: GeneratorOptions) -> Iterator[tuple[ShardTask, dict]]:
    """Runs the pipeline to its end, then yields (task, record), as the process pool does.

    Shards' records are beside them, so that a pipeline that was cut off goes on where it stopped.
    Input, vocabulary and output must be where workers reach them: local files for DirectRunner, a
    bucket (gs://…) otherwise.

    Raises:
      ValueError: a shard's own error.
    """
    beam, pipeline_options = _beam(options)
    try:
        with beam.Pipeline(options=pipeline_options) as pipeline:
            _ = (
                pipeline
                | "Shards" >> beam.Create(tasks, reshuffle=True)
                | "MakeShard" >> beam.Map(make_shard)
            )
    except ValueError:
        raise
    except Exception as error:
        mistake = _mistake(error)
        if mistake is None:
            raise
        raise ValueError(mistake) from error
    for task in tasks:
        record = manifest.read(task.record_file)
        if record is None:
            raise ValueError(f"the pipeline ended without {task.record_file}; run it again")
        yield task, record


def _beam(options: GeneratorOptions):
    """(the module, the pipeline's options)."""
    try:
        import apache_beam as beam
        from apache_beam.options.pipeline_options import PipelineOptions
    except ImportError as error:
        raise ValueError(
            f"--runner={options.runner} needs Apache Beam: pip install 'largebatch[beam]' "
            f"({error}); without --runner, processes of this machine make the shards"
        ) from error
    arguments = [f"--runner={options.runner}", *options.runner_arguments]
    if options.jobs is not None and options.runner == "DirectRunner":
        arguments.append(f"--direct_num_workers={options.jobs}")
    return beam, PipelineOptions(arguments, save_main_session=False)


def check(options: GeneratorOptions) -> None:
    """Raises ValueError: Beam is not installed, or its workers cannot reach the files."""
    _beam(options)
    if options.runner != "DataflowRunner":
        return
    places = {"output": (options.output,), "vocab": (options.vocab,), "input": options.input or ()}
    for name, paths in places.items():
        for path in paths:
            if not storage.is_remote(path):
                raise ValueError(
                    f"--{name}={path}: workers of {options.runner} cannot reach this machine's "
                    "files; copy it to a bucket and give gs://…"
                )


def _mistake(error: Exception) -> str | None:
    """The message of a ValueError of ours inside what a runner made of it."""
    found = re.search(r"ValueError: (.*)", str(error))
    return found.group(1) if found else None
