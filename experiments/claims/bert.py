"""Claims about BERT: the abstract, section 4.1, appendix H.0.1."""

from __future__ import annotations

from largebatch.experiments.claims.claim import BATCHES, LAPTOP, NADO, PAPER, Claim, Test, at
from largebatch.experiments.claims.criteria import Share, every
from largebatch.experiments.claims.evidence import side
from largebatch.experiments.claims.means import (
    Comparison,
    Learned,
    below,
    better,
    equal,
    no_worse,
    reaches,
)

BASELINE_F1 = 90.395  # Table 1: Google's BERT-Large of February 2019
LARS_BASELINE_F1 = 90.390  # Table 2's caption
POD = 2048  # cores of 1,024 TPU v3 chips, which a run counts as devices
SMALL_POD = 32
# Points of F1 that are no loss: Table 1's values at seven batch sizes scatter over 0.8.
F1_MARGIN = 0.5
# Of a small model's masked-LM accuracy, which stands in for F1 at laptop scale.
PROXY_MARGIN = 0.01
LOSS, LOSS_MARGIN = "masked_lm_loss", 0.1  # nats, held out: curves that are 'almost identical'

BASELINE = side("table1/baseline")
MIXED = "table1/lamb-65536-32768"
CHECK = "reality_check"
ADAMW_16K = tuple(
    f"table8/adamw-16384-warmup{warmup}-rate{rate}"
    for warmup in ("0.05", "0.10", "0.20")
    for rate in ("0.0001", "0.0002", "0.0003")
)


def _lamb(batch: int, **settings):
    return side(f"table1/lamb-{batch}", **settings)


def falls(first: str, last: str, margin: float) -> Comparison:
    """The last row loses more than `margin` against the first."""
    return Comparison(side(first), side(last), at_least=margin)


def _within(criterion, *rows) -> tuple[Test, ...]:
    """A criterion of a margin: of F1, and at laptop scale of what stands in for it."""
    margins = {PAPER: F1_MARGIN, LAPTOP: PROXY_MARGIN}
    return tuple(
        Test(scale, _learned(criterion(*rows, margin))) for scale, margin in margins.items()
    )


def _learned(comparison: Comparison) -> Learned:
    """At laptop scale, where the largest batches leave few updates; F1 has no such floor."""
    return Learned(comparison, "masked_lm_accuracy", PROXY_MARGIN)


CLAIMS = (
    Claim(
        "bert-reaches-baseline",
        "LAMB, untuned, reaches the published BERT-Large's F1 at every batch size up to 32K",
        "abstract; sections 4.1 and 4.3, Tables 1 and 4",
        (
            Test(PAPER, every(*(reaches(_lamb(b), BASELINE_F1) for b in BATCHES))),
            Test(
                LAPTOP,
                every(*(_learned(no_worse(_lamb(b), BASELINE, PROXY_MARGIN)) for b in BATCHES)),
            ),
        ),
    ),
    Claim(
        "bert-no-loss-to-32k",
        "LAMB, untuned, loses nothing from batch 512 to 32K",
        "abstract; section 4.3, Table 4",
        _within(no_worse, _lamb(32768), _lamb(512)),
        remark=f"less than {F1_MARGIN} points of F1; at laptop scale {PROXY_MARGIN} of accuracy",
    ),
    Claim(
        "bert-mixed-reaches-baseline",
        "The mixed batch 64K/32K reaches the baseline's F1 in 8,599 steps",
        "section 4.1, Table 1; section 5",
        (
            Test(PAPER, reaches(side(MIXED), BASELINE_F1)),
            Test(LAPTOP, _learned(no_worse(side(MIXED), _lamb(512), PROXY_MARGIN))),
        ),
    ),
    Claim(
        "bert-76-minutes",
        "BERT-Large trains in 76 minutes on 1,024 TPU v3 chips (5 % allowed)",
        "title; abstract; Table 1",
        at(
            Comparison(
                side(MIXED, metric="wall_seconds", devices=POD), 60 * 76.19,
                at_most=1.05, ratio=True, against=1.0,
            ),
            PAPER,
        ),
    ),
    Claim(
        "bert-scaling-efficiency",
        "64 times the chips give 49.1 times the speed: 76.7 % efficiency (5 points allowed)",
        "section 4.1; Figure 8",
        at(
            Comparison(
                _lamb(512, metric="device_seconds", devices=SMALL_POD),
                _lamb(32768, metric="device_seconds", devices=POD),
                at_least=0.717, ratio=True, against=0.767,
            ),
            PAPER,
        ),
    ),
    Claim(
        "bert-131072-no-faster",
        "A first stage at 131,072 is no faster than at 65,536",
        "section 4.1",
        at(
            Comparison(
                # 1562 updates of stage 2, and half as many of stage 1 as at 64K.
                side(MIXED, metric="wall_seconds", devices=POD, batch_size=131072,
                     total_steps=5081),
                side(MIXED, metric="wall_seconds", devices=POD),
                at_least=0.95, ratio=True,
            ),
            PAPER,
        ),
        remark="an ablation: runs of the mixed row with its first batch and its steps changed",
    ),
    Claim(
        "bert-rewarmup",
        "Warming up again stabilises the second stage of the mixed batch",
        "section 4.1",
        at(_learned(better(side(MIXED), side(MIXED, rewarmup=False))), PAPER, LAPTOP),
        remark="an ablation: runs with rewarmup set to false",
    ),
    Claim(
        "bert-64k-converges",
        "The mixed batch trains to its end without diverging",
        "appendix H.0.1, Figure 7",
        at(Share(MIXED, finish=True), PAPER, LAPTOP),
    ),
    Claim(
        "bert-adamw-stops",
        "AdamW at 16K stays below the baseline, at each of nine settings",
        "section 4.1; appendix H.0.1, Table 8",
        (
            Test(PAPER, every(*(below(side(row), BASELINE_F1) for row in ADAMW_16K))),
            Test(LAPTOP, _learned(better(_lamb(16384), side(*ADAMW_16K)))),
        ),
        remark="at laptop scale, where there is no such target, LAMB is above the best of the nine",
    ),
    Claim(
        "bert-adamw-warmup",
        "A warm-up of 20 % saves AdamW at 16K, which diverges with one of 5 %",
        "appendix H.0.1, Table 8",
        at(_learned(better(side(*ADAMW_16K[-3:]), side(*ADAMW_16K[:3]))), PAPER, LAPTOP),
        remark="the best of three rates each",
    ),
    Claim(
        "bert-adamw-settings",
        "AdamW at 16K stays below the baseline with its default settings, and with LAMB's",
        "section 4.1",
        (
            Test(
                PAPER,
                every(*(below(side(f"section41/adamw-16384-{settings}"), BASELINE_F1)
                        for settings in ("default", "lamb"))),
            ),
            Test(
                LAPTOP,
                every(*(_learned(better(_lamb(16384), side(f"section41/adamw-16384-{settings}")))
                        for settings in ("default", "lamb"))),
            ),
        ),
        remark="at laptop scale LAMB is above both",
    ),
    Claim(
        "bert-adamw-mixed",
        "AdamW, tuned, gives no reasonable result with the mixed batch 64K/32K",
        "section 4.1",
        (
            Test(PAPER, below(side("section41/adamw-65536-32768"), BASELINE_F1)),
            Test(LAPTOP, _learned(better(side(MIXED), side("section41/adamw-65536-32768")))),
        ),
        remark="below the baseline; at laptop scale, below LAMB",
    ),
    Claim(
        "bert-fine-tuning-rate",
        "Another learning rate in fine-tuning raises LAMB's F1 at 16K",
        "section 4.1: from 91.345 to 91.688",
        at(better(side("section41/lamb-16384-finetuned"), _lamb(16384)), PAPER),
    ),
    Claim(
        "bert-lamb-above-lars",
        "LAMB is above LARS at every batch size",
        "abstract; section 4.1, Table 2",
        at(
            every(*(_learned(better(_lamb(b), side(f"table2/lars-{b}"))) for b in BATCHES)),
            *(PAPER, LAPTOP),
        ),
    ),
    Claim(
        "bert-lars-falls",
        "LARS falls from batch 512 to 32K",
        "abstract; Table 2: 90.717 at 512, diverged at 32K",
        _within(falls, "table2/lars-512", "table2/lars-32768"),
    ),
    Claim(
        "bert-adamw-falls",
        "AdamW falls from batch 512 to 32K",
        "section 4.1: AdamW 'stops scaling at the batch size of 16K'",
        _within(falls, f"{CHECK}/adamw-512", f"{CHECK}/adamw-32768"),
        remark="its rates by the paper's rules for LAMB; at laptop scale tuned at batch 8K",
    ),
    Claim(
        "bert-lars-stops",
        "LARS at 16K stays below the baseline",
        "section 4.1, Table 2",
        at(below(side("table2/lars-16384"), LARS_BASELINE_F1), PAPER),
    ),
    Claim(
        "bert-lars-diverges",
        "LARS diverges at 32K",
        "section 4.1, Table 2",
        at(Share("table2/lars-32768"), PAPER, LAPTOP),
    ),
    Claim(
        "bert-loss-curves",
        "LAMB's loss is almost the same at every batch size",
        "appendix H.0.1, Figure 6",
        at(
            every(*(_learned(equal(_lamb(b, metric=LOSS), _lamb(512, metric=LOSS), LOSS_MARGIN))
                    for b in BATCHES[1:])),
            *(PAPER, LAPTOP),
        ),
        remark=f"on held-out text, at the end, within {LOSS_MARGIN} nats",
    ),
    Claim(
        "bert-no-correction",
        "Without adam-correction LAMB loses nothing on BERT",
        "appendix E",
        at(no_worse(_lamb(32768, bias_correction=False), _lamb(32768), F1_MARGIN), PAPER),
        remark="an ablation: runs with bias_correction set to false",
    ),
    Claim(
        "tuned-adamw-on-bert",
        "Tuned AdamW reaches LAMB's F1 on BERT-Large at 32K: 91.58",
        "arXiv 2102.06356",
        _within(no_worse, side(f"{CHECK}/adamw-32768"), _lamb(32768)),
        by=NADO,
        remark="its own settings have no row: rates by the paper's rules for LAMB; at laptop scale "
        "each optimizer has as many trials",
    ),
    Claim(
        "tuned-adamw-at-8k",
        "Tuned AdamW reaches LAMB's F1 on BERT-Large at 8K, where both are tuned",
        "after arXiv 2102.06356, which says it of 32K",
        _within(no_worse, side(f"{CHECK}/adamw-8192"), _lamb(8192)),
        by=NADO,
        remark="the middle batch, of the trials; written when the runs at laptop scale were known",
    ),
    Claim(
        "tuned-momentum-on-bert",
        "Tuned Nesterov momentum reaches LARS's score on BERT at 32K",
        "after arXiv 2102.06356, which says it of ResNet-50",
        _within(no_worse, side(f"{CHECK}/momentum-32768"), side("table2/lars-32768")),
        by=NADO,
        remark="at laptop scale each optimizer has as many trials",
    ),
    Claim(
        "tuned-momentum-at-8k",
        "Tuned Nesterov momentum reaches LARS's score on BERT at 8K, where both are tuned",
        "after arXiv 2102.06356, which says it of ResNet-50",
        _within(no_worse, side(f"{CHECK}/momentum-8192"), side("table2/lars-8192")),
        by=NADO,
        remark="the middle batch; written when the trials at laptop scale were known",
    ),
)  # fmt: skip
