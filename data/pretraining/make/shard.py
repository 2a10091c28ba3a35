"""One shard of pre-training data: a pure function of (part of the input, options, seed)."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from largebatch.data.files import record_checksum, record_writer, storage
from largebatch.data.pretraining.make import masking, segment_pairs
from largebatch.data.pretraining.make.example_records import ExampleEncoder
from largebatch.data.text.text_documents import is_held_out
from largebatch.data.text.wordpiece import (
    CLS,
    MASK,
    PAD,
    SEP,
    UNK,
    TokenizedText,
    Tokenizer,
    Vocabulary,
)

_BATCH_TOKENS = 1 << 18  # of the examples that are laid out at once
_COPIES_AT_ONCE = 10  # of the text, whose examples are shuffled together (Google shuffles all)


@dataclasses.dataclass(frozen=True)
class Recipe:
    """What decides the bytes of a shard, beside its part of the input."""

    vocab: str
    vocab_sha256: str
    lower_case: bool
    sequence_length: int
    max_predictions: int
    masked_fraction: float
    duplicate_factor: int
    short_sequence_probability: float
    whole_word_masking: bool
    eval_fraction: float
    seed: int


@dataclasses.dataclass(frozen=True)
class ShardTask:
    """A part of the input and where its examples go; `eval_file` is None without an eval split."""

    number: int
    parts: tuple  # of objects with .documents() -> (text, sentences)
    recipe: Recipe
    train_file: str
    eval_file: str | None = None

    @property
    def record_file(self) -> str:
        return f"{self.train_file}.json"

    def identity(self) -> str:
        """A digest of what decides the shard's bytes."""
        recipe = dataclasses.replace(self.recipe, vocab="")
        parts = [dataclasses.asdict(part) for part in self.parts]
        content = json.dumps([self.number, dataclasses.asdict(recipe), parts])
        return hashlib.sha256(content.encode()).hexdigest()


@functools.lru_cache(maxsize=2)
def _tokenizer(vocab: str, sha256: str, lower_case: bool) -> Tokenizer:
    vocabulary = Vocabulary.read(vocab)
    if vocabulary.sha256 != sha256:
        raise ValueError(f"{vocab} has changed since this program was started")
    return Tokenizer(vocabulary, lower_case)


def make_shard(task: ShardTask) -> dict:
    """Writes the shard's files and, when they are there, its record beside them; returns it:
    {"task": identity, "train": record, "eval": record or None}.

    A split's record has file (the name), examples, bytes, masked_tokens, sha256, first_checksum
    (None where there are no examples), and `text_shares.COUNTS`. Each file appears whole, by a
    rename, or not at all.

    Raises:
      ValueError: the input is not UTF-8, a file cannot be read or written.
    """
    recipe = task.recipe
    tokenizer = _tokenizer(recipe.vocab, recipe.vocab_sha256, recipe.lower_case)
    train, held_out = TokenizedText(), TokenizedText()
    for part in task.parts:
        for text, sentences in part.documents():
            (held_out if is_held_out(text, recipe.eval_fraction) else train).add(sentences)
    make = functools.partial(_write_split, tokenizer, recipe, task.number)
    record: dict[str, Any] = {"task": task.identity()}
    record["train"] = make("train", train, task.train_file)
    record["eval"] = None
    if task.eval_file is not None:
        record["eval"] = make("eval", held_out, task.eval_file)
    storage.write_bytes(task.record_file, json.dumps(record).encode())
    return record


def _write_split(tokenizer, recipe, shard, split, collected, path) -> dict:
    text = collected.finish(tokenizer)
    seeds = np.random.SeedSequence([recipe.seed, 0 if split == "train" else 1, shard])
    generator = np.random.Generator(np.random.PCG64(seeds))
    build = _ExampleBuilder(text.tokens, tokenizer.vocabulary, recipe, generator)
    temporary = storage.temporary(path)
    rounds = _drawn(text, recipe, recipe.duplicate_factor if split == "train" else 1, generator)
    try:
        counts = _write_records(temporary, rounds, build)
        first = record_checksum.first_checksum(temporary)
        storage.rename(temporary, path)
    except storage.errors(path) as error:
        storage.remove(temporary)
        raise ValueError(f"cannot write {path}: {storage.reason(error)}") from error
    except BaseException:
        storage.remove(temporary)
        raise
    return {
        "file": os.path.basename(path),
        **counts,
        "tokens": len(text.tokens),
        "unknown_tokens": int(np.sum(text.tokens == tokenizer.vocabulary.id(UNK))),
        "first_checksum": first,
    }


def _drawn(text, recipe, copies: int, generator) -> Iterator[segment_pairs.Pairs]:
    """Shuffled pairs of up to _COPIES_AT_ONCE copies at a time, which bounds their memory."""
    while copies > 0:
        some = min(copies, _COPIES_AT_ONCE)
        copies -= some
        yield segment_pairs.draw_pairs(
            text.sentence_ends,
            text.document_ends,
            sequence_length=recipe.sequence_length,
            short_sequence_probability=recipe.short_sequence_probability,
            copies=some,
            generator=generator,
        )


def _write_records(path, rounds, build) -> dict[str, Any]:
    """Returns the file's size and digest, and the counts of the examples."""
    digest = hashlib.sha256()
    size, examples, masked, random, own = 0, 0, 0, 0, 0
    batch = max(64, _BATCH_TOKENS // build.length)
    with storage.open_bytes(path, "wb") as file:
        for pairs in rounds:
            examples += len(pairs.a_start)
            random += int(pairs.is_random.sum())
            own += int(pairs.own.sum())
            for first in range(0, len(pairs.a_start), batch):
                rows, lengths, count = build(pairs.take(slice(first, first + batch)))
                content = record_writer.framed(rows, lengths)
                masked += count
                size += len(content)
                digest.update(content)
                file.write(content)
    return {
        "bytes": size,
        "examples": examples,
        "masked_tokens": masked,
        "random_next": random,
        "own_document": own,
        "sha256": digest.hexdigest(),
    }


class _ExampleBuilder:
    """Turns pairs into the bytes of examples."""

    def __init__(self, tokens, vocabulary, recipe, generator):
        self.length = recipe.sequence_length
        self._recipe, self._generator = recipe, generator
        self._cls, self._sep, self._pad, self._mask = map(vocabulary.id, (CLS, SEP, PAD, MASK))
        self._size = len(vocabulary)
        self._continuations = vocabulary.continuations() if recipe.whole_word_masking else None
        self._encoder = ExampleEncoder(self.length, recipe.max_predictions, self._size)
        self._tokens = tokens
        self._columns = np.arange(self.length, dtype=np.int32)

    def __call__(self, pairs) -> tuple[np.ndarray, np.ndarray, int]:
        """(the examples and their lengths, of `ExampleEncoder`; how many tokens are masked)."""
        columns, lengths = self._columns, pairs.lengths
        middle = (pairs.a_length + 1)[:, None]  # of the first [SEP]
        last = (lengths - 1)[:, None]  # of the second
        second, inside = columns > middle, columns <= last
        # Column c of segment A is token a_start + c - 1; of B, b_start + c - a_length - 2.
        first, other = (pairs.a_start - 1)[:, None], (pairs.b_start - pairs.a_length - 2)[:, None]
        ids = self._tokens.take(np.where(second, other, first) + columns, mode="clip")
        separators = (columns == middle) | (columns == last)
        ids[separators] = self._sep
        ids[~inside] = self._pad
        ids[:, 0] = self._cls
        candidates = inside & ~separators
        candidates[:, 0] = False
        masked = masking.mask(
            ids,
            candidates,
            masking.predictions(
                lengths, self._recipe.max_predictions, self._recipe.masked_fraction
            ),
            max_predictions=self._recipe.max_predictions,
            mask_id=self._mask,
            vocabulary_size=self._size,
            generator=self._generator,
            continuations=self._continuations,
        )
        weights = np.arange(self._recipe.max_predictions) < masked.count[:, None]
        rows, sizes = self._encoder.encode(
            {
                "input_ids": masked.input_ids,
                "input_mask": inside,
                "segment_ids": second & inside,
                "masked_lm_positions": masked.positions,
                "masked_lm_ids": masked.ids,
                "masked_lm_weights": weights.astype(np.float32),
                "next_sentence_labels": pairs.is_random[:, None],
            }
        )
        return rows, sizes, int(masked.count.sum())
