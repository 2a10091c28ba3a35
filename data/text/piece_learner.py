"""The pieces of words that tensorflow-text's WordPiece learner finds for a threshold.

https://github.com/tensorflow/text, tools/wordpiece_vocab/wordpiece_tokenizer_learner_lib.py, at
version 2.15: it counts all strings that begin where a piece of a word begins, then takes each
string's count from those of all its prefixes, from the longest strings to the shortest. A string's
occurrences are those at which the word ends and those at which one more character follows, so what
is left of its count is how often it ends a word. Only these strings are counted here, those of the
first round once for all thresholds.
"""

from __future__ import annotations

import collections
from collections.abc import Sequence

ROUNDS = 4
MAX_CHARACTERS = 1000  # the most frequent ones; words with others are left out
JOINER = "##"


class PieceLearner:
    """Finds the pieces of words that occur a number of times each.

    Args:
      counts: pairs of a word and how often it occurs; at least one.
      reserved: what a vocabulary begins with, whatever the words; such words are left out.
      longest: characters; words of more are left out.
    """

    def __init__(self, counts: Sequence[tuple[str, int]], reserved: Sequence[str], longest: int):
        numbers = [number for _, number in counts]
        self._least, self._most = min(numbers), max(numbers)
        self._reserved = list(reserved)
        words = [
            (word, number)
            for word, number in counts
            if len(word) <= longest and word not in self._reserved
        ]
        characters: collections.Counter = collections.Counter()
        for word, number in words:
            for character in word:
                characters[character] += number
        allowed = sorted(characters, key=lambda character: (-characters[character], character))
        frequent = set(allowed[:MAX_CHARACTERS])
        self._words = [(word, number) for word, number in words if frequent.issuperset(word)]
        self._characters = sorted({character for word, _ in self._words for character in word})

        self._first: dict[str, int] = collections.defaultdict(int)
        for word, number in self._words:
            self._first[word] += number
            for start in range(1, len(word)):
                self._first[JOINER + word[start:]] += number

    def learn(self, threshold: int) -> list[str]:
        """The vocabulary whose pieces occur at least `threshold` times: what is reserved, single
        characters, then all others from the most to the least frequent."""
        # Between the counts of the rarest and the commonest word, as there.
        wanted = (min(self._most, threshold) + max(self._least, threshold)) // 2
        pieces = self._kept(self._first, wanted)
        for _ in range(ROUNDS - 1):
            pieces = self._kept(self._ends(pieces), wanted)
        ordered = sorted(pieces, key=lambda piece: (-pieces[piece], piece))
        return list(dict.fromkeys([*self._reserved, *self._characters, *ordered]))

    def _kept(self, counts: dict[str, int], wanted: int) -> dict[str, int]:
        kept = {piece: number for piece, number in counts.items() if number >= wanted}
        for character in self._characters:
            kept.setdefault(character, 1)
            kept.setdefault(JOINER + character, 1)
        return kept

    def _ends(self, pieces: dict[str, int]) -> dict[str, int]:
        """How often each string stands from the beginning of a piece to its word's end, words cut
        into the longest of `pieces`."""
        counts: dict[str, int] = collections.defaultdict(int)
        for word, number in self._words:
            rest, shortest = word, 0
            counts[rest] += number
            while rest not in pieces:
                end = len(rest) - 1
                while end > shortest + 1 and rest[:end] not in pieces:
                    end -= 1  # to a single character, which is always a piece
                rest, shortest = JOINER + rest[end:], len(JOINER)
                counts[rest] += number
        return counts
