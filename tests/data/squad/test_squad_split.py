import json

import pytest

from largebatch.data import load_squad, random_span_score, split_squad
from largebatch.data.text.text_documents import is_held_out


def paragraph(number, answers=1, context=None):
    context = context or f"Paragraph {number} says that the answer is word{number}, and no other."
    word = f"word{number}"
    found = {"text": word, "answer_start": context.index(word)}
    asked = {"id": f"q{number}", "question": "What?", "answers": [found] * answers}
    return {"context": context, "qas": [asked]}


@pytest.fixture
def folder(tmp_path):
    """Ten paragraphs of an article to train on, ten of another with three answers a question."""
    for split, numbers, answers in (("train", range(10), 1), ("dev", range(10, 20), 3)):
        data = [{"title": split, "paragraphs": [paragraph(n, answers) for n in numbers]}]
        content = json.dumps({"version": "1.1", "data": data})
        (tmp_path / f"{split}-v1.1.json").write_text(content)
    return tmp_path


def split(folder, output, *flags):
    arguments = [f"--squad_dir={folder}", f"--output_dir={output}", *flags]
    return split_squad.program(["split_squad", *arguments])


def questions(squad):
    return {
        question["id"]: (article["title"], len(question["answers"]))
        for article in squad.articles
        for part in article["paragraphs"]
        for question in part["qas"]
    }


def test_each_paragraph_is_on_the_side_that_its_text_says(folder, tmp_path, capsys):
    output = tmp_path / "new" / "split"
    assert split(folder, output, "--dev_fraction=0.4") == 0
    train, dev = (load_squad(output, split=name) for name in ("train", "dev"))
    assert set(questions(train)) | set(questions(dev)) == {f"q{n}" for n in range(20)}
    assert not set(questions(train)) & set(questions(dev))
    for n in range(20):
        assert (f"q{n}" in questions(dev)) == is_held_out(paragraph(n)["context"], 0.4)
    titles = {title for title, _ in questions(train).values()}
    assert titles == {"train", "dev"} == {title for title, _ in questions(dev).values()}
    assert {answers for _, answers in questions(train).values()} == {1}
    assert {answers for _, answers in questions(dev).values()} == {1, 3}
    printed = capsys.readouterr().out
    assert f"dev-v1.1.json: {dev.questions} questions on {dev.questions} paragraphs" in printed
    again = tmp_path / "again"
    assert split(folder, again, "--dev_fraction=0.4") == 0
    for name in ("train-v1.1.json", "dev-v1.1.json"):
        assert (again / name).read_bytes() == (output / name).read_bytes()


def test_about_the_fraction_asked_for_is_set_aside():
    contexts = [f"context {number}" for number in range(2000)]
    assert sum(is_held_out(context, 0.3) for context in contexts) / 2000 == pytest.approx(
        0.3, abs=0.03
    )
    assert is_held_out("  context\n0 ", 0.3) == is_held_out("context 0", 0.3)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--dev_fraction=0"], "--dev_fraction=0.0: want more than 0 and less than 1"),
        (["--dev_fraction=0.0001"], "leaves no paragraph for dev"),
        ([], "train-v1.1.json is there already; give another --output_dir"),
    ],
)
def test_a_mistake_is_a_line(folder, tmp_path, flags, message, capsys):
    output = folder if not flags else tmp_path / "new"
    assert split(folder, output, *flags) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_random_spans_score_what_counting_says(tmp_path):
    """One of ten words is right, and every training answer is one word long: F1 is 10."""
    words = "zero one two three four five six seven eight word1"
    for name in ("train", "dev"):
        data = [{"title": "t", "paragraphs": [paragraph(1, context=words)]}]
        content = json.dumps({"version": "1.1", "data": data})
        (tmp_path / f"{name}-v1.1.json").write_text(content)
    train, dev = (load_squad(tmp_path, split=name) for name in ("train", "dev"))
    found = random_span_score(dev, train)
    assert found == random_span_score(dev, train)
    assert found["f1"] == pytest.approx(10, abs=0.7)  # of 20,000 draws
    assert found["exact_match"] == pytest.approx(found["f1"])
