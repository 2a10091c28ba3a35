"""The last layer at the places that are read alone: the same values, gradients and masks."""

import numpy as np
import pytest
import tensorflow as tf

from largebatch.models import bert_pretrainer, stateless_dropout

VOCABULARY, B, L, P = 40, 3, 12, 4


@pytest.fixture(scope="module")
def model():
    tf.keras.utils.set_random_seed(0)
    made = bert_pretrainer("bert_tiny", VOCABULARY, max_positions=L)
    draw = np.random.default_rng(0)
    made.set_weights([draw.normal(0, 0.1, w.shape).astype(np.float32) for w in made.get_weights()])
    return made


def batch():
    draw = np.random.default_rng(1)
    lengths = np.array([12, 9, 6])
    return {
        "input_word_ids": tf.constant(draw.integers(0, VOCABULARY, (B, L)), tf.int32),
        "input_mask": tf.constant(np.arange(L) < lengths[:, None], tf.int32),
        "input_type_ids": tf.constant(draw.integers(0, 2, (B, L)), tf.int32),
        # A place twice, and 0, as padding of the predictions is.
        "masked_lm_positions": tf.constant([[1, 4, 7, 11], [2, 2, 8, 0], [3, 5, 0, 0]]),
        "dropout_seed": tf.constant([3, 4]),
    }


def whole(model, given, training):
    """What the pre-trainer was before: the encoder's whole output, and the masked words of it."""
    tokens = {name: value for name, value in given.items() if name != "masked_lm_positions"}
    encoded = model.encoder(tokens, training=training)
    assert encoded["sequence_output"].shape == [B, L, 128]
    words = tf.gather(encoded["sequence_output"], given["masked_lm_positions"], batch_dims=1)
    logits = model.masked_lm(words, model.encoder.get_embedding_table())
    return logits, model.next_sentence(encoded["pooled_output"])


def chosen(model, given, training):
    outputs = model(given, training=training)
    return outputs["masked_lm_logits"], outputs["next_sentence_logits"]


@pytest.mark.parametrize("training", [False, True])
def test_logits_and_gradients_are_those_of_the_whole_output(model, training):
    given, found = batch(), []
    for forward in (whole, chosen):
        with tf.GradientTape() as tape:
            words, sentences = forward(model, given, training)
            loss = tf.reduce_sum(words[..., :5] ** 2) + tf.reduce_sum(sentences**3)
        gradients = tape.gradient(loss, model.trainable_variables)
        found.append((words, sentences, [tf.convert_to_tensor(g).numpy() for g in gradients]))
    (words, sentences, gradients), (*others, same) = found
    np.testing.assert_allclose(others[0], words, atol=2e-5)
    np.testing.assert_allclose(others[1], sentences, atol=2e-5)
    for variable, one, other in zip(model.trainable_variables, gradients, same):
        scale = max(np.abs(one).max(), 1.0)
        np.testing.assert_allclose(other / scale, one / scale, atol=2e-5, err_msg=variable.name)


def test_masks_of_rows_are_rows_of_the_mask_of_all():
    rows = tf.constant([[0, 2, 2], [5, 1, 0]])
    for shape in ((2, 7, 4), (2, 3, 7, 6)):
        every = stateless_dropout.dropout(tf.ones(shape), 0.4, tf.constant([1, 2]))
        axis = len(shape) - 2
        taken = tf.gather(every, rows, axis=axis, batch_dims=1)
        found = stateless_dropout.dropout(tf.ones(taken.shape), 0.4, tf.constant([1, 2]), (rows, 7))
        np.testing.assert_array_equal(found, taken)


def test_the_whole_output_comes_back_after_a_pre_trainer_ran(model):
    given = batch()
    before = whole(model, given, training=False)[0].numpy()
    chosen(model, given, training=True)
    np.testing.assert_array_equal(whole(model, given, training=False)[0], before)
