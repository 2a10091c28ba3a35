import collections

import pytest

from largebatch.data import build_vocabulary
from largebatch.data.text import vocabulary
from largebatch.data.text.wordpiece import SPECIAL_TOKENS, Tokenizer, Vocabulary

TEXT = (
    "The quick brown foxes were jumping over the lazy dogs, and the dogs were sleeping.\n"
    "Jumped, jumper; sleeper! Slowly, quickly, lazily. Naïve café? 12 34 56.\n\n"
) * 40


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_a_vocabulary_has_the_size_asked_for_and_cuts_its_text_without_unk(text, tmp_path):
    for size in (100, 120, 400):
        path = str(tmp_path / f"v{size}.txt")
        pieces = vocabulary.build([str(text)], size, path)
        found = Vocabulary.read(path)
        assert list(found.pieces) == pieces and len(found) == size
        assert tuple(pieces[:5]) == SPECIAL_TOKENS
        assert found.id("[UNK]") not in Tokenizer(found, True).ids(TEXT)
    assert "dogs" in pieces and "the" in pieces
    assert pieces[-1].startswith("[unused")  # the text has not so many pieces


def test_the_same_text_gives_the_same_vocabulary(text, tmp_path):
    one, two = str(tmp_path / "1"), str(tmp_path / "2")
    assert vocabulary.build([str(text)], 120, one) == vocabulary.build([str(text)], 120, two)


def test_words_are_counted_as_bert_cuts_them(text):
    counts = vocabulary.count_words([str(text)])
    assert counts["the"] == 120 and counts["naive"] == 40 and counts["!"] == 40
    assert vocabulary.count_words([str(text)], lower_case=False)["The"] == 40


@pytest.mark.parametrize("block", [1, 7, 64, 1 << 20])
def test_words_are_counted_alike_in_blocks_of_any_size(text, monkeypatch, block):
    wanted = collections.Counter(vocabulary.count_words([str(text)]))
    monkeypatch.setattr(vocabulary, "_BLOCK", block)
    # A text without any white space is cut at a block's end; this one has enough of it.
    if block > 10:
        assert vocabulary.count_words([str(text)]) == wanted
    assert "".join(vocabulary._blocks(str(text))) == TEXT


def test_a_size_that_does_not_hold_the_characters_is_refused(text, tmp_path):
    with pytest.raises(ValueError, match="--size=20 is too small: the text has characters for"):
        vocabulary.build([str(text)], 20, str(tmp_path / "v.txt"))


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "no words"), (b" \n\x00", "no words"), (b"a\nb\n\xff", "x.txt:3: not UTF-8: byte 0xff")],
)
def test_text_without_words_or_not_utf8_is_refused(tmp_path, content, message):
    (tmp_path / "x.txt").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        vocabulary.build([str(tmp_path / "x.txt")], 100, str(tmp_path / "v.txt"))


def test_the_program_writes_the_file(text, tmp_path, capsys):
    output = tmp_path / "made" / "v.txt"
    flags = [f"--input={text}", "--size=100", f"--output={output}"]
    assert build_vocabulary.program(["build_vocabulary", *flags]) == 0
    assert len(output.read_text().split()) == 100
    assert capsys.readouterr().out == f"{output}: 100 pieces\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--output=v"], "error: name the text with either --input or --corpus"),
        (["--corpus=python"], "error: --output is missing"),
        (
            ["--corpus=latin", "--output=v"],
            "error: flag --corpus=latin: value should be one of <python>",
        ),
    ],
)
def test_a_mistake_in_its_flags_is_one_line(arguments, message, capsys):
    assert build_vocabulary.program(["build_vocabulary", *arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith(message) and error.count("\n") == 1
