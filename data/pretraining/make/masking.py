"""The masked-language-model task: which tokens are to be predicted, and what stands there instead.

Of a sequence of n tokens (with [CLS] and both [SEP]), min(P, max(1, round(fraction · n))) are
chosen, never a special one. A chosen token is replaced by [MASK] with probability 0.8, by a random
piece of the vocabulary with 0.1, and stays with 0.1, each drawn for itself, as in Google BERT.
With whole words, words are taken in random order, and one that would exceed the number is passed
over.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Masked(NamedTuple):
    input_ids: np.ndarray  # int32 [N, L], with the replacements
    positions: np.ndarray  # int32 [N, P], rising, 0 where there is no prediction
    ids: np.ndarray  # int32 [N, P], the original tokens, 0 where there is none
    count: np.ndarray  # int64 [N], predictions


def predictions(lengths: np.ndarray, max_predictions: int, fraction: float) -> np.ndarray:
    """How many tokens of sequences of these lengths are to be predicted (at most)."""
    return np.minimum(max_predictions, np.maximum(1, np.rint(lengths * fraction).astype(np.int64)))


def mask(
    input_ids: np.ndarray,
    candidates: np.ndarray,
    wanted: np.ndarray,
    *,
    max_predictions: int,
    mask_id: int,
    vocabulary_size: int,
    generator: np.random.Generator,
    continuations: np.ndarray | None = None,
) -> Masked:
    """Draws the predictions of N sequences at once.

    Args:
      input_ids: int32 [N, L].
      candidates: bool [N, L], the tokens that may be chosen.
      wanted: int [N], of `predictions`.
      continuations: bool [vocabulary_size], the pieces that continue a word: whole words are
        masked; None: single tokens.
    """
    if continuations is None:
        places, count = _single_tokens(candidates, wanted, max_predictions, generator)
    else:
        places, count = _whole_words(
            input_ids, candidates, wanted, max_predictions, continuations, generator
        )
    chosen = np.arange(max_predictions) < count[:, None]  # bool [N, P]
    ids = np.take_along_axis(input_ids, places, axis=1)
    action = generator.random(places.shape, dtype=np.float32)
    other = generator.integers(vocabulary_size, size=places.shape, dtype=np.int32)
    new = np.where(action < 0.8, np.int32(mask_id), np.where(action < 0.9, ids, other))
    masked = input_ids.copy()
    rows = np.nonzero(chosen)[0]
    masked[rows, places[chosen]] = new[chosen]
    return Masked(masked, np.where(chosen, places, 0), np.where(chosen, ids, 0), count)


def _single_tokens(candidates, wanted, max_predictions, generator):
    """(places int32 [N, P], count [N]): the candidates with the smallest random keys.

    A key is a random number with the place in its low bits, so that sorting keys sorts places
    along and no two are equal.
    """
    rows, length = candidates.shape
    count = np.minimum(wanted, np.count_nonzero(candidates, axis=1))
    bits = (length - 1).bit_length()
    keys = _bits(generator, rows * length).reshape(rows, length) >> np.uint32(1)
    keys &= np.uint32(~((1 << bits) - 1) & 0xFFFF_FFFF)
    keys |= np.arange(length, dtype=np.uint32)
    keys |= (~candidates).astype(np.uint32) << np.uint32(31)  # after all that may be chosen
    if max_predictions < length:
        keys = np.partition(keys, max_predictions - 1, axis=1)[:, :max_predictions]
    keys.sort(axis=1)
    places = (keys & np.uint32((1 << bits) - 1)).astype(np.int32)
    if places.shape[1] < max_predictions:
        places = np.pad(places, ((0, 0), (0, max_predictions - places.shape[1])))
    beyond = np.arange(max_predictions) >= count[:, None]
    places[beyond] = length
    places.sort(axis=1)
    places[beyond] = 0
    return places, count


def _bits(generator: np.random.Generator, count: int) -> np.ndarray:
    """generator.integers(2**32, size=count, dtype=np.uint32), and faster: as whole numbers of 64
    bits, whose lower half comes first. A half that a draw before has left comes before all."""

    def draw(number: int) -> np.ndarray:
        return generator.integers(2**32, size=number, dtype=np.uint32)

    if not isinstance(generator.bit_generator, np.random.PCG64):
        return draw(count)
    left = min(count, generator.bit_generator.state["has_uint32"])
    first = draw(left)
    whole = generator.integers(2**64, size=(count - left) // 2, dtype=np.uint64)
    middle = whole.astype("<u8", copy=False).view("<u4")
    return np.concatenate([first, middle, draw((count - left) % 2)])


def _whole_words(input_ids, candidates, wanted, max_predictions, continuations, generator):
    """(places int32 [N, P], count [N]): all tokens of the words that were chosen."""
    rows, length = candidates.shape
    # A word begins at each candidate that does not continue one, and after a special token.
    begins = candidates & ~continuations[input_ids]
    begins[:, 1:] |= candidates[:, 1:] & ~candidates[:, :-1]
    begins[:, 0] |= candidates[:, 0]
    word = np.cumsum(begins, axis=1) - 1  # [N, L], the number of the token's word
    words = int(word.max(initial=0)) + 1
    flat = (np.arange(rows)[:, None] * words + word)[candidates]
    sizes = np.bincount(flat, minlength=rows * words).reshape(rows, words)
    keys = generator.random((rows, words), dtype=np.float32)
    keys[sizes == 0] = 2.0
    order = np.argsort(keys, axis=1, kind="stable")
    ordered = np.take_along_axis(sizes, order, axis=1)
    count = np.zeros(rows, np.int64)
    taken = np.zeros((rows, words), bool)
    for turn in range(words):
        size = ordered[:, turn]
        fits = (size > 0) & (count + size <= wanted)
        taken[:, turn] = fits
        count += np.where(fits, size, 0)
        if (count == wanted).all():
            break
    chosen_words = np.zeros_like(taken)
    np.put_along_axis(chosen_words, order, taken, axis=1)
    chosen = np.take_along_axis(chosen_words, np.maximum(word, 0), axis=1) & candidates
    row, place = np.nonzero(chosen)
    starts = np.cumsum(count) - count
    places = np.zeros((rows, max_predictions), np.int32)
    places[row, np.arange(len(row)) - starts[row]] = place
    return places, count
