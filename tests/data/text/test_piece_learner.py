"""Pieces against tensorflow-text's learner."""

from hypothesis import given, settings
from hypothesis import strategies as st
from tensorflow_text.tools.wordpiece_vocab import wordpiece_tokenizer_learner_lib as oracle

from largebatch.data.text import corpus, vocabulary
from largebatch.data.text.piece_learner import PieceLearner
from largebatch.data.text.wordpiece import SPECIAL_TOKENS


def theirs(counts, threshold, longest):
    return oracle.learn(
        counts,
        100,
        list(SPECIAL_TOKENS),
        upper_thresh=threshold,
        lower_thresh=threshold,
        max_token_length=longest,
    )


WORDS = st.dictionaries(
    st.text("abcé#", min_size=1, max_size=9).filter(lambda word: "#" not in word or word == "#"),
    st.integers(1, 40),
    min_size=1,
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(WORDS, st.integers(1, 60), st.integers(3, 9))
def test_any_words_have_its_pieces(words, threshold, longest):
    counts = sorted(words.items())
    found = PieceLearner(counts, SPECIAL_TOKENS, longest).learn(threshold)
    assert found == theirs(counts, threshold, longest)


def test_real_text_has_its_pieces_at_each_threshold(tmp_path):
    (tmp_path / "text.txt").write_bytes(corpus.text()[:40_000])
    counts = list(vocabulary.count_words([str(tmp_path / "text.txt")]).items())
    learner = PieceLearner(counts, SPECIAL_TOKENS, 24)
    for threshold in (1, 2, 7, 30, 10_000):
        assert learner.learn(threshold) == theirs(counts, threshold, 24)


def test_words_with_rare_characters_are_left_out_beyond_a_thousand():
    counts = [(chr(0x4E00 + number), 2000 - number) for number in range(1100)]
    counts.append(("\u4e00" + chr(0x4E00 + 1050), 5))
    found = PieceLearner(counts, SPECIAL_TOKENS, 24).learn(1)
    assert found == theirs(counts, 1, 24)
    assert chr(0x4E00 + 999) in found and chr(0x4E00 + 1050) not in found


def test_reserved_words_are_no_words():
    found = PieceLearner([("[MASK]", 9), ("ab", 3)], ["[MASK]"], 24).learn(1)
    assert found == ["[MASK]", "a", "b", "ab", "##a", "##b"]
