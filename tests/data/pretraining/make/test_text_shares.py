"""Texts that train on something else than meant: said, with the share."""

import dataclasses
import logging

import pytest

from largebatch.data.pretraining.make import shards
from largebatch.data.pretraining.make.generator_progress import GeneratorProgress

SENTENCE = "the cat sat on the mat."


@pytest.fixture
def made(generator_options, tmp_path, caplog):
    """Makes the shards of a text; returns (the manifest's train split, what was warned of)."""

    def make(content, **options):
        caplog.clear()
        (tmp_path / "t.txt").write_text(content)
        defaults = {"shards": 1, "eval_fraction": 0.0, "output": str(tmp_path / "x")}
        mine = dataclasses.replace(
            generator_options, input=(str(tmp_path / "t.txt"),), **{**defaults, **options}
        )
        with caplog.at_level(logging.WARNING):
            manifest = shards.create(mine)
        return manifest["splits"]["train"], caplog.text

    return make


def test_ordinary_text_is_without_a_warning_and_its_shares_are_printed(
    generator_options, tmp_path, caplog, capsys
):
    mine = dataclasses.replace(generator_options, output=str(tmp_path / "x"))
    with caplog.at_level(logging.WARNING):
        split = shards.create(mine, GeneratorProgress())["splits"]["train"]
    assert caplog.text == ""
    share = split["random_next"] / split["examples"]
    assert 0.4 < share < 0.8 and split["own_document"] == split["unknown_tokens"] == 0
    lines = capsys.readouterr().err
    assert f"train: {share:.1%} of the next sentences random, 0.00% of the text's tokens" in lines


def test_a_shard_of_one_document_is_warned_of(made):
    split, said = made(f"{SENTENCE}\n" * 200)
    share = split["own_document"] / split["examples"]
    assert split["random_next"] == 0 and 0.3 < share < 0.7
    assert f"{share:.0%} of the examples wanted a random next segment" in said
    assert "0% of the next-sentence labels are 'random'" in said


def test_documents_of_one_sentence_and_text_without_stops_are_warned_of(made, tmp_path):
    split, said = made(f"{SENTENCE}\n\n" * 60)
    assert split["random_next"] == split["examples"]
    assert "100% of the next-sentence labels are 'random'" in said
    paragraphs = "\n\n".join(["the cat sat on the mat " * 30] * 40)
    split, said = made(paragraphs, text="free", output=str(tmp_path / "free" / "x"))
    assert "100% of the next-sentence labels are 'random'" in said


def test_cased_text_under_a_vocabulary_of_lower_case_is_warned_of(made):
    text = "\n\n".join([f"{SENTENCE.upper()}\n{SENTENCE}"] * 60)
    split, said = made(text, lower_case=False)
    assert split["unknown_tokens"] == 60 * 6 and split["tokens"] == 60 * 14
    assert "43% of the text's tokens are [UNK]" in said and "not lower-cased (--lower_case)" in said
