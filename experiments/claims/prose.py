"""What the paper claims of batch sizes, on BERT-Mini and prose: the study of `tables.prose`."""

from __future__ import annotations

from largebatch.experiments.claims.bert import falls
from largebatch.experiments.claims.claim import PAPER, Claim, at
from largebatch.experiments.claims.criteria import every
from largebatch.experiments.claims.evidence import side
from largebatch.experiments.claims.means import Comparison, better, no_worse

STUDY = "the paper, on BERT-Mini and prose"
MARGIN = 0.01  # of masked-word accuracy
SMALLEST, LARGEST, MIXED = "16", "1024", "2048-1024"


def _of(name: str, batch: str):
    return side(f"prose/{name}-{batch}")


def _falls(name: str) -> Comparison:
    return falls(f"prose/{name}-{SMALLEST}", f"prose/{name}-{LARGEST}", MARGIN)


CLAIMS = (
    Claim(
        "prose-lamb-flat",
        "LAMB loses nothing from batch 16 to 1,024",
        "after section 4.3, Table 4",
        at(no_worse(_of("lamb", LARGEST), _of("lamb", SMALLEST), MARGIN), PAPER),
        by=STUDY,
        remark=f"less than {MARGIN} of masked-word accuracy",
    ),
    Claim(
        "prose-others-fall",
        "LARS and AdamW fall from batch 16 to 1,024",
        "after section 4.1, Table 2",
        at(every(_falls("lars"), _falls("adamw")), PAPER),
        by=STUDY,
        remark=f"by more than {MARGIN}",
    ),
    Claim(
        "prose-lamb-above",
        "At batch 1,024 LAMB is above LARS and AdamW, tuned equally",
        "after section 4.1",
        at(every(*(better(_of("lamb", LARGEST), _of(name, LARGEST)) for name in ("lars", "adamw"))),
           PAPER),
        by=STUDY,
    ),
    Claim(
        "prose-adamw-matches",
        "AdamW, tuned equally, matches LAMB at batch 1,024",
        "after Nado et al. 2021",
        at(no_worse(_of("adamw", LARGEST), _of("lamb", LARGEST), MARGIN), PAPER),
        by=STUDY,
        remark=f"loses less than {MARGIN}; the claim that opposes the one above",
    ),
    Claim(
        "prose-rewarmup",
        "Warming up again stabilises the second stage of the mixed batch",
        "after section 4.1",
        at(better(_of("lamb", MIXED), _of("lamb", f"{MIXED}-one-warmup")), PAPER),
        by=STUDY,
    ),
)  # fmt: skip
