"""What a finished data set says of its text: shares of labels and of [UNK], and when to worry.

The algorithm is Google's, and so are its limits: what is drawn as a random next segment comes from
another document only where the shard has one, and a text of one-sentence documents has no actual
next sentences at all. Such a set trains, silently, on something else than what was meant.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Of the training examples. On novels, Wikipedia and Python's documentation, at lengths from 32 to
# 512, 55 to 81 % are random, the more the fewer sentences a sequence holds; less than .001 % of the
# tokens are [UNK] of BERT's uncased vocabulary.
RANDOM_BOUNDS = (0.3, 0.9)
MOST_OWN_DOCUMENT = 0.02
MOST_UNKNOWN = 0.05

COUNTS = ("random_next", "own_document", "tokens", "unknown_tokens")  # of a split, in the manifest


def totals(shards: list[Mapping[str, Any]]) -> dict[str, int]:
    """The sums of COUNTS; {} where a shard was made before they were kept."""
    if not all(name in shard for shard in shards for name in COUNTS):
        return {}
    return {name: sum(shard[name] for shard in shards) for name in COUNTS}


def lines(manifest: Mapping[str, Any]) -> list[str]:
    """A line of shares for each split that has examples."""
    found = []
    for split, content in manifest["splits"].items():
        if content["examples"] and "tokens" in content:
            random, _, unknown = _shares(content)
            found.append(
                f"{split}: {random:.1%} of the next sentences random, {unknown:.2%} of the text's "
                "tokens [UNK]"
            )
    return found


def warnings(manifest: Mapping[str, Any]) -> list[str]:
    """What is wrong with the training split's text, a sentence each."""
    content = manifest["splits"]["train"]
    if not content["examples"] or "tokens" not in content:
        return []
    random, own, unknown = _shares(content)
    found = []
    if own > MOST_OWN_DOCUMENT:
        found.append(
            f"{own:.0%} of the examples wanted a random next segment and their shard has no other "
            "document to draw it from: they are labelled 'next'. Put blank lines between "
            "documents (--blank_lines says how many), or make fewer --shards"
        )
    low, high = RANDOM_BOUNDS
    if not low <= random <= high:
        found.append(
            f"{random:.0%} of the next-sentence labels are 'random', of ordinary text {low:.0%} to "
            f"{high:.0%}: are there documents of more than one sentence, and does --text fit?"
        )
    if unknown > MOST_UNKNOWN:
        case = "lower-cased" if manifest["lower_case"] else "not lower-cased"
        found.append(
            f"{unknown:.0%} of the text's tokens are [UNK]: is the vocabulary this language's? The "
            f"text was {case} (--lower_case)"
        )
    return found


def _shares(content: Mapping[str, int]) -> tuple[float, float, float]:
    """(random, drawn from the own document: of the examples; [UNK]: of the text's tokens)."""
    examples = content["examples"]
    return (
        content["random_next"] / examples,
        content["own_document"] / examples,
        content["unknown_tokens"] / max(1, content["tokens"]),
    )
