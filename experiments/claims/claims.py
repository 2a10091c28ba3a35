"""The table of claims: of the abstract, sections 4.1 to 4.3 and the appendices, in that order.

Then what opponents and the first author's logs say. Each is in the module of its experiment.
"""

from __future__ import annotations

from collections.abc import Iterable

from largebatch.experiments.claims import bert, imagenet, prose, small
from largebatch.experiments.claims.claim import THE_PAPER, Claim
from largebatch.experiments.tables import registry

_ALL = (*bert.CLAIMS, *imagenet.CLAIMS, *small.CLAIMS, *prose.CLAIMS)
CLAIMS = tuple(sorted(_ALL, key=lambda claim: claim.by != THE_PAPER))


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
