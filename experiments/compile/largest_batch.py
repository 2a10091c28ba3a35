"""The largest batch that fits, by as few trials as bisection needs."""

from __future__ import annotations

from collections.abc import Callable


def largest_batch(fits: Callable[[int], bool], start: int, bits: int = 3) -> tuple[int, int]:
    """Returns (the largest size that fits, the smallest found that does not).

    Tried are the sizes of `bits` significant binary digits: with 3 they are 1 to 8, then 10, 12,
    14, 16, 20, ...: the answer is at most a quarter too small. Doubles or halves from `start`, then
    bisects. (0, 1) where not even one example fits.

    Args:
      fits: Whether a batch of that size does. What fits is assumed to fit when it is smaller.
      start: Where to begin; rounded down to a size that is tried.
      bits: At least 1, which tries powers of two.
    """
    if start < 1 or bits < 1:
        raise ValueError(f"start={start}, bits={bits}: at least 1 is needed")
    index = index_of(start, bits)
    if fits(size(index, bits)):
        low, high = index, None
    else:
        low, high = None, index
    octave = 2 ** (bits - 1)
    while high is None:
        index = index_of(2 * size(low, bits), bits)
        low, high = (index, None) if fits(size(index, bits)) else (low, index)
    while low is None:
        if high == 0:
            return 0, 1
        index = max(0, high - octave)
        low, high = (index, high) if fits(size(index, bits)) else (None, index)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(size(middle, bits)) else (low, middle)
    return size(low, bits), size(high, bits)


def size(index: int, bits: int) -> int:
    """The index-th whole number of at most `bits` significant binary digits, from 1 on."""
    octave = 2 ** (bits - 1)
    if index < 2 * octave - 1:
        return index + 1
    shift, place = divmod(index - (2 * octave - 1), octave)
    return (octave + place) * 2 ** (shift + 1)


def index_of(number: int, bits: int) -> int:
    """The index of the largest such number that is at most `number`."""
    octave = 2 ** (bits - 1)
    if number < 2 * octave:
        return number - 1
    shift = number.bit_length() - bits
    return 2 * octave - 1 + (shift - 1) * octave + (number >> shift) - octave
