import json
import logging

import pytest

from largebatch.data import load_squad


@pytest.fixture
def write(tmp_path, squad_json):
    """Writes the fixture's JSON, changed by a function, as SPLIT-v1.1.json; returns its path."""

    def written(change=lambda content: None, split="train"):
        content = squad_json(split)
        change(content)
        path = tmp_path / f"{split}-v1.1.json"
        path.write_text(json.dumps(content))
        return str(path)

    return written


def paragraph(content, number=0):
    return content["data"][0]["paragraphs"][number]


def question(content, number=0):
    return paragraph(content)["qas"][number]


def test_a_files_questions_are_counted(write):
    squad = load_squad(write(), split="train")
    assert (squad.split, squad.questions, squad.mismatches) == ("train", 3, ())
    assert paragraph({"data": squad.articles})["context"].startswith("The Normans")
    assert load_squad(write(split="dev"), split="dev").questions == 3


def test_a_folder_is_searched_for_the_official_name_then_for_the_only_one(write, tmp_path):
    official = write()
    (tmp_path / "another-train.json").write_text("{}")
    assert load_squad(tmp_path, split="train").file == official
    (tmp_path / "another-train.json").unlink()
    sample = (tmp_path / "train-v1.1.json").rename(tmp_path / "my-train-sample.json")
    assert load_squad(str(tmp_path), split="train").file == str(sample)
    (tmp_path / "train2.json").write_text("{}")
    with pytest.raises(ValueError, match=r"more than one file: .*my-train-sample.*, .*train2.json"):
        load_squad(tmp_path, split="train")
    with pytest.raises(ValueError, match="no file for SQuAD's dev split: looked for dev-v1.1.json"):
        load_squad(tmp_path, split="dev")
    with pytest.raises(ValueError, match="does not exist"):
        load_squad(tmp_path / "no", split="dev")
    with pytest.raises(ValueError, match="unknown split 'test'"):
        load_squad(tmp_path, split="test")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "line 1 column 1"),
        (b'{"data": [\n}', "line 2 column 1"),
        (b'{"data": "\xff"}', "can't decode byte 0xff in position 10"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[]", 'wanted an object with "data"'),
        (b'{"data": {}}', 'wanted an object with "data"'),
        (b'{"data": []}', "holds no questions"),
        (b'{"version": "v2.0", "data": []}', "is SQuAD v2.0, wanted v1.1"),
        (b'{"data": [3]}', r"data\[0\] is no object"),
    ],
)
def test_what_is_no_squad_file_is_named_with_the_place(tmp_path, content, said):
    path = tmp_path / "train-v1.1.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=said) as error:
        load_squad(path, split="train")
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c["data"][0].pop("paragraphs"), r"data\[0\].paragraphs is missing, wanted list"),
        (lambda c: paragraph(c).update(context=3), r"paragraphs\[0\].context is int, wanted str"),
        (lambda c: paragraph(c).update(context=" \n"), r"paragraphs\[0\].context is empty"),
        (lambda c: question(c).pop("id"), r"paragraphs\[0\].qas\[0\].id is missing"),
        (
            lambda c: question(c, 1).update(id="q1"),
            r"qas\[1\] has the id q1 of data\[0\].*qas\[0\]",
        ),
        (lambda c: question(c).update(is_impossible=False), r"v2.0: .*\(id q1\) has is_impossible"),
        (lambda c: question(c).update(answers=[]), r"\(id q1\) has 0 answers, wanted exactly 1"),
        (
            lambda c: question(c).update(answers=question(c)["answers"] * 2),
            r"\(id q1\) has 2 answers, wanted exactly 1 for training",
        ),
        (
            lambda c: question(c)["answers"][0].update(answer_start="4"),
            r"qas\[0\].answers\[0\].answer_start is str, wanted int",
        ),
        (
            lambda c: question(c)["answers"][0].update(text=" "),
            r"answers\[0\].text \(id q1\) is empty",
        ),
    ],
)
def test_a_part_that_is_not_v1_1_is_named_with_its_place(write, change, said):
    path = write(change)
    with pytest.raises(ValueError, match=said) as error:
        load_squad(path, split="train")
    assert path in str(error.value)


def test_a_dev_question_needs_an_answer_and_may_have_several(write):
    def twice(content):
        question(content)["answers"] *= 2

    assert load_squad(write(twice, "dev"), split="dev").questions == 3
    with pytest.raises(ValueError, match=r"\(id q1\) has 0 answers, wanted at least 1"):
        load_squad(write(lambda c: question(c).update(answers=[]), "dev"), split="dev")


def shift(content, by=1, number=0):
    question(content, number)["answers"][0]["answer_start"] += by


def test_answers_that_do_not_match_the_context_are_counted_and_listed(write):
    def damage(content):
        shift(content, 2)
        shift(content, 10_000, 1)

    path = write(damage)
    with pytest.raises(ValueError) as error:
        load_squad(path, split="train")
    assert str(error.value).startswith(
        f"{path}: 2 of 3 answers do not stand in their context at answer_start: "
        "q1: found 'rmans g', wanted 'Normans'; q2: found '', wanted 'Normandy, a region in France'"
    )


def test_allowed_mismatches_are_left_out_with_a_warning_that_lists_them(write, caplog):
    path = write(shift)
    with caplog.at_level(logging.WARNING):
        squad = load_squad(path, split="train", allow_mismatches=True)
    assert [mismatch.question_id for mismatch in squad.mismatches] == ["q1"]
    assert squad.questions == 2
    assert [qa["id"] for qa in paragraph({"data": squad.articles})["qas"]] == ["q2"]
    assert "1 of 3 answers" in caplog.text and "q1: found 'ormans '" in caplog.text

    def damage(content):
        for part in content["data"][0]["paragraphs"]:
            for qa in part["qas"]:
                qa["answers"][0]["answer_start"] = -1

    with pytest.raises(ValueError, match="No question is left"):
        load_squad(write(damage), split="train", allow_mismatches=True)


def test_white_space_may_differ_and_the_dev_files_answers_are_not_held_to_the_context(write):
    def respaced(content):
        answer = question(content, 1)["answers"][0]
        answer["text"] = answer["text"].replace(" region ", "\u00a0region\t")

    assert load_squad(write(respaced), split="train").mismatches == ()
    assert load_squad(write(shift, "dev"), split="dev").mismatches == ()
