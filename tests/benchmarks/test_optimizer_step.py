import math

import pytest
import tensorflow as tf

from largebatch.benchmarks import bare_update, optimizer_step


def test_bert_bases_variable_set_has_199_tensors_and_109_million_numbers():
    shapes = optimizer_step.bert_shapes()
    assert len(shapes) == 199
    assert len({path for path, _ in shapes}) == 199
    assert sum(math.prod(shape) for _, shape in shapes) == 109_482_240


def test_the_shapes_are_those_of_tf_models_officials_encoder():
    from official.nlp.modeling.networks import BertEncoderV2

    encoder = BertEncoderV2(
        vocab_size=50,
        hidden_size=16,
        num_layers=2,
        num_attention_heads=2,
        inner_dim=64,
        type_vocab_size=2,
    )
    encoder(
        {
            name: tf.zeros((1, 4), tf.int32)
            for name in ("input_word_ids", "input_mask", "input_type_ids")
        }
    )
    ours = [shape for _, shape in optimizer_step.bert_shapes(2, 16, 2, 50)]
    theirs = [tuple(variable.shape) for variable in encoder.trainable_variables]
    assert sorted(ours) == sorted(theirs)


def test_every_contender_takes_a_step_in_both_modes():
    rows = optimizer_step.measure(
        [("kernel", (8, 4)), ("layer_norm/bias", (4,))], ["graph", "xla"], 1, report=lambda _: None
    )
    assert {row["mode"] for row in rows} == {"graph", "xla"}
    assert all(row["median"] > 0 for row in rows)
    assert "largebatch LAMB" in optimizer_step.table(rows)


@pytest.mark.parametrize("name", ["table7/lamb", "table6/lamb"])
def test_the_noise_that_the_train_step_is_timed_on_has_the_datas_shape(name):
    from largebatch.experiments.tables import registry

    row = registry.scaled(registry.find(name), "smoke")
    images = bare_update.random_images(row)
    assert len(images.train_images) == row.training_examples
    assert images.train_images.shape[1:] == (32, 32, 1)
