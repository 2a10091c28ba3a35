"""The sizes of BERT by their names. Pure Python: no TensorFlow."""

from __future__ import annotations

import difflib
import re
from typing import NamedTuple


class BertSize(NamedTuple):
    layers: int
    hidden_size: int
    heads: int
    intermediate_size: int


# Base and Large are Devlin et al.'s; the smaller ones are those of the checkpoints that Google
# released with "Well-Read Students Learn Better". A head is 64 wide, the feed-forward layer 4 times
# the hidden size, in all of them.
BERT_SIZES = {
    "bert_tiny": BertSize(2, 128, 2, 512),
    "bert_mini": BertSize(4, 256, 4, 1024),
    "bert_small": BertSize(4, 512, 8, 2048),
    "bert_medium": BertSize(8, 512, 8, 2048),
    "bert_base": BertSize(12, 768, 12, 3072),
    "bert_large": BertSize(24, 1024, 16, 4096),
}
# Any other size, named as Google names its releases, with F where it is not 4 H.
_BY_SHAPE = re.compile(r"bert_L-(\d+)_H-(\d+)_A-(\d+)(?:_F-(\d+))?")


def bert_size(name: str) -> BertSize:
    """The size of that name: one of `BERT_SIZES`, or bert_L-6_H-384_A-12 (layers, hidden size,
    heads; _F-1000 behind it for a feed-forward layer that is not 4 H wide).

    Raises:
      ValueError: there is none, naming the nearest; or the heads do not divide the hidden size.
    """
    if name in BERT_SIZES:
        return BERT_SIZES[name]
    match = _BY_SHAPE.fullmatch(str(name))
    if not match:
        near = difflib.get_close_matches(str(name), BERT_SIZES, 1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        raise ValueError(
            f"unknown BERT size {name!r}{hint}; sizes are {', '.join(BERT_SIZES)}, or "
            "bert_L-6_H-384_A-12 for any other"
        )
    layers, hidden, heads, inner = (int(part) if part else 0 for part in match.groups())
    size = BertSize(layers, hidden, heads, inner if match[4] else 4 * hidden)
    if min(size) < 1 or hidden % heads:
        raise ValueError(f"{name}: wanted numbers above 0, and heads that divide the hidden size")
    return size


def size_name(size: BertSize) -> str:
    """The name of a size, for `bert_size`."""
    for name, known in BERT_SIZES.items():
        if known == size:
            return name
    inner = "" if size.intermediate_size == 4 * size.hidden_size else f"_F-{size.intermediate_size}"
    return f"bert_L-{size.layers}_H-{size.hidden_size}_A-{size.heads}{inner}"


def is_bert(name: str) -> bool:
    """Whether `bert_size` knows that name."""
    try:
        bert_size(name)
    except ValueError:
        return False
    return True
