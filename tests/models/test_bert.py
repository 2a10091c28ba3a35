import re

import numpy as np
import pytest
import tensorflow as tf

from largebatch.models import BERT_SIZES, bert_encoder, bert_pretrainer, bert_span_model
from largebatch.optimizers import LAMB

VOCABULARY = 30522


def batch(length=16, predictions=3, size=2, vocabulary=50, seed=0):
    draw = np.random.default_rng(seed)

    def whole(high, *shape):
        return tf.constant(draw.integers(0, high, shape), tf.int32)

    return {
        "input_word_ids": whole(vocabulary, size, length),
        "input_mask": tf.ones([size, length], tf.int32),
        "input_type_ids": whole(2, size, length),
        "masked_lm_positions": whole(length, size, predictions),
        "masked_lm_weights": tf.ones([size, predictions]),
        "update_masked": tf.constant(6.0),
        "dropout_seed": tf.constant([3, 4]),
    }


@pytest.fixture(scope="module")
def tiny():
    tf.keras.utils.set_random_seed(0)
    return bert_pretrainer("bert_tiny", 50, max_positions=32)


@pytest.mark.parametrize(
    "name, encoder, pretrainer",
    [
        ("bert_tiny", 4_385_920, 4_433_468),
        ("bert_mini", 11_170_560, 11_267_900),
        ("bert_small", 28_763_648, 29_058_876),
        ("bert_medium", 41_373_184, 41_668_412),
        ("bert_base", 109_482_240, 110_106_428),
        ("bert_large", 335_141_888, 336_226_108),
    ],
)
def test_parameters_are_those_of_the_formula_and_of_the_published_sizes(name, encoder, pretrainer):
    layers, hidden, heads, inner = BERT_SIZES[name]
    norm = 2 * hidden
    embeddings = (VOCABULARY + 512 + 2) * hidden + norm
    attention = 4 * (hidden * hidden + hidden) + norm
    feed_forward = (hidden * inner + inner) + (inner * hidden + hidden) + norm
    pooler = hidden * hidden + hidden
    assert embeddings + layers * (attention + feed_forward) + pooler == encoder
    masked_lm = (hidden * hidden + hidden) + norm + VOCABULARY  # the table is the embeddings'
    next_sentence = 2 * hidden + 2
    assert encoder + masked_lm + next_sentence == pretrainer
    assert hidden == 64 * heads and inner == 4 * hidden
    # The formula is linear in the layers, and each takes half a second to build.
    if layers <= 2:
        with tf.Graph().as_default():  # shapes, and no memory behind them
            model = bert_pretrainer(name, VOCABULARY)
            assert model.encoder.count_params() == encoder
            assert model.count_params() == pretrainer


def test_bert_large_has_24_layers_of_the_formulas_size(monkeypatch):
    """Two of its layers, so that a second layer's parameters are the difference of two models."""
    large = BERT_SIZES["bert_large"]
    assert large.layers == 24
    found = []
    for layers in (1, 2):
        monkeypatch.setitem(BERT_SIZES, "bert_large", large._replace(layers=layers))
        with tf.Graph().as_default():
            found.append(bert_encoder("bert_large", VOCABULARY).count_params())
    assert found[0] + 23 * (found[1] - found[0]) == 335_141_888


def test_the_span_model_has_two_scores_a_token_and_an_untrained_pooler():
    model = bert_span_model("bert_tiny", 50, max_positions=32)
    assert model.count_params() == model.encoder.count_params() + 2 * 128 + 2
    untrained = [variable.name for variable in model.non_trainable_variables]
    assert untrained == ["bert/pooler_transform/kernel:0", "bert/pooler_transform/bias:0"]
    found = model(batch(), training=True)
    assert {name: (x.shape, x.dtype) for name, x in found.items()} == {
        "start_logits": ((2, 16), tf.float32),
        "end_logits": ((2, 16), tf.float32),
    }
    with tf.GradientTape() as tape:
        found = model(batch(), training=True)
        loss = tf.reduce_sum(found["start_logits"] ** 2 + found["end_logits"])
    gradients = tape.gradient(loss, model.trainable_variables)
    assert all(gradient is not None for gradient in gradients)


def test_a_pretrained_encoders_weights_fit_a_span_models_in_their_order(tiny):
    """`set_weights(get_weights())`, although Keras lists what is not trained last."""
    span = bert_span_model("bert_tiny", 50, max_positions=32)
    names = [[v.name for v in model.encoder.weights] for model in (tiny, span)]
    assert names[0] == names[1]
    span.encoder.set_weights(tiny.encoder.get_weights())
    for ours, theirs in zip(span.encoder(batch()).values(), tiny.encoder(batch()).values()):
        np.testing.assert_array_equal(ours, theirs)


def test_every_variable_of_the_pretrainer_is_trained_and_has_a_path_of_its_own(tiny):
    with tf.GradientTape() as tape:
        found = tiny(batch(), training=True)
        loss = tf.reduce_sum(found["masked_lm_logits"] ** 2)
        loss += tf.reduce_sum(found["next_sentence_logits"] ** 2)
    gradients = tape.gradient(loss, tiny.trainable_variables)
    assert all(gradient is not None for gradient in gradients)
    assert not tiny.non_trainable_variables
    names = [variable.name for variable in tiny.variables]
    assert len(set(names)) == len(names)
    assert names == [v.name for v in bert_pretrainer("bert_tiny", 50, max_positions=32).variables]


def test_exclusions_leave_out_exactly_layer_norm_and_biases(tiny):
    table = LAMB().parameter_table(tiny.trainable_variables)
    left_out = {row.path for row in table if not row.decayed}
    assert left_out == {row.path for row in table if not row.adapted}
    # By shape: what is left is a matrix, or a projection to or from [heads, size].
    for row in table:
        is_matrix = re.search(r"/(kernel|embeddings)$", row.path) is not None
        assert (row.path not in left_out) == is_matrix, row
    norms = [path for path in left_out if re.search(r"/(gamma|beta)$", path)]
    biases = [path for path in left_out if path.endswith("/bias")]
    # embeddings, 2 a layer, masked LM; 6 a layer, pooler, dense and output of the LM, next sentence
    assert len(norms) == 2 * (1 + 2 * 2 + 1) and len(biases) == 6 * 2 + 4
    assert len(left_out) == len(norms) + len(biases)


def test_weights_start_truncated_normal_of_deviation_002(tiny):
    seen = set()
    for variable in tiny.variables:
        value = variable.numpy()
        if re.search(r"(kernel|embeddings):0$", variable.name):
            assert np.abs(value).max() <= 0.04
            # Cut off at two deviations, a normal distribution keeps 0.8796 of its deviation.
            assert abs(value.std() / (0.02 * 0.8796) - 1) < 8 / np.sqrt(value.size), variable.name
            seen.add(value.ravel()[0])
        else:
            assert (value == (1 if "gamma" in variable.name else 0)).all()
    matrices = [v for v in tiny.variables if re.search(r"(kernel|embeddings):0$", v.name)]
    assert len(seen) == len(matrices), "two matrices start alike"


def test_only_the_masked_positions_go_through_the_output_layer(tiny):
    given = batch(length=16, predictions=3)
    concrete = tf.function(lambda given: tiny(given)).get_concrete_function(given)
    shapes = {
        tuple(output.shape) for operation in concrete.graph.get_operations()
        for output in operation.outputs if output.shape.rank is not None
    }  # fmt: skip
    assert (6, 50) in shapes  # [bP, V]
    assert not {(32, 50), (2, 16, 50)} & shapes
    # Row p of the logits is that of position p, in any order.
    turned = {**given, "masked_lm_positions": given["masked_lm_positions"][:, ::-1]}
    np.testing.assert_allclose(
        tiny(turned)["masked_lm_logits"][:, ::-1], tiny(given)["masked_lm_logits"], atol=1e-6
    )


def test_output_table_and_word_embeddings_are_one_variable(tiny):
    table = tiny.encoder.get_embedding_table()
    kept = table.numpy()
    table.assign(tf.tensor_scatter_nd_add(table, [[49]], [tf.one_hot(0, 128)]))
    given = batch(vocabulary=49)  # the word 49 is not among the inputs
    changed = tiny(given)["masked_lm_logits"]
    table.assign(kept)
    before = tiny(given)["masked_lm_logits"]
    np.testing.assert_allclose(changed[..., :49], before[..., :49], atol=1e-6)
    assert np.abs(changed[..., 49] - before[..., 49]).max() > 1e-3


def test_padding_does_not_change_what_the_tokens_give(tiny):
    short = batch(length=12)
    padded = dict(short)
    for name in ("input_word_ids", "input_mask", "input_type_ids"):
        padded[name] = tf.pad(short[name], [[0, 0], [0, 8]])
    for name, logits in tiny(short).items():
        np.testing.assert_allclose(tiny(padded)[name], logits, atol=2e-6)


def test_one_model_takes_the_lengths_of_both_stages_and_refuses_longer_ones(tiny):
    for length in (8, 32):
        assert tiny(batch(length))["masked_lm_logits"].shape == (2, 3, 50)
    with pytest.raises(ValueError, match="sequence of 33 tokens.*32 positions.*max_positions=33"):
        tiny(batch(33))


def test_mixed_bfloat16_keeps_weights_layer_norm_and_logits_in_float32():
    tf.keras.utils.set_random_seed(0)
    exact = bert_pretrainer("bert_tiny", 50, max_positions=32)
    tf.keras.mixed_precision.set_global_policy("mixed_bfloat16")
    model = bert_pretrainer("bert_tiny", 50, max_positions=32)
    model.set_weights(exact.get_weights())
    assert {variable.dtype for variable in model.variables} == {tf.float32}
    block = model.encoder.transformer_layers[0]
    assert block._intermediate_dense.compute_dtype == "bfloat16"
    assert block._attention_layer._query_dense.compute_dtype == "bfloat16"
    norms = [
        layer for layer in model._flatten_layers()
        if isinstance(layer, tf.keras.layers.LayerNormalization)
    ]  # fmt: skip
    assert len(norms) == 6 and {layer.compute_dtype for layer in norms} == {"float32"}
    for name, logits in model(batch()).items():
        assert logits.dtype == tf.float32
        np.testing.assert_allclose(logits, exact(batch())[name], atol=0.02)
        assert np.unique(logits.numpy().view(np.int32) & 0xFFFF).size > 1  # more than 8 bits
    step = tf.function(lambda given: model(given, training=True))
    products = [
        operation
        for operation in step.get_concrete_function(batch()).graph.get_operations()
        if "MatMul" in operation.type and operation.outputs[0].shape.as_list() == [6, 50]
    ]
    assert [(product.type, product.inputs[1].dtype) for product in products] == [
        ("MatMul", tf.float32)
    ]


def test_loss_falls_in_training_on_one_batch():
    tf.keras.utils.set_random_seed(0)
    model = bert_pretrainer("bert_L-1_H-128_A-2", 50, max_positions=16)
    optimizer = tf.keras.optimizers.Adam(1e-3)
    given, labels = batch(), tf.constant([[1, 2, 3], [4, 5, 6]])
    optimizer.build(model.trainable_variables)

    @tf.function
    def step(seed):
        with tf.GradientTape() as tape:
            logits = model({**given, "dropout_seed": seed}, training=True)["masked_lm_logits"]
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))
        variables = [v for v in model.trainable_variables if "next_sentence" not in v.name]
        variables = [v for v in variables if "pooler" not in v.name]
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
        return loss

    losses = [float(step(tf.constant([0, number]))) for number in range(15)]
    assert losses[0] > 3.5 and losses[-1] < 1.5


def test_wrong_settings_are_named():
    with pytest.raises(ValueError, match="'bert_bas'.*did you mean 'bert_base'"):
        bert_encoder("bert_bas", 50)
    with pytest.raises(ValueError, match="vocabulary_size is 0"):
        bert_encoder("bert_tiny", 0)
    with pytest.raises(ValueError, match="max_positions is 0"):
        bert_encoder("bert_tiny", 50, max_positions=0)
    for rate in (1.0, -0.1):
        with pytest.raises(ValueError, match=f"dropout rate is {rate}"):
            bert_pretrainer("bert_tiny", 50, dropout=rate)
