"""The table of claims: of the abstract, sections 4.1 to 4.3 and the appendices, in that order.

Then what opponents and the first author's logs say. Each is in the module of its experiment.
"""

from __future__ import annotations

from largebatch.experiments import registry
from largebatch.experiments.claims import bert, imagenet, small

CLAIMS = tuple(
    sorted(
        (*bert.CLAIMS, *imagenet.CLAIMS, *small.CLAIMS), key=lambda claim: claim.by != "the paper"
    )
)


def find(name: str):
    """The claim of that name."""
    return next(claim for claim in CLAIMS if claim.name == name)


def about(tables: Iterable[str]) -> tuple[Claim, ...]:
    """The claims that rows of these tables test; of all tables, every claim."""
    if set(registry.TABLES) <= set(tables):
        return CLAIMS
    wanted = tuple(f"{table}/" for table in tables)
    return tuple(
        claim
        for claim in CLAIMS
        if any(row.startswith(wanted) for test in claim.tests for row in test.criterion.rows)
    )
