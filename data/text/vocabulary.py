"""Builds a WordPiece vocabulary from text, as tensorflow-text's learner does (`bert_vocab`'s).

The learner takes a threshold: pieces that occur at least so often are kept. The threshold is
sought here in steps of the right order; the rarest pieces
beyond the wanted size are then dropped, and `[unused…]` fill up what a small text cannot give, so
that the size is exact and a model's shape does not hang on the text. Single characters are kept.
"""

from __future__ import annotations

import codecs
import collections
import os
from collections.abc import Iterable, Iterator

from largebatch.data.files import storage
from largebatch.data.text.input_ranges import not_utf8
from largebatch.data.text.piece_learner import PieceLearner
from largebatch.data.text.wordpiece import SPECIAL_TOKENS, basic_tokens, words

MAX_WORDS = (
    4_000_000  # different ones that are counted at once; beyond, those seen once are dropped
)
MAX_LEARNED_WORDS = 200_000  # the most frequent ones
MAX_PIECE = 24  # characters
_TRIALS = 8
_CLOSE = 1.06  # a threshold is good when it gives the size, or up to 6 % more
_BLOCK = 1 << 20


def build(inputs: Iterable[str], size: int, path: str, lower_case: bool = True) -> list[str]:
    """Writes a vocabulary of exactly `size` pieces to `path`, and returns it.

    Args:
      inputs: paths of UTF-8 text files.

    Raises:
      ValueError: no input, not UTF-8, no words; a size that does not hold the text's characters.
    """
    counts = count_words(inputs, lower_case)
    pieces = learn(counts, size)
    storage.write_bytes(path, ("\n".join(pieces) + "\n").encode())
    return pieces


def count_words(inputs: Iterable[str], lower_case: bool = True) -> dict[str, int]:
    """word -> how often it occurs, cut as BERT cuts them."""
    raw: collections.Counter = collections.Counter()
    files = list(inputs)
    if not files:
        raise ValueError("a vocabulary needs text: name at least one input file")
    for file in files:
        for block in _blocks(file):
            raw.update(words(block))
            if len(raw) > MAX_WORDS:
                raw = collections.Counter({word: n for word, n in raw.items() if n > 1})
    counts: collections.Counter = collections.Counter()
    for word, number in raw.items():
        for token in basic_tokens(word, lower_case):
            counts[token] += number
    if not counts:
        raise ValueError(f"{', '.join(files)}: no words to build a vocabulary from")
    return counts


def _blocks(file: str) -> Iterator[str]:
    """A file's text in blocks that end at white space, where there is any."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    place, rest = 0, ""
    try:
        with storage.open_bytes(file) as stream:
            while True:
                block = stream.read(_BLOCK)
                begun = len(decoder.getstate()[0])  # bytes of a character cut in two
                try:
                    text = rest + decoder.decode(block, final=not block)
                except UnicodeDecodeError as error:
                    raise ValueError(not_utf8(file, place - begun + error.start)) from error
                place += len(block)
                if not block:
                    yield text
                    return
                end = max(text.rfind(" "), text.rfind("\n")) + 1
                if not end and len(text) > _BLOCK:
                    end = len(text)
                yield text[:end]
                rest = text[end:]
    except OSError as error:
        raise ValueError(f"cannot read {file}: {storage.reason(error)}") from error


def learn(counts: dict[str, int], size: int) -> list[str]:
    """The vocabulary of these words: BERT's special tokens first, then characters, then pieces
    from the most to the least frequent."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MAX_LEARNED_WORDS]
    learner = PieceLearner(ordered, SPECIAL_TOKENS, MAX_PIECE)
    found = _search(learner.learn, ordered, size)
    return _of_size(found, size)


def _search(trial, ordered: list, size: int) -> list[str]:
    """The pieces of a threshold that gives `size` of them or a little more."""
    highest = ordered[0][1]
    # Most pieces are words: the count of the word at about this rank is near the threshold.
    threshold = max(1, ordered[min(len(ordered) - 1, int(0.7 * size))][1])
    low, high = 1, highest  # the threshold wanted lies between
    best = None
    for _ in range(_TRIALS):
        pieces = trial(threshold)
        if len(pieces) >= size and (best is None or len(pieces) < len(best)):
            best = pieces
        if size <= len(pieces) <= size * _CLOSE:
            break
        if len(pieces) > size:
            low = threshold + 1
        else:
            high = threshold - 1
        if low > high:
            break
        # The number of pieces falls about as the threshold rises.
        aim = round(threshold * len(pieces) / (size * (1 + _CLOSE) / 2))
        threshold = min(high, max(low, aim))
    return pieces if best is None else best


def _of_size(pieces: list[str], size: int) -> list[str]:
    excess = len(pieces) - size
    kept = []
    for piece in reversed(pieces):  # the rarest first
        if excess > 0 and len(piece.removeprefix("##")) > 1 and piece not in SPECIAL_TOKENS:
            excess -= 1
        else:
            kept.append(piece)
    if excess > 0:
        raise ValueError(
            f"--size={size} is too small: the text has characters for {len(kept)} pieces"
        )
    kept.reverse()
    return kept + [f"[unused{number}]" for number in range(size - len(kept))]


def expand(patterns: Iterable[str]) -> list[str]:
    """The files of glob patterns.

    Raises:
      ValueError: a pattern matches nothing.
    """
    files = []
    for pattern in patterns:
        found = storage.matching(os.path.expanduser(pattern))
        if not found:
            raise ValueError(f"--input={pattern} matches no file")
        files += found
    return files
