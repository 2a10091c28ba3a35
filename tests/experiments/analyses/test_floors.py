"""Floors that are kept in a file, found again by a run's data, and told beside its figures."""

import json

import pytest

from largebatch.experiments.analyses import floors
from largebatch.experiments.program.errors import UserError
from largebatch.experiments.records.text_floors import floors_of, same_text
from largebatch.experiments.reporting.model import notes
from largebatch.experiments.reporting.model.cells import gather

WORDS = {"unigram": 0.06, "left_bigram": 0.13, "both_neighbours": 0.28}
FOUND = {"masked_lm_accuracy": WORDS, "next_sentence_accuracy": {"majority": 0.51}}


def data(examples: int = 9) -> dict:
    stages = [
        {"sequence_length": n, "train_examples": examples, "eval_examples": 2, "manifest": "a"}
        for n in (64, 128)
    ]
    return {"vocabulary_sha256": "ab", "vocabulary_file": "v.txt", "stages": stages}


def test_a_text_is_kept_once_and_beside_others(tmp_path):
    path = str(tmp_path / "bert_floors.json")
    floors.keep(path, {**data(), "floors": {}})
    floors.keep(path, {**data(), "floors": FOUND})
    floors.keep(path, {**data(10), "floors": {"other": {}}})
    texts = json.loads((tmp_path / "bert_floors.json").read_text())["texts"]
    assert len(texts) == 2
    for changes, found in (({}, FOUND), ({"vocabulary_file": "moved.txt"}, FOUND),
                           ({"vocabulary_sha256": "cd"}, {})):  # fmt: skip
        assert floors_of({"data": {**data(), **changes}}, texts) == found
    assert floors_of({}, texts) == floors_of({"data": {}}, texts) == {}
    assert floors_of({"floors": {"own": {}}, "data": data()}, texts) == {"own": {}}
    assert not same_text(data(), data(10))


@pytest.mark.parametrize("content", ["[]", "{}", "no JSON", '{"texts": [3]}'])
def test_another_file_is_not_overwritten(tmp_path, content):
    path = tmp_path / "file.json"
    path.write_text(content)
    with pytest.raises(UserError, match="not a file of floors"):
        floors.keep(str(path), {**data(), "floors": FOUND})
    assert path.read_text() == content


def test_a_report_tells_the_floors_of_a_runs_text_and_who_is_above_them(make_run, tmp_path):
    for name, score in (("table1/lamb-512", 0.15), ("table1/lamb-32768", 0.06)):
        metrics = {"masked_lm_accuracy": score, "masked_lm_loss": 5.0}
        make_run(name, scale="laptop", metrics=metrics, data=data())
    assert "Floors not computed" in " ".join(
        notes.notes(gather(str(tmp_path), ["table1"]).tables[1])
    )
    floors.keep(str(tmp_path / "bert_floors.json"), {**data(), "floors": FOUND})
    [table] = [t for t in gather(str(tmp_path), ["table1"]).tables if t.scale == "laptop"]
    told = " ".join(notes.notes(table))
    assert "unigram 0.0600 (above it: LAMB 512)" in told  # 0.06 is not above 0.06
    assert "left bigram 0.1300 (above it: LAMB 512)" in told
    assert "both neighbours 0.2800 (above it: none)." in told
    assert "Next sentence, always the majority label: 0.5100." in told
