"""Makes a pre-training data set: plans its shards, has them made, writes its manifest.

Shards are made by processes of this machine (`jobs`) or by an Apache Beam pipeline (`runner`);
both call the same function, so neither changes a byte.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import logging
import multiprocessing
import multiprocessing.forkserver
import os
from collections.abc import Iterator

from largebatch import workers
from largebatch.data.files import storage
from largebatch.data.pretraining.make import beam, text_shares
from largebatch.data.pretraining.make import manifest as pretraining_manifest
from largebatch.data.pretraining.make.generator_options import GeneratorOptions
from largebatch.data.pretraining.make.generator_progress import GeneratorProgress
from largebatch.data.pretraining.make.shard import Recipe, ShardTask, make_shard
from largebatch.data.text import input_ranges, tfds_articles
from largebatch.data.text.wordpiece import Vocabulary


def create(options: GeneratorOptions, progress: GeneratorProgress | None = None) -> dict:
    """Makes the files of `options.output`; returns the manifest.

    What an earlier run with the same options has completed is kept.

    Raises:
      ValueError: a mistake in the options, the input or the vocabulary; files of another run.
    """
    if progress is None:
        progress = GeneratorProgress(quiet=True)
    if options.runner is not None:
        beam.check(options)
    vocabulary = Vocabulary.read(options.vocab)
    storage.make_folder(options.output)
    inputs, parts = _plan(options, progress)
    manifest = pretraining_manifest.begin(options, vocabulary, inputs, len(parts))
    path = pretraining_manifest.manifest_file(options.output)
    found = pretraining_manifest.read(path)
    if found is not None:
        pretraining_manifest.check_same(path, found, manifest)
    else:
        pretraining_manifest.write(path, manifest)
    copy = pretraining_manifest.vocabulary_file(options.output)
    if os.path.abspath(copy) != os.path.abspath(options.vocab):
        storage.write_bytes(copy, storage.read_bytes(options.vocab, "the vocabulary"))

    tasks = _tasks(options, vocabulary, parts)
    records = _records_of_earlier_run(tasks, found)
    left = [task for task in tasks if task.number not in records]
    progress.start(tasks, left)
    try:
        for task, record in _made(left, options):
            records[task.number] = record
            progress.done(task, record)
    except KeyboardInterrupt:
        storage.remove_temporaries(options.output)
        raise
    finally:
        progress.stop()
    manifest = pretraining_manifest.complete(
        manifest, [records[number] for number in range(len(tasks))]
    )
    if not manifest["splits"]["train"]["examples"]:
        raise ValueError(
            f"the input gives no example: no document of it has a word of {options.vocab}"
        )
    pretraining_manifest.write(path, manifest)
    for task in tasks:
        storage.remove(task.record_file)
    storage.remove_temporaries(options.output)
    progress.finished(manifest)
    for line in text_shares.warnings(manifest):
        logging.warning("%s: %s", options.output, line)
    return manifest


def _plan(options: GeneratorOptions, progress: GeneratorProgress) -> tuple[list, list]:
    """(the manifest's inputs, the shards' parts)."""
    if options.tfds:
        return tfds_articles.plan(options)
    patterns = options.input
    if options.corpus:
        from largebatch.data.text import corpus

        file = f"{options.output}.corpus.txt"
        corpus.write_python_corpus(file)
        patterns = (file,)
    files = input_ranges.inspect(patterns, options.text, progress.say)
    shards = options.shards
    if shards is None:
        shards = input_ranges.default_shards(sum(file.bytes for file in files))
    parts = input_ranges.cut(files, shards, options.blank_lines)
    return [dataclasses.asdict(file) for file in files], parts


def _tasks(options: GeneratorOptions, vocabulary: Vocabulary, parts: list) -> list[ShardTask]:
    recipe = Recipe(
        vocab=options.vocab,
        vocab_sha256=vocabulary.sha256,
        **{
            field.name: getattr(options, field.name)
            for field in dataclasses.fields(Recipe)
            if field.name not in ("vocab", "vocab_sha256")
        },
    )

    def file(split: str, number: int) -> str:
        return pretraining_manifest.shard_file(options.output, split, number, len(parts))

    return [
        ShardTask(
            number,
            tuple(part),
            recipe,
            file("train", number),
            file("eval", number) if options.eval_fraction > 0 else None,
        )
        for number, part in enumerate(parts)
    ]


def _records_of_earlier_run(tasks: list, manifest: dict | None) -> dict:
    """number -> record of the shards that are there, in full size."""
    if manifest is None:
        return {}
    splits = manifest["splits"]
    by_file = {
        shard["file"]: shard for split in splits.values() for shard in split.get("shards", ())
    }
    records = {}
    for task in tasks:
        record = _record(task, by_file)
        wanted = [(task.train_file, "train"), (task.eval_file, "eval")]
        if record is not None and all(
            file is None or storage.size(file) == record[split]["bytes"] for file, split in wanted
        ):
            records[task.number] = record
    return records


def _record(task: ShardTask, by_file: dict) -> dict | None:
    train = by_file.get(os.path.basename(task.train_file))
    if train is not None:
        name = os.path.basename(task.eval_file) if task.eval_file else None
        return {"train": train, "eval": by_file.get(name)}
    try:
        record = pretraining_manifest.read(task.record_file)
    except ValueError:  # damaged: the shard is made again
        return None
    # A run with other options, whose manifest has been removed, may have left its records.
    return record if record is not None and record.get("task") == task.identity() else None


def _made(tasks: list, options: GeneratorOptions) -> Iterator[tuple[ShardTask, dict]]:
    if not tasks:
        return iter(())
    if options.runner is not None:
        return beam.made(tasks, options)
    jobs = min(options.jobs or workers.cores(), len(tasks))
    if jobs == 1:
        return ((task, make_shard(task)) for task in tasks)
    return _made_by_processes(tasks, jobs)


def _made_by_processes(tasks: list, jobs: int) -> Iterator[tuple[ShardTask, dict]]:
    # Workers are forked from a server that has imported what they need and done nothing with it, so
    # that its memory is shared; not from this process, whose TensorFlow may have threads by now.
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    if context.get_start_method() == "forkserver":
        first = "largebatch.worker_signals"
        context.set_forkserver_preload([first, make_shard.__module__])
        with workers.started_deaf():
            multiprocessing.forkserver.ensure_running()
    pool = concurrent.futures.ProcessPoolExecutor(jobs, context, _begin_worker)
    with contextlib.ExitStack() as stack:
        stack.callback(pool.shutdown, wait=True, cancel_futures=True)
        futures = {pool.submit(make_shard, task): task for task in tasks}
        stack.enter_context(workers.ended_with_parent())
        for future in concurrent.futures.as_completed(futures):
            try:
                yield futures[future], future.result()
            except concurrent.futures.process.BrokenProcessPool as error:
                raise ValueError(
                    "a process that makes shards was killed, perhaps for its memory; what is done "
                    f"is kept: run the same command again, with fewer --jobs than {jobs}"
                ) from error


def _begin_worker() -> None:
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  # a worker must not take the GPU's memory
    os.environ["TF_NUM_INTRAOP_THREADS"] = "1"
    os.environ["TF_NUM_INTEROP_THREADS"] = "1"
