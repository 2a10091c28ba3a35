"""Compact files of pre-training examples give back what went in."""

import numpy as np
import pytest

from largebatch.data.pretraining.make.masking import mask, predictions
from largebatch.data.pretraining.read.compact_examples import PIECES, packed, unpacked

LENGTH, PREDICTIONS, WORDS, MASK = 24, 4, 500, 3


def examples(count=200, seed=0):
    """Random sequences, masked by the suite's own masking."""
    generator = np.random.default_rng(seed)
    tokens = generator.integers(8, LENGTH + 1, count)
    first = generator.integers(3, tokens - 2)
    there = np.arange(LENGTH) < tokens[:, None]
    ids = np.where(there, generator.integers(5, WORDS, there.shape), 0).astype(np.int32)
    candidates = there & (np.arange(LENGTH) > 0) & (np.arange(LENGTH) != tokens[:, None] - 1)
    masked = mask(
        ids,
        candidates,
        predictions(tokens, PREDICTIONS, 0.15),
        max_predictions=PREDICTIONS,
        mask_id=MASK,
        vocabulary_size=WORDS,
        generator=generator,
    )
    weights = np.arange(PREDICTIONS) < masked.count[:, None]
    return {
        "input_word_ids": masked.input_ids,
        "input_mask": there.astype(np.uint8),
        "input_type_ids": (there & (np.arange(LENGTH) >= first[:, None])).astype(np.uint8),
        "masked_lm_positions": masked.positions,
        "masked_lm_ids": masked.ids,
        "masked_lm_weights": weights.astype(np.float32),
        "next_sentence_labels": generator.integers(0, 2, count).astype(np.int32),
    }


def test_examples_come_back_bit_for_bit_and_with_their_types():
    before = examples()
    after = unpacked(packed(before, MASK))
    assert set(after) == set(PIECES)
    for name, value in before.items():
        np.testing.assert_array_equal(after[name], value)
        assert after[name].dtype == value.dtype, name


def test_copies_of_a_text_with_other_masks_cost_little():
    one = examples(2_000)
    both = {name: np.concatenate([value, value]) for name, value in one.items()}
    assert len(packed(both, MASK)) < 1.2 * len(packed(one, MASK))


def test_what_is_no_example_of_bert_is_refused():
    holes = examples()
    holes["input_mask"][0, 2] = 0
    with pytest.raises(ValueError, match="cannot be packed"):
        packed(holes, MASK)
    with pytest.raises(ValueError, match="255 tokens"):
        packed({**holes, "input_word_ids": np.zeros((200, 300), np.int32)}, MASK)
