"""From a span model's logits to answers, and their score by SQuAD's official evaluation.

Wraps tf-models-official's code. Legend: n windows, L the window's length.
"""

from __future__ import annotations

import collections
import os
from collections.abc import Mapping, Sequence

import numpy as np
from official.nlp.data import squad_lib
from official.nlp.tools import squad_evaluate_v1_1

from largebatch.data.squad.squad import SquadSet, load_squad

_Result = collections.namedtuple("_Result", ["unique_id", "start_logits", "end_logits"])


def squad_predictions(
    examples: Sequence,
    features: Sequence,
    start_logits: np.ndarray,
    end_logits: np.ndarray,
    unique_ids: np.ndarray,
    *,
    n_best: int = 20,
    max_answer_length: int = 30,
    lower_case: bool = True,
) -> tuple[dict, dict]:
    """({question id: answer}, {question id: its n best, each with probability and logits}).

    The answer is the span of at most `max_answer_length` tokens with the largest sum of start and
    end logits, among the `n_best` of each; a token counts in the window that has most context
    around it.

    Args:
      examples, features: `SquadWindows` has them.
      start_logits, end_logits: float [n, L], a row a window, in any order.
      unique_ids: int [n], the window of each row; rows of id 0 (what fills up the last batch of an
        evaluation) are passed over.

    Raises:
      ValueError: logits that lack a window, have one twice or one of no feature, or are not finite.
    """
    unique_ids = np.asarray(unique_ids).reshape(-1)
    start_logits, end_logits = np.asarray(start_logits), np.asarray(end_logits)
    if not len(unique_ids) == len(start_logits) == len(end_logits):
        raise ValueError(
            f"{len(start_logits)} rows of start logits, {len(end_logits)} of end logits and "
            f"{len(unique_ids)} ids: wanted as many of each"
        )
    kept = unique_ids != 0
    _check_complete(unique_ids[kept], [feature.unique_id for feature in features])
    if not (np.isfinite(start_logits[kept]).all() and np.isfinite(end_logits[kept]).all()):
        raise ValueError("the span model's logits are not finite: it has diverged")
    results = [
        # Lists: squad_lib sorts them as Python numbers.
        _Result(int(unique_ids[row]), start_logits[row].tolist(), end_logits[row].tolist())
        for row in np.flatnonzero(kept)
    ]
    predictions, n_best_answers, _ = squad_lib.postprocess_output(
        examples,
        features,
        results,
        n_best_size=n_best,
        max_answer_length=max_answer_length,
        do_lower_case=lower_case,
    )
    return dict(predictions), dict(n_best_answers)


def squad_score(
    dataset: str | os.PathLike | SquadSet | Mapping | Sequence, predictions: Mapping
) -> dict:
    """{"f1", "exact_match"} in percent, by the official evaluation: case, punctuation, articles and
    white space do not count; of several right answers the nearest does; a question without a
    prediction scores 0.

    Args:
      dataset: A file of SQuAD v1.1, a loaded one, its JSON object, or the list under its "data".
      predictions: {question id: answer}.
    """
    if isinstance(dataset, (str, os.PathLike)):
        dataset = load_squad(os.fspath(dataset), split="dev")
    if isinstance(dataset, SquadSet):
        articles = dataset.articles
    else:
        articles = dataset["data"] if isinstance(dataset, Mapping) else dataset
    score = squad_evaluate_v1_1.evaluate(articles, predictions)
    return {"f1": 100.0 * score["final_f1"], "exact_match": 100.0 * score["exact_match"]}


def _check_complete(given: np.ndarray, wanted: list) -> None:
    counts = collections.Counter(given.tolist())
    missing = set(wanted) - set(counts)
    strange = set(counts) - set(wanted)
    twice = [one for one, count in counts.items() if count > 1]
    if missing or strange or twice:
        raise ValueError(
            f"the logits are not those of the {len(wanted)} windows: {len(missing)} windows have "
            f"none, {len(twice)} have several, {len(strange)} rows are of no window"
        )
