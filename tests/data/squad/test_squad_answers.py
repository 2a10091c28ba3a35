import json

import numpy as np
import pytest

from largebatch.data import load_squad, squad_predictions, squad_score, squad_windows


def dataset(*answers):
    """Questions q0, q1, ... with these gold answers."""
    qas = [
        {"id": f"q{number}", "answers": [{"text": text, "answer_start": 0} for text in texts]}
        for number, texts in enumerate(answers)
    ]
    return {"version": "1.1", "data": [{"paragraphs": [{"context": "", "qas": qas}]}]}


@pytest.mark.parametrize(
    ("gold", "prediction", "f1", "exact_match"),
    [
        (["Normans"], "Normans", 1, 1),
        (["Normans"], "normans", 1, 1),  # case
        (["the Norman conquest"], "Norman  conquest", 1, 1),  # an article, white space
        (["U.S. Army"], "us army!", 1, 1),  # punctuation joins, it does not part
        (["a region in France"], "", 0, 0),
        (["Normans"], "Danes", 0, 0),
        (["a region in France"], "region France", 0.8, 0),  # precision 1, recall 2/3
        (["Norway"], "Norway and Norway", 0.5, 0),  # a token counts as often as in both: 1/3, 1
        (["Denmark", "Denmark, Iceland and Norway"], "Iceland and Norway", 6 / 7, 0),  # 1, 3/4
        (["Denmark", "Iceland"], "iceland", 1, 1),  # any of them
        (["North Sea coast", "sea"], "The sea", 1, 1),  # the first alone would give 0.5
    ],
)
def test_scores_are_as_computed_by_hand(gold, prediction, f1, exact_match):
    score = squad_score(dataset(gold), {"q0": prediction})
    assert score == {
        "f1": pytest.approx(100 * f1),
        "exact_match": pytest.approx(100 * exact_match),
    }


def test_scores_are_means_over_all_questions_and_no_prediction_scores_nothing():
    content = dataset(["Normans"], ["a region in France"], ["Norway"], ["x"])
    score = squad_score(content, {"q0": "Normans", "q1": "region France", "q2": "no"})
    assert score == {"f1": pytest.approx(45.0), "exact_match": pytest.approx(25.0)}
    assert squad_score(content["data"], {"q0": "Normans"})["f1"] == pytest.approx(25.0)


# The whole path: JSON, windows, logits, answers, score.


def gold_windows(path, vocabulary, **sizes):
    """Windows of one file for evaluation, and for training: these know where the answers are."""
    training = squad_windows(load_squad(path, split="train"), vocabulary, **sizes)
    return squad_windows(load_squad(path, split="dev"), vocabulary, **sizes), training


def oracle_logits(training):
    """A perfect model's: 10 at the answer's ends, in windows that hold it; else nothing."""
    rows = np.arange(len(training))
    start, end = np.zeros((2, *training.input_word_ids.shape), np.float32)
    held = training.start_positions > 0
    start[rows[held], training.start_positions[held]] = 10
    end[rows[held], training.end_positions[held]] = 10
    return start, end


@pytest.fixture(scope="module")
def small(squad_folder):
    sizes = {"sequence_length": 64, "stride": 16, "question_length": 8}
    path = str(squad_folder / "train-v1.1.json")
    return (path, *gold_windows(path, squad_folder / "vocab.txt", **sizes))


def predict(windows, start, end, unique_ids=None, **settings):
    unique_ids = windows.unique_ids if unique_ids is None else unique_ids
    return squad_predictions(windows.examples, windows.features, start, end, unique_ids, **settings)


def test_perfect_logits_give_the_answers_and_their_full_score(small):
    path, windows, training = small
    predictions, n_best = predict(windows, *oracle_logits(training))
    # As it stands in the context: with its case and its comma, though the model saw "norman ##s".
    assert predictions == {"q1": "Normans", "q2": "Normandy, a region in France", "q3": "North Sea"}
    assert squad_score(path, predictions) == {"f1": 100.0, "exact_match": 100.0}
    for identity, best in n_best.items():
        assert best[0]["text"] == predictions[identity]
        assert len(best) <= 20
        assert sum(one["probability"] for one in best) == pytest.approx(1)
        assert (best[0]["start_logit"], best[0]["end_logit"]) == (10.0, 10.0)


def test_rows_may_come_in_any_order_with_padding(small):
    _, windows, training = small
    start, end = oracle_logits(training)
    order = np.random.RandomState(0).permutation(len(windows))
    padded = [np.concatenate([part[order], np.full((3, 64), np.nan)]) for part in (start, end)]
    ids = np.concatenate([windows.unique_ids[order], [0, 0, 0]])
    assert predict(windows, *padded, ids) == predict(windows, start, end)


def test_an_answer_is_not_longer_than_allowed(small):
    _, windows, training = small
    predictions, _ = predict(windows, *oracle_logits(training), max_answer_length=3)
    assert predictions["q1"] == "Normans"  # two tokens
    assert predictions["q2"] != "Normandy, a region in France"  # six


def test_the_question_and_the_padding_are_no_answers(small):
    _, windows, training = small
    start, end = oracle_logits(training)
    start[:, :5] = end[:, :5] = 100
    start[:, -1] = end[:, -1] = 100
    predictions, _ = predict(windows, start, end)
    assert predictions["q1"] == "Normans"


def test_logits_that_are_not_those_of_the_windows_are_refused(small):
    _, windows, training = small
    start, end = oracle_logits(training)
    count = len(windows)
    with pytest.raises(ValueError, match=f"of the {count} windows: 1 windows have none"):
        predict(windows, start[1:], end[1:], windows.unique_ids[1:])
    ids = windows.unique_ids.copy()
    ids[0] = ids[1]
    with pytest.raises(ValueError, match="1 windows have none, 1 have several"):
        predict(windows, start, end, ids)
    ids[0] = 7
    with pytest.raises(ValueError, match="1 windows have none, 0 have several, 1 rows are of no"):
        predict(windows, start, end, ids)
    with pytest.raises(ValueError, match=f"{count - 1} rows of start logits, {count} of end"):
        predict(windows, start[1:], end)
    end[3, 7] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        predict(windows, start, end)


@pytest.mark.parametrize("split", ["train", "dev"])
def test_perfect_logits_score_nearly_100_on_real_articles(real_datasets, tmp_path, split):
    vocabulary = real_datasets / "bert_vocab" / "vocab.txt"
    if not (real_datasets / "squad").is_dir() or not vocabulary.is_file():
        pytest.skip("no squad/ and bert_vocab/ among the real data sets")
    content = {"data": load_squad(real_datasets / "squad", split=split).articles}
    for article in content["data"]:
        for paragraph in article["paragraphs"]:
            for question in paragraph["qas"]:
                del question["answers"][1:]
    path = tmp_path / "squad.json"
    path.write_text(json.dumps(content))
    windows, training = gold_windows(path, vocabulary)
    assert training.left_out == ()
    predictions, _ = predict(windows, *oracle_logits(training))
    score = squad_score(str(path), predictions)
    assert score["f1"] > 99 and score["exact_match"] > 98, score
