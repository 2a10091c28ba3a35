"""A claim: a sentence, where it stands, and what tests it at each scale."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any, NamedTuple

from largebatch.experiments.claims.criteria import Criterion
from largebatch.experiments.claims.evidence import Results
from largebatch.experiments.claims.verdict import NOT_RUN, Verdict
from largebatch.experiments.tables import batch_sizes

PAPER, AS_RUN, LAPTOP, LAPTOP_CIFAR10 = SCALES = ("paper", "as run", "laptop", "laptop-cifar10")
THE_PAPER, LOGS = "the paper", "the logs"  # who claims it; others by name
NADO = "Nado et al. 2021"
BATCHES = tuple(batch_sizes.BATCHES)  # of the paper's tables, for BERT and for ResNet-50
# As run is the paper's own scale, in the rows that follow the first author's code.
_ROW_SCALES = {AS_RUN: "paper"}


class Test(NamedTuple):
    """How a claim is tested at one scale."""

    scale: str
    criterion: Criterion


@dataclasses.dataclass(frozen=True)
class Claim:
    """`sentence` is in this project's words; `place` is where the paper, or its opponent, says it.

    A claim that no row tests yet has no tests, and `untested` says what is missing.
    """

    name: str  # bert-32k-baseline
    sentence: str
    place: str
    tests: tuple[Test, ...] = ()
    by: str = THE_PAPER
    remark: str = ""
    untested: str = ""

    def __post_init__(self):
        scales = [test.scale for test in self.tests]
        if len(set(scales)) < len(scales) or not set(scales) <= set(SCALES):
            raise ValueError(f"{self.name}: want one test a scale, of {', '.join(SCALES)}")
        if bool(self.tests) == bool(self.untested):
            raise ValueError(f"{self.name}: want tests, or what is missing for one")


class Judged(NamedTuple):
    """A claim and what the results say of it, {scale: verdict}, in the order of SCALES.

    `earlier`: the verdicts of runs with the settings that rows had before, where there are no
    others; they are told beside, and are no verdicts on the rows.
    """

    claim: Claim
    verdicts: dict[str, Verdict]
    earlier: dict[str, Verdict]

    def record(self) -> dict[str, Any]:
        """As JSON types."""
        claim = self.claim
        return {
            "name": claim.name,
            "sentence": claim.sentence,
            "place": claim.place,
            "by": claim.by,
            "remark": claim.remark,
            "untested": claim.untested,
            "verdicts": {scale: verdict.record() for scale, verdict in self.verdicts.items()},
            "earlier": {scale: verdict.record() for scale, verdict in self.earlier.items()},
        }


def judge(claims: Iterable[Claim], results: Results) -> list[Judged]:
    """Each claim with a verdict at each scale that it has a test for."""
    before = results.earlier()
    made = []
    for claim in claims:
        tests = sorted(claim.tests, key=lambda test: SCALES.index(test.scale))
        verdicts = {test.scale: _judged(test, results) for test in tests}
        others = {test.scale: _judged(test, before) for test in tests}
        earlier = {
            scale: verdict
            for scale, verdict in others.items()
            if verdict.word != NOT_RUN and not verdict.same(verdicts[scale])
        }
        made.append(Judged(claim, verdicts, earlier))
    return made


def _judged(test: Test, results: Results) -> Verdict:
    return test.criterion.judge(results, _ROW_SCALES.get(test.scale, test.scale))


def at(criterion: Criterion, *scales: str) -> tuple[Test, ...]:
    """The same criterion at several scales."""
    return tuple(Test(scale, criterion) for scale in scales)
