"""The floor of F1: what random spans score on the same questions."""

from __future__ import annotations

import random

from largebatch.data.squad.squad import SquadSet
from largebatch.data.squad.squad_answers import squad_score

DRAWS = 20_000  # answers in all, at least: the mean F1 is then known to about .2


def random_span_score(dev: SquadSet, train: SquadSet, seed: int = 0) -> dict[str, float]:
    """The mean {"f1", "exact_match"}, in percent, of answers that ignore the question.

    An answer is a run of the context's words; its length is that of a training answer, drawn at
    random, and its place uniform. `ceil(DRAWS / questions)` answers to every question are scored,
    by SQuAD's official evaluation.
    """
    draw = random.Random(seed)
    lengths = [
        len(answer["text"].split())
        for article in train.articles
        for paragraph in article["paragraphs"]
        for question in paragraph["qas"]
        for answer in question["answers"]
    ]
    rounds = -(-DRAWS // dev.questions)
    total = {"f1": 0.0, "exact_match": 0.0}
    for _ in range(rounds):
        answers = {}
        for article in dev.articles:
            for paragraph in article["paragraphs"]:
                words = paragraph["context"].split()
                for question in paragraph["qas"]:
                    length = min(draw.choice(lengths), len(words))
                    start = draw.randrange(len(words) - length + 1)
                    answers[question["id"]] = " ".join(words[start : start + length])
        for metric, value in squad_score(dev, answers).items():
            total[metric] += value / rounds
    return total
