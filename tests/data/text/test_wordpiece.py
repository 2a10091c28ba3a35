"""Ids against Google BERT's FullTokenizer, in tf-models-official's copy."""

import sys
import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from official.nlp.tools.tokenization import FullTokenizer

from largebatch.data.text.wordpiece import (
    SPECIAL_TOKENS,
    TokenizedText,
    Tokenizer,
    Vocabulary,
    words,
)

PIECES = [
    *SPECIAL_TOKENS, *"abcdefghijklmnopqrstuvwxyz0123456789.,'!?-#[]\"$", "ß", "é", "é", "ι",
    "σ", "ς", "中", "文", "—", "the", "un", "##aff", "##able", "##ab", "hello", "##!", "###", "##ς",
    "##a", "##e", "##n", "##s", "##é", "##́", "😀", "##😀", "naive", "i̇", "istanbul", "x", "##x",
    "Hello", "É", "##中",
]  # fmt: skip
NASTY = [
    "",
    " \t\n",
    "Hello, World! don't",
    "unaffable unaff ##able [MASK] [CLS] a[SEP]b",
    "ΣΑΣ ὈΔΥΣΣΕΎΣ ς Σ",  # a final sigma is another letter
    "İstanbul ıI naïve NAÏVE e\u0301\u0327 é É",
    "a\x0bb\x0cc\x1cd\x1fe\x85f",  # white space to Python, deleted by BERT
    "a\u2028b\u2029c\u00a0d\u3000e\u2003f\u1680g\u205fh",  # white space of other kinds
    "a\u200bb\ufeffc\u00add\u2060e\x00f\ufffdg",  # what has no width
    "中文字abc日本\U00020000x\uf900",
    "a—b “c” «d» e…f g’s ¿h? ‽",
    "½ ﬁ Å ǆ \u1fef\u037e \u2126 \U0001d54f",
    "한국어 조선 हिन्दी ไทย עברית العربية",
    "😀 a😀b 👩‍👩‍👧 🇫🇷",
    "x" * 200 + " " + "x" * 201 + " " + "é" * 200 + " " + "😀" * 201 + " " + "x" * 400,
    "a" * 99 + "!" + "b" * 201,
    "\ud7ff\ue000\U0010ffff",
]


@pytest.fixture(scope="module")
def vocabulary_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("vocabulary") / "vocab.txt"
    path.write_text("\n".join(dict.fromkeys(PIECES)) + "\n", encoding="utf-8")
    return str(path)


@pytest.fixture(scope="module", params=[True, False], ids=["uncased", "cased"])
def pair(request, vocabulary_file):
    """(this suite's tokenizer, Google's)."""
    ours = Tokenizer(Vocabulary.read(vocabulary_file), request.param)
    return ours, googles(vocabulary_file, request.param)


def googles(vocabulary_file, lower_case=True):
    """tf-models-official's copy, with the limit of google-research/bert: 200 characters a word."""
    oracle = FullTokenizer(vocabulary_file, do_lower_case=lower_case)
    oracle.wordpiece_tokenizer.max_input_chars_per_word = 200
    return oracle


def googles_ids(oracle, text):
    return oracle.convert_tokens_to_ids(oracle.tokenize(text))


@pytest.mark.parametrize("text", NASTY)
def test_nasty_text_has_googles_ids(pair, text):
    ours, oracle = pair
    assert ours.ids(text) == googles_ids(oracle, text)


@settings(max_examples=150, deadline=None)
@given(text=st.text(st.characters(exclude_categories=("Cs",)), max_size=60))
def test_any_text_has_googles_ids(pair, text):
    ours, oracle = pair
    assert ours.ids(text) == googles_ids(oracle, text)


@settings(max_examples=150, deadline=None)
@given(text=st.lists(st.sampled_from([*PIECES, " ", "  ", "##", "'", "X"]), max_size=30))
def test_any_run_of_pieces_has_googles_ids(pair, text):
    ours, oracle = pair
    assert ours.ids("".join(text)) == googles_ids(oracle, "".join(text))


def test_every_seventh_character_of_unicode_has_googles_ids(pair):
    ours, oracle = pair
    characters = [chr(code) for code in range(0, sys.maxunicode + 1, 7)]
    characters = [c for c in characters if unicodedata.category(c) not in ("Cs", "Co", "Cn")]
    text = " ".join(f"a{c}b {c}" for c in characters)
    assert ours.ids(text) == googles_ids(oracle, text)


def test_bert_s_own_vocabulary_gives_googles_ids_on_real_text(real_datasets):
    file = str(real_datasets / "bert_vocab" / "vocab.txt")
    text = (real_datasets / "text" / "wiki" / "wikitext2_valid.txt").read_text("utf-8")[:60_000]
    ours = Tokenizer(Vocabulary.read(file), True)
    assert ours.ids(text) == googles_ids(googles(file), text)


def test_tokenized_text_holds_each_sentence_s_tokens_and_leaves_out_empty_ones(pair):
    ours, oracle = pair
    documents = [["Hello, the", "", "naive x"], ["\u200b"], ["a b", "b a", "\x00 "], []]
    collected = TokenizedText()
    for document in documents:
        collected.add(document)
    collected.finish(ours)
    ends = collected.sentence_ends
    found = [collected.tokens[a:b].tolist() for a, b in zip(ends, ends[1:])]
    wanted = [googles_ids(oracle, sentence) for document in documents for sentence in document]
    assert found == [ids for ids in wanted if ids]
    assert collected.document_ends.tolist() == [0, 2, 4]
    assert collected.tokens.dtype == np.int32


def test_no_documents_give_no_tokens(pair):
    collected = TokenizedText().finish(pair[0])
    assert len(collected.tokens) == 0
    assert collected.document_ends.tolist() == [0]


def test_words_are_cut_where_bert_cuts_them():
    assert words("a\x0bb c\u2003d\n") == ["ab", "c", "d"]


def test_continuations_are_the_pieces_that_begin_with_two_hashes(vocabulary_file):
    vocabulary = Vocabulary.read(vocabulary_file)
    flags = vocabulary.continuations()
    assert flags[vocabulary.id("##able")] and not flags[vocabulary.id("the")]
    assert not flags[vocabulary.id("#")]


@pytest.mark.parametrize("missing", SPECIAL_TOKENS)
def test_a_vocabulary_without_a_special_token_is_refused(tmp_path, missing):
    path = tmp_path / "v.txt"
    path.write_text("\n".join(token for token in [*SPECIAL_TOKENS, "a"] if token != missing))
    with pytest.raises(ValueError, match=rf"v\.txt: the vocabulary has no \{missing[:-1]}\]"):
        Vocabulary.read(str(path))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[PAD]\na\na\n", r"v\.txt:3: 'a' stands on line 2 already"),
        (b"[PAD]\n\na\n", r"v\.txt:2: a blank line"),
        (b"[PAD]\n\xff\n", r"v\.txt:2: the vocabulary is not UTF-8"),
        (b"", r"v\.txt:1: a blank line"),
    ],
)
def test_a_damaged_vocabulary_is_refused_with_its_line(tmp_path, content, message):
    path = tmp_path / "v.txt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        Vocabulary.read(str(path))


def test_a_word_of_more_than_200_characters_is_unknown_as_in_googles_bert(pair):
    ours, _ = pair
    a, more, unknown = map(ours.vocabulary.id, ("a", "##a", "[UNK]"))
    assert ours.ids("a" * 200) == [a] + [more] * 199
    assert ours.ids("a" * 201) == [unknown]


def test_only_ascii_white_space_around_a_piece_is_stripped(tmp_path):
    """U+2028 is line 344 of Google's Chinese vocabulary."""
    pieces = [*SPECIAL_TOKENS, "a", "\u2028", "b", "\u00a0", "\x85", "\u3000"]
    path = tmp_path / "v.txt"
    path.write_bytes(" \t\r\n".join(pieces).encode())
    assert Vocabulary.read(str(path)).pieces == tuple(pieces)


def test_a_vocabulary_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ValueError, match="cannot read the vocabulary .*none.txt: No such file"):
        Vocabulary.read(str(tmp_path / "none.txt"))
