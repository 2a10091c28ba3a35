"""The floors of BERT's tasks, against counts by hand."""

import numpy as np
import pytest

from largebatch.data.pretraining.read.masked_word_floors import floors, unmasked

CLS, SEP, MASK = 1, 2, 3
A, B, C, D = 4, 5, 6, 7


def block(sequences, masked, labels):
    """Sequences of one length; `masked`: for each, {place: what stands there instead}."""
    ids = np.array(sequences, np.int32)
    predictions = max(1, *map(len, masked))
    positions = np.zeros((len(ids), predictions), np.int32)
    answers, weights = np.zeros_like(positions), np.zeros(positions.shape, np.float32)
    shown = ids.copy()
    for row, places in enumerate(masked):
        for column, (place, instead) in enumerate(sorted(places.items())):
            positions[row, column], answers[row, column] = place, ids[row, place]
            weights[row, column], shown[row, place] = 1, instead
    return {
        "input_word_ids": shown,
        "input_mask": (ids > 0).astype(np.uint8),
        "masked_lm_positions": positions,
        "masked_lm_ids": answers,
        "masked_lm_weights": weights,
        "next_sentence_labels": np.array(labels, np.int32),
    }


TRAIN = block(
    [[CLS, A, B, A, C, SEP], [CLS, A, B, D, A, SEP], [CLS, D, B, D, SEP, 0]],
    [{2: MASK}, {1: C, 3: MASK}, {}],
    [0, 0, 1],
)  # A 4 times, B 3, D 3, C 1; after A: B, B, C; after B: A, D, D; between A and D: B


def test_each_floor_is_what_counting_by_hand_gives():
    held_out = block(
        # left A, right D: B by both; left B, right SEP: D by the bigram; left C: the unigram A
        [[CLS, A, B, D, C, SEP], [CLS, C, B, D, SEP, 0], [CLS, C, D, C, SEP, 0]],
        [{2: MASK}, {3: MASK}, {2: MASK}],
        [0, 1, 0],
    )
    found = floors([TRAIN], held_out, MASK)
    assert found["masked_lm_accuracy"] == {
        "unigram": 0.0,
        "left_bigram": pytest.approx(2 / 3),
        "both_neighbours": pytest.approx(2 / 3),
    }
    assert found["next_sentence_accuracy"] == {"majority": pytest.approx(2 / 3)}


def test_both_neighbours_tell_what_the_left_one_does_not():
    train = block(
        [[CLS, A, B, D, SEP], [CLS, A, C, B, SEP], [CLS, A, B, D, SEP]], [{}] * 3, [0] * 3
    )
    held_out = block([[CLS, A, C, B, SEP], [CLS, A, B, D, SEP]], [{2: MASK}] * 2, [0, 0])
    scores = floors([train], held_out, MASK)["masked_lm_accuracy"]
    assert (scores["left_bigram"], scores["both_neighbours"]) == (0.5, 1.0)


def test_a_neighbour_that_is_masked_itself_is_no_context():
    train = block([[CLS, MASK, C, SEP, 0], [CLS, A, B, A, SEP]], [{}] * 2, [0, 0])
    held_out = block([[CLS, B, A, C, SEP]], [{1: MASK, 2: MASK}], [0])
    # Place 2 has [MASK] on its left, after which training saw C: it falls back to the unigram, A.
    assert floors([train], held_out, MASK)["masked_lm_accuracy"]["left_bigram"] == 0.5


def test_blocks_count_as_their_sum_and_words_are_counted_before_masking():
    held_out = block([[CLS, A, B, D, C, SEP]], [{2: MASK, 3: MASK}], [0])
    rows = [{name: value[[row]] for name, value in TRAIN.items()} for row in range(3)]
    assert floors(rows, held_out, MASK) == floors([TRAIN], held_out, MASK)
    np.testing.assert_array_equal(unmasked(TRAIN)[1], [CLS, A, B, D, A, SEP])


def test_nothing_to_count_or_to_predict_is_an_error():
    with pytest.raises(ValueError, match="no training examples"):
        floors([], TRAIN, MASK)
    with pytest.raises(ValueError, match="no masked word"):
        floors([TRAIN], {**TRAIN, "masked_lm_weights": np.zeros((3, 2), np.float32)}, MASK)
