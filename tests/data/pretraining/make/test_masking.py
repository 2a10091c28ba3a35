import numpy as np
import pytest

from largebatch.data.pretraining.make import masking

SIZE, MASK = 1000, 3


def draw(rows=4000, length=40, predictions=8, fraction=0.15, words=None, seed=0):
    """(tokens, candidates, wanted, the result); tokens 100 to 999, special ones 1."""
    random = np.random.Generator(np.random.PCG64(seed))
    lengths = random.integers(4, length + 1, rows)
    columns = np.arange(length)
    tokens = random.integers(100, SIZE, (rows, length)).astype(np.int32)
    special = (columns == 0) | (columns == lengths[:, None] // 2)
    special |= columns == lengths[:, None] - 1
    tokens[special] = 1
    inside = columns < lengths[:, None]
    tokens[~inside] = 0
    wanted = masking.predictions(lengths, predictions, fraction)
    result = masking.mask(
        tokens,
        inside & ~special,
        wanted,
        max_predictions=predictions,
        mask_id=MASK,
        vocabulary_size=SIZE,
        generator=random,
        continuations=words,
    )
    return tokens, inside & ~special, wanted, result


def continuations():
    return np.arange(SIZE) >= 550  # half of the pieces


def chosen_places(result, length):
    chosen = np.zeros((len(result.count), length), bool)
    valid = np.arange(result.positions.shape[1]) < result.count[:, None]
    rows = np.nonzero(valid)[0]
    chosen[rows, result.positions[valid]] = True
    assert chosen.sum() == result.count.sum()  # no place twice
    return chosen, valid


@pytest.mark.parametrize("words", [None, continuations()], ids=["tokens", "words"])
def test_only_candidates_are_chosen_in_rising_order_and_the_rest_stays(words):
    tokens, candidates, wanted, result = draw(words=words)
    chosen, valid = chosen_places(result, 40)
    assert candidates[chosen].all()
    assert (result.count <= wanted).all()
    rising = np.diff(result.positions, axis=1) > 0
    assert rising[valid[:, 1:]].all()
    np.testing.assert_array_equal(result.input_ids[~chosen], tokens[~chosen])
    np.testing.assert_array_equal(result.ids[valid], tokens[chosen])
    assert not result.ids[~valid].any() and not result.positions[~valid].any()


def test_as_many_tokens_are_chosen_as_google_chooses():
    _, candidates, wanted, result = draw()
    np.testing.assert_array_equal(result.count, np.minimum(wanted, candidates.sum(axis=1)))
    lengths = np.arange(3, 200)
    expected = [min(20, max(1, int(round(n * 0.15)))) for n in lengths]
    np.testing.assert_array_equal(masking.predictions(lengths, 20, 0.15), expected)


@pytest.mark.parametrize("words", [None, continuations()], ids=["tokens", "words"])
def test_eight_tenths_become_mask_one_tenth_stays_one_tenth_is_random(words):
    _, _, _, result = draw(rows=20_000, words=words)
    chosen, valid = chosen_places(result, 40)
    new, old = result.input_ids[chosen], result.ids[valid]
    assert (new == MASK).mean() == pytest.approx(0.8, abs=0.01)
    assert (new == old).mean() == pytest.approx(0.1, abs=0.01)
    other = new[(new != MASK) & (new != old)]
    assert len(other) / len(new) == pytest.approx(0.1, abs=0.01)
    assert other.mean() == pytest.approx(SIZE / 2, rel=0.05)
    assert other.min() < 50 and other.max() > 950  # all of the vocabulary


def test_each_candidate_is_chosen_equally_often():
    candidates = np.tile(np.arange(16) > 2, (30_000, 1))
    result = masking.mask(
        np.zeros((30_000, 16), np.int32),
        candidates,
        np.full(30_000, 3),
        max_predictions=5,
        mask_id=1,
        vocabulary_size=9,
        generator=np.random.Generator(np.random.PCG64(0)),
    )
    chosen, _ = chosen_places(result, 16)
    np.testing.assert_allclose(
        chosen.mean(axis=0), np.where(np.arange(16) > 2, 3 / 13, 0), atol=0.01
    )


def test_whole_words_are_chosen_whole():
    tokens, candidates, wanted, result = draw(words=continuations())
    chosen, _ = chosen_places(result, 40)
    joined = continuations()[tokens] & candidates
    joined[:, 1:] &= candidates[:, :-1]
    joined[:, 0] = False
    np.testing.assert_array_equal(chosen[:, 1:][joined[:, 1:]], chosen[:, :-1][joined[:, 1:]])
    assert (result.count == wanted).mean() > 0.7  # fewer only where no word fits any more


def test_a_word_longer_than_what_is_wanted_is_passed_over():
    tokens = np.array([[1, 100, 600, 600, 600, 101, 1]] * 50, np.int32)
    candidates = tokens > 1
    result = masking.mask(
        tokens,
        candidates,
        np.full(50, 1),
        max_predictions=2,
        mask_id=MASK,
        vocabulary_size=SIZE,
        generator=np.random.Generator(np.random.PCG64(0)),
        continuations=continuations(),
    )
    np.testing.assert_array_equal(result.positions[:, 0], 5)


def test_more_predictions_than_tokens_leave_the_rest_empty():
    tokens, candidates, _, result = draw(rows=20, length=6, predictions=10, fraction=1.0)
    np.testing.assert_array_equal(result.count, candidates.sum(axis=1))
    assert result.positions.shape == (20, 10)


@pytest.mark.parametrize("generator", [np.random.PCG64, np.random.SFC64])
def test_quick_draws_are_those_of_single_ones_whatever_was_drawn_before(generator):
    quick, single = (np.random.Generator(generator(5)) for _ in range(2))
    for count in (6, 1, 3, 4, 0, 1, 2, 7, 1):  # odd ones leave a half
        wanted = single.integers(2**32, size=count, dtype=np.uint32)
        np.testing.assert_array_equal(masking._bits(quick, count), wanted)
        assert quick.bit_generator.state["has_uint32"] == single.bit_generator.state["has_uint32"]
        assert quick.random(dtype=np.float32) == single.random(dtype=np.float32)
    assert quick.integers(9) == single.integers(9)
