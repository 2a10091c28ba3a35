"""Pairs of segments with next-sentence labels, as Google BERT's create_pretraining_data draws them.

A document's sentences are gathered until they reach the target length; a random number of the
first ones is segment A; segment B is, half of the time, the rest of them, otherwise sentences
from a random place in another document of the shard, and then the rest goes back to be used
again. In a shard of one document these come from it, too, and the label is 'next', as in Google's
code: it says whether the documents differ. The target is the longest that fits, in a tenth of the
documents a random shorter one. A pair that is too long loses tokens from its longer segment, each
from a random end.

Segments are spans of the shard's tokens, so nothing is copied here.
"""

from __future__ import annotations

import array
import random
from bisect import bisect_left
from typing import NamedTuple

import numpy as np

SPECIAL = 3  # [CLS] A [SEP] B [SEP]


class Pairs(NamedTuple):
    """int32 [N] each; starts are places in the shard's tokens."""

    a_start: np.ndarray
    a_length: np.ndarray
    b_start: np.ndarray
    b_length: np.ndarray
    is_random: np.ndarray  # 1: segment B is from another document
    own: np.ndarray  # 1: it was to be, and there was no other document

    def take(self, rows: np.ndarray) -> Pairs:
        return Pairs(*(column[rows] for column in self))

    @property
    def lengths(self) -> np.ndarray:
        return self.a_length + self.b_length + SPECIAL


def draw_pairs(
    sentence_ends: np.ndarray,
    document_ends: np.ndarray,
    *,
    sequence_length: int,
    short_sequence_probability: float,
    copies: int,
    generator: np.random.Generator,
) -> Pairs:
    """All pairs of a shard, `copies` independent times, shuffled.

    Args:
      sentence_ends: [sentences + 1] places in the tokens, from 0, rising.
      document_ends: [documents + 1] places in the sentences, from 0, rising.
    """
    longest = sequence_length - SPECIAL
    ends, documents = sentence_ends.tolist(), document_ends.tolist()
    uniform = random.Random(int(generator.integers(2**63))).random
    stops = _chunk_ends(sentence_ends, document_ends, longest).tolist()
    drawn = array.array("i")
    for _ in range(copies):
        _draw_copy(ends, stops, documents, longest, short_sequence_probability, uniform, drawn)
    table = np.array(drawn, np.int32).reshape(-1, len(Drawn._fields))
    pairs = _spans(sentence_ends, Drawn(*table.T)).take(generator.permutation(len(table)))
    return _truncated(pairs, longest, generator)


class Drawn(NamedTuple):
    """int32 [N] each; places in the shard's sentences, but for the last two."""

    a_first: np.ndarray
    a_stop: np.ndarray
    b_first: np.ndarray
    b_stop: np.ndarray  # of a random segment: the latest
    target: np.ndarray  # tokens of both segments of a pair with a random one; otherwise 0
    own: np.ndarray  # 1: the random one is from the same document


def _chunk_ends(sentence_ends, document_ends, target: int) -> np.ndarray:
    """[sentences]: the first sentence end at which a chunk that begins with the sentence has the
    target length, or its document's."""
    count = len(sentence_ends) - 1
    last = np.repeat(document_ends[1:], np.diff(document_ends))
    found = np.searchsorted(sentence_ends, sentence_ends[:-1] + target)
    return np.clip(found, np.arange(1, count + 1), last)


def _spans(ends: np.ndarray, drawn: Drawn) -> Pairs:
    """Sentences as spans of tokens, before truncation."""
    a_start, b_start = ends[drawn.a_first], ends[drawn.b_first]
    a_length = ends[drawn.a_stop] - a_start
    is_random = drawn.target > 0
    enough = np.searchsorted(ends, b_start + np.where(is_random, drawn.target - a_length, 0))
    enough = np.clip(enough, drawn.b_first + 1, drawn.b_stop)
    b_length = ends[np.where(is_random, enough, drawn.b_stop)] - b_start
    columns = (a_start, a_length, b_start, b_length, is_random & (drawn.own == 0), drawn.own)
    return Pairs(*(column.astype(np.int32) for column in columns))


def _draw_copy(ends, stops, documents, longest, short_sequence_probability, uniform, drawn) -> None:
    """Appends the text's pairs, the columns of Drawn one pair after the other."""
    count = len(documents) - 1
    for document in range(count):
        first, last = documents[document], documents[document + 1]
        target = longest
        if uniform() < short_sequence_probability:
            target = 2 + int(uniform() * (longest - 1))  # 2 to longest
        while first < last:
            if target == longest:
                stop = stops[first]
            else:
                stop = bisect_left(ends, ends[first] + target, first + 1, last)
            alone = stop - first == 1
            a_stop = stop if alone else first + 1 + int(uniform() * (stop - first - 1))
            if alone or uniform() < 0.5:
                for _ in range(10):  # another document, where there is one
                    other = int(uniform() * count)
                    if other != document:
                        break
                low, high = documents[other], documents[other + 1]
                b_first = low + int(uniform() * (high - low))
                drawn.extend((first, a_stop, b_first, high, target, other == document))
                first = a_stop
            else:
                drawn.extend((first, a_stop, a_stop, stop, 0, 0))
                first = stop


def _truncated(pairs: Pairs, longest: int, generator: np.random.Generator) -> Pairs:
    """Pairs of at most `longest` tokens.

    Google removes one token at a time from the longer segment (from B, where they are equal),
    front or back by the toss of a coin. So only the segment that is longer than its half is cut,
    down to what the other leaves or to that half, and the number of tokens that go from its front
    is binomial.
    """
    a, b = pairs.a_length, pairs.b_length
    new_a = np.minimum(a, np.maximum((longest + 1) // 2, longest - b))
    new_b = np.minimum(b, longest - new_a)
    return Pairs(
        pairs.a_start + generator.binomial(a - new_a, 0.5).astype(np.int32),
        new_a,
        pairs.b_start + generator.binomial(b - new_b, 0.5).astype(np.int32),
        new_b,
        pairs.is_random,
        pairs.own,
    )
