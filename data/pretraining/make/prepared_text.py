"""Pre-training data at laptop scale, made once and kept in the cache folder."""

from __future__ import annotations

import contextlib
import dataclasses
import glob
import hashlib
import json
import logging
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from largebatch import stack
from largebatch.data.files import cache, storage
from largebatch.data.pretraining.make import manifest, shards
from largebatch.data.pretraining.make.generator_options import GeneratorOptions
from largebatch.data.text import corpus, text_documents, vocabulary

PYTHON = "python"  # the name of the corpus that needs no network
_FORMAT = 2  # another one where what is made changes
# Settings that are the shards' options of the same names.
_PASSED_ON = ("duplicate_factor", "eval_fraction", "whole_word_masking", "lower_case", "seed")


def prepare_pretraining(
    name_or_folder: str,
    sequence_lengths: Sequence[int],
    vocabulary_size: int,
    cache_dir: str | None = None,
    *,
    duplicate_factor: int = 5,
    eval_fraction: float = 0.05,
    whole_word_masking: bool = False,
    lower_case: bool = True,
    blank_lines: int | None = None,
    seed: int = 12345,
    jobs: int = 1,
) -> str:
    """Returns a folder for `find_pretraining`, with shards of each length and one vocabulary.

    It is made where it is not there, or is damaged: about 0.5 s for 1 MB of text and sequence
    length, and 1 s for the vocabulary of 5 MB. Processes that want the same at once wait for one of
    them.

    Args:
      name_or_folder: "python", or a folder with .txt files in it or below.
      vocabulary_size: It is built from the text itself.
      blank_lines: That end a document, at least. None: 2 where the first file is free text, so that
        a document of a book is a chapter, not a paragraph; otherwise 1.
      jobs: Processes; 1 is this one.

    Raises:
      ValueError: a folder without text, text that is not UTF-8, a cache folder that cannot be
        written.
    """
    files = _text_files(name_or_folder)
    lengths = sorted(set(map(int, sequence_lengths)))
    settings = {
        "format": _FORMAT,
        "lengths": lengths,
        "vocabulary_size": int(vocabulary_size),
        "duplicate_factor": duplicate_factor,
        "eval_fraction": eval_fraction,
        "whole_word_masking": whole_word_masking,
        "lower_case": lower_case,
        "blank_lines": blank_lines,
        "seed": seed,
    }
    root = cache.folder(cache_dir)
    entry = f"pretraining-{_key(settings, files)}"
    made = root / entry
    if _is_whole(made, lengths):
        return str(made)
    with cache.locked(root, entry):
        if not _is_whole(made, lengths):
            scratch, damaged = root / f"{entry}.scratch", root / f"{entry}.damaged"
            for left in (scratch, damaged):
                shutil.rmtree(left, ignore_errors=True)
            try:
                scratch.mkdir()
                stack.say("preparing the text")
                _make(scratch, files, settings, jobs)
                if made.is_dir():
                    logging.warning("The prepared text %s is damaged; it is made again.", made)
                    os.replace(made, damaged)
                os.replace(scratch, made)
            except OSError as error:
                raise ValueError(f"cannot write {scratch}: {error.strerror}") from error
            finally:
                for left in (scratch, damaged):
                    shutil.rmtree(left, ignore_errors=True)
    with contextlib.suppress(OSError):
        (root / f"{entry}.lock").unlink()
    return str(made)


def _is_whole(folder: Path, lengths: Sequence[int]) -> bool:
    """Whether all files are there, of the sizes that their manifests say."""
    for length in lengths:
        prefix = str(folder / f"length{length}")
        try:
            found = manifest.read(manifest.manifest_file(prefix))
            if found is None or not found["complete"]:
                return False
            shards = [shard for split in found["splits"].values() for shard in split["shards"]]
            sizes = {shard["file"]: shard["bytes"] for shard in shards}
        except (ValueError, KeyError, TypeError, AttributeError):
            return False
        if any(storage.size(str(folder / file)) != size for file, size in sizes.items()):
            return False
        if storage.size(manifest.vocabulary_file(prefix)) is None:
            return False
    return True


def _text_files(name_or_folder: str) -> list[Path]:
    """The folder's .txt files; [] for the Python corpus."""
    if name_or_folder == PYTHON and not os.path.isdir(name_or_folder):
        return []
    folder = Path(name_or_folder).expanduser()
    files = sorted(path for path in folder.rglob("*.txt") if path.is_file())
    if not files:
        raise ValueError(
            f"{name_or_folder} holds no .txt files to pre-train on; name a folder of text, or "
            f"{PYTHON!r} for a corpus that needs no network"
        )
    return files


def _key(settings: dict, files: Sequence[Path]) -> str:
    """Of the options, and of the inputs: files by size and time, the corpus by its digest."""
    stats = [(file, file.stat()) for file in files]
    inputs: list = [[str(file), stat.st_size, stat.st_mtime_ns] for file, stat in stats]
    inputs = inputs or [f"sha256 {corpus.SHA256}"]
    content = json.dumps([settings, inputs], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def _make(folder: Path, files: list, settings: dict, jobs: int) -> None:
    logging.info("Preparing pre-training data in %s", folder)
    if not files:
        files = [folder / "corpus.txt"]
        corpus.write_python_corpus(str(files[0]))
    paths = [str(file) for file in files]
    blank_lines = settings["blank_lines"]
    if blank_lines is None:
        with open(paths[0], "rb") as file:
            style = text_documents.detect_style(file.read(text_documents.DETECTED_BYTES))
        blank_lines = 2 if style == "free" else 1
    pieces = folder / "vocabulary.txt"
    vocabulary.build(paths, settings["vocabulary_size"], str(pieces), settings["lower_case"])
    options = GeneratorOptions(
        output="",
        vocab=str(pieces),
        input=tuple(map(glob.escape, paths)),
        blank_lines=blank_lines,
        jobs=jobs,
        **{name: settings[name] for name in _PASSED_ON},
    )
    for length in settings["lengths"]:
        output = str(folder / f"length{length}")
        sizes = {"sequence_length": length, "max_predictions": None}
        shards.create(dataclasses.replace(options, output=output, **sizes))
