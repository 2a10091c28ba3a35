"""The sizes of BERT by their names. Pure Python: no TensorFlow."""

from __future__ import annotations

import difflib
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


def bert_size(name: str) -> BertSize:
    """The size of that name; ValueError naming the nearest when there is none."""
    if name not in BERT_SIZES:
        near = difflib.get_close_matches(str(name), BERT_SIZES, 1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        raise ValueError(f"unknown BERT size {name!r}{hint}; sizes are {', '.join(BERT_SIZES)}")
    return BERT_SIZES[name]
