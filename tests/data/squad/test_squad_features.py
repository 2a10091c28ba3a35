import json
import logging

import absl.logging
import numpy as np
import pytest
from official.nlp.data import squad_lib
from official.nlp.tools import tokenization

from largebatch.data import load_squad, squad_windows

SIZES = {"sequence_length": 64, "stride": 16, "question_length": 8}


@pytest.fixture(scope="module")
def vocabulary(squad_folder):
    return squad_folder / "vocab.txt"


@pytest.fixture(scope="module")
def windows(squad_folder, vocabulary):
    """By split."""
    return {
        split: squad_windows(load_squad(squad_folder, split=split), vocabulary, **SIZES)
        for split in ("train", "dev")
    }


@pytest.fixture(scope="module")
def words(vocabulary):
    return np.array(vocabulary.read_text().split("\n"))


def text_of(windows, words, row, start=0, end=None):
    return " ".join(words[windows.input_word_ids[row]][start:end])


@pytest.mark.parametrize("split", ["train", "dev"])
def test_windows_are_those_of_googles_recipe(squad_folder, vocabulary, windows, split):
    training = split == "train"
    features = []
    squad_lib.convert_examples_to_features(
        squad_lib.read_squad_examples(
            str(squad_folder / f"{split}-v1.1.json"), training, version_2_with_negative=False
        ),
        tokenization.FullTokenizer(str(vocabulary), do_lower_case=True),
        max_seq_length=64,
        doc_stride=16,
        max_query_length=8,
        is_training=training,
        output_fn=lambda feature, is_padding=False: features.append(feature),
        batch_size=1,
    )
    mine = windows[split]
    assert len(mine) == len(features)
    place = np.arange(64)
    for row, feature in enumerate(features):
        inside = place < mine.tokens[row]
        np.testing.assert_array_equal(mine.input_word_ids[row], feature.input_ids)
        np.testing.assert_array_equal(inside, feature.input_mask)
        types = inside & (place >= mine.context_start[row])
        np.testing.assert_array_equal(types, feature.segment_ids)
        assert mine.unique_ids[row] == feature.unique_id
        if training:
            assert mine.start_positions[row] == feature.start_position
            assert mine.end_positions[row] == feature.end_position


def test_a_window_is_question_and_context_between_separators(windows, words):
    text = text_of(windows["train"], words, 0, end=windows["train"].tokens[0])
    # "Normans" is cut into pieces that the vocabulary has; the question fits in 8 tokens.
    assert text.startswith(
        "[CLS] who gave their name to normandy ? [SEP] the norman ##s gave their name to normandy ,"
    )
    assert text.endswith("[SEP]")
    assert windows["train"].vocabulary_size == len(words) - 1


def test_a_long_question_is_cut(squad_folder, vocabulary, words):
    squad = load_squad(squad_folder, split="train")
    mine = squad_windows(squad, vocabulary, **{**SIZES, "question_length": 3})
    assert text_of(mine, words, 0, end=6) == "[CLS] who gave their [SEP] the"


def test_answers_are_at_their_tokens_and_at_cls_where_the_window_lacks_them(windows, words):
    mine = windows["train"]
    answers = [
        text_of(mine, words, row, mine.start_positions[row], mine.end_positions[row] + 1)
        for row in range(len(mine))
    ]
    assert answers[0] == "norman ##s"
    assert "normandy , a region in france" in answers
    assert set(answers) == {"norman ##s", "normandy , a region in france", "north sea", "[CLS]"}
    # A context of 370 tokens in windows of 53, 16 apart; its answer is in the last of them.
    assert answers.count("[CLS]") > 15 and answers[-1] == "north sea"


def test_each_token_of_a_context_has_one_window_with_most_context(windows):
    for example in range(3):
        features = [one for one in windows["dev"].features if one.example_index == example]
        chosen = {}
        for feature in features:
            for place, is_best in feature.token_is_max_context.items():
                token = feature.doc_span_index * 16 + place - min(feature.token_to_orig_map)
                chosen[token] = chosen.get(token, 0) + is_best
        assert set(chosen.values()) == {1}


def test_evaluation_keeps_what_answers_need_and_training_does_not(windows):
    assert windows["train"].features == windows["train"].examples == []
    assert len(windows["dev"].features) == len(windows["dev"])
    assert [example.qas_id for example in windows["dev"].examples] == ["q1", "q2", "q3"]
    assert all(feature.input_ids is None for feature in windows["dev"].features)


def test_an_answer_that_the_official_reader_does_not_find_is_listed(
    tmp_path, squad_json, vocabulary, caplog
):
    """It cuts the context at spaces only, so the answer's white space is not where it looks."""
    content = squad_json("train")
    paragraph = content["data"][0]["paragraphs"][0]
    paragraph["context"] = paragraph["context"].replace("a region", "a\u00a0region")
    (tmp_path / "train-v1.1.json").write_text(json.dumps(content))
    squad = load_squad(tmp_path, split="train")
    assert squad.mismatches == ()
    with caplog.at_level(logging.WARNING):
        mine = squad_windows(squad, vocabulary, **SIZES)
    assert mine.left_out == ("q2",)
    assert "1 of 3 questions" in caplog.text and "q2" in caplog.text


def test_the_windows_are_not_logged(squad_folder, vocabulary, caplog):
    before = absl.logging.get_verbosity()
    absl.logging.set_verbosity(absl.logging.INFO)
    try:
        with caplog.at_level(logging.INFO):
            squad_windows(load_squad(squad_folder, split="dev"), vocabulary, **SIZES)
        assert "*** Example ***" not in caplog.text
        assert absl.logging.get_verbosity() == absl.logging.INFO
    finally:
        absl.logging.set_verbosity(before)


def test_a_wrong_setting_or_vocabulary_is_named(squad_folder, vocabulary, tmp_path):
    squad = load_squad(squad_folder, split="dev")
    with pytest.raises(ValueError, match="leave 9 for the context, less than the stride 16"):
        squad_windows(squad, vocabulary, sequence_length=20, stride=16, question_length=8)
    with pytest.raises(ValueError, match="cannot read the vocabulary .*no.txt: No such file"):
        squad_windows(squad, tmp_path / "no.txt", **SIZES)
    (tmp_path / "words.txt").write_text("[CLS]\nword\n")
    with pytest.raises(ValueError, match=r"words.txt: the vocabulary has no .*\[UNK\], \[SEP\]"):
        squad_windows(squad, tmp_path / "words.txt", **SIZES)


@pytest.mark.parametrize("split", ["train", "dev"])
@pytest.mark.parametrize("others", [0, 2], ids=["alone", "among others"])
def test_a_context_of_zero_width_characters_is_named(
    tmp_path, squad_json, vocabulary, split, others
):
    content = squad_json(split)
    context = "\u200b\ufeff\u00ad\u2060"
    asked = {"id": "empty", "question": "What?", "answers": [{"text": context, "answer_start": 0}]}
    paragraphs = content["data"][0]["paragraphs"]
    paragraphs[:] = [*paragraphs[:others], {"context": context, "qas": [asked]}]
    (tmp_path / f"{split}-v1.1.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match="context of the question empty has not one token"):
        squad_windows(load_squad(tmp_path, split=split), vocabulary, **SIZES)


def test_a_word_of_more_than_200_characters_is_unknown(tmp_path, squad_json, vocabulary, words):
    content = squad_json("dev")
    content["data"][0]["paragraphs"][0]["context"] = f"{'s' * 201} {'norman' + 's' * 194}"
    (tmp_path / "dev-v1.1.json").write_text(json.dumps(content))
    mine = squad_windows(load_squad(tmp_path, split="dev"), vocabulary, **SIZES)
    start = mine.context_start[0]
    assert text_of(mine, words, 0, start, start + 3) == "[UNK] norman ##s"
