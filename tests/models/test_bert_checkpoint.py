"""Google's checkpoints, with Google's forward pass written out in NumPy as the oracle."""

import json
import math

import numpy as np
import pytest
import tensorflow as tf

from largebatch.models import (
    BERT_SIZES,
    bert_encoder,
    bert_pretrainer,
    bert_span_model,
    load_bert_checkpoint,
    write_google_checkpoint,
)

VOCABULARY, POSITIONS, HIDDEN, INNER, HEADS, LAYERS = 37, 24, 128, 512, 2, 2  # bert_tiny


def google_shapes(layers=LAYERS):
    """Every tensor of a pre-training checkpoint, as `bert_tiny` has them."""
    dense = {"kernel": [HIDDEN, HIDDEN], "bias": [HIDDEN]}
    norm = {"gamma": [HIDDEN], "beta": [HIDDEN]}
    groups = {
        "bert/embeddings/LayerNorm": norm,
        "bert/pooler/dense": dense,
        "cls/predictions/transform/dense": dense,
        "cls/predictions/transform/LayerNorm": norm,
        "cls/predictions": {"output_bias": [VOCABULARY]},
        "cls/seq_relationship": {"output_weights": [2, HIDDEN], "output_bias": [2]},
        "bert/embeddings": {
            "word_embeddings": [VOCABULARY, HIDDEN],
            "position_embeddings": [POSITIONS, HIDDEN],
            "token_type_embeddings": [2, HIDDEN],
        },
    }
    for layer in range(layers):
        place = f"bert/encoder/layer_{layer}"
        for part in ("self/query", "self/key", "self/value", "output/dense"):
            groups[f"{place}/attention/{part}"] = dense
        groups[f"{place}/attention/output/LayerNorm"] = norm
        groups[f"{place}/intermediate/dense"] = {"kernel": [HIDDEN, INNER], "bias": [INNER]}
        groups[f"{place}/output/dense"] = {"kernel": [INNER, HIDDEN], "bias": [HIDDEN]}
        groups[f"{place}/output/LayerNorm"] = norm
    return {f"{group}/{leaf}": s for group, leaves in groups.items() for leaf, s in leaves.items()}


def made_tensors(shapes, seed=0):
    """Values of every size's order, so that each tensor matters in the outputs."""
    draw = np.random.default_rng(seed)
    return {
        name: (draw.normal(0, 0.1, shape) + name.endswith("gamma")).astype(np.float32)
        for name, shape in shapes.items()
    }


def write_tf1(tensors, prefix):
    """As Google's code wrote its releases: a graph, named variables, tf.train.Saver."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        for name, value in tensors.items():
            tf.compat.v1.get_variable(name, initializer=value, use_resource=False)
        # An optimizer's slot and the step are in checkpoints of runs.
        tf.compat.v1.get_variable("bert/pooler/dense/kernel/adam_m", [3, 3])
        tf.compat.v1.get_variable("global_step", initializer=np.int64(7))
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.train.Saver().save(session, str(prefix), write_state=False)


@pytest.fixture(scope="module")
def tensors():
    return made_tensors(google_shapes())


@pytest.fixture(scope="module")
def release(tensors, tmp_path_factory):
    """A folder as Google's archives unpack to."""
    folder = tmp_path_factory.mktemp("google") / "uncased_L-2_H-128_A-2"
    folder.mkdir()
    write_tf1(tensors, folder / "bert_model.ckpt")
    config = {"hidden_act": "gelu", "hidden_size": HIDDEN, "num_attention_heads": HEADS}
    config |= {"num_hidden_layers": LAYERS, "vocab_size": VOCABULARY, "intermediate_size": INNER}
    (folder / "bert_config.json").write_text(json.dumps(config))
    return folder


def pretrainer():
    return bert_pretrainer("bert_tiny", VOCABULARY, max_positions=POSITIONS)


# Google's modeling.py and run_pretraining.py, in float64.


def layer_norm(x, tensors, place):
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    normal = (x - mean) / np.sqrt(variance + 1e-12)
    return normal * tensors[f"{place}/LayerNorm/gamma"] + tensors[f"{place}/LayerNorm/beta"]


def dense(x, tensors, place):
    return x @ tensors[f"{place}/kernel"].astype(np.float64) + tensors[f"{place}/bias"]


def gelu(x):
    return x * 0.5 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def softmax(x):
    exponential = np.exp(x - x.max(-1, keepdims=True))
    return exponential / exponential.sum(-1, keepdims=True)


def google_forward(tensors, given):
    """sequence [b, L, H], pooled [b, H], masked-LM logits [b, P, V], next-sentence logits [b, 2]"""
    words, mask, types = (
        np.asarray(given[name]) for name in ("input_word_ids", "input_mask", "input_type_ids")
    )
    size, length = words.shape
    table = tensors["bert/embeddings/word_embeddings"].astype(np.float64)
    x = table[words] + tensors["bert/embeddings/token_type_embeddings"][types]
    x = x + tensors["bert/embeddings/position_embeddings"][:length]
    x = layer_norm(x, tensors, "bert/embeddings")
    adder = (1.0 - mask[:, None, None, :]) * -10000.0  # [b, 1, 1, L]
    width = HIDDEN // HEADS

    def split(y):  # [b, L, H] -> [b, heads, L, width]
        return y.reshape(size, length, HEADS, width).transpose(0, 2, 1, 3)

    for layer in range(LAYERS):
        place = f"bert/encoder/layer_{layer}"
        query, key, value = (
            split(dense(x, tensors, f"{place}/attention/self/{part}"))
            for part in ("query", "key", "value")
        )
        scores = query @ key.transpose(0, 1, 3, 2) / math.sqrt(width) + adder
        context = (softmax(scores) @ value).transpose(0, 2, 1, 3).reshape(size, length, HIDDEN)
        attended = dense(context, tensors, f"{place}/attention/output/dense")
        x = layer_norm(attended + x, tensors, f"{place}/attention/output")
        inner = gelu(dense(x, tensors, f"{place}/intermediate/dense"))
        x = layer_norm(
            dense(inner, tensors, f"{place}/output/dense") + x, tensors, f"{place}/output"
        )
    pooled = np.tanh(dense(x[:, 0], tensors, "bert/pooler/dense"))
    masked = np.take_along_axis(x, np.asarray(given["masked_lm_positions"])[..., None], axis=1)
    masked = gelu(dense(masked, tensors, "cls/predictions/transform/dense"))
    masked = layer_norm(masked, tensors, "cls/predictions/transform")
    words_logits = masked @ table.T + tensors["cls/predictions/output_bias"]
    next_logits = pooled @ tensors["cls/seq_relationship/output_weights"].T
    return x, pooled, words_logits, next_logits + tensors["cls/seq_relationship/output_bias"]


def padded_batch():
    draw = np.random.default_rng(1)
    mask = np.ones((3, 20), np.int32)
    mask[1, 13:] = mask[2, 5:] = 0
    return {
        "input_word_ids": tf.constant(draw.integers(0, VOCABULARY, (3, 20)), tf.int32),
        "input_mask": tf.constant(mask),
        "input_type_ids": tf.constant(draw.integers(0, 2, (3, 20)), tf.int32),
        "masked_lm_positions": tf.constant(draw.integers(0, 5, (3, 4)), tf.int32),
    }


def test_the_sizes_here_are_bert_tinys():
    assert BERT_SIZES["bert_tiny"] == (LAYERS, HIDDEN, HEADS, INNER)


def test_a_loaded_pretrainer_computes_googles_forward_pass(release, tensors):
    model, given = pretrainer(), padded_batch()
    loaded = load_bert_checkpoint(model, str(release))
    assert set(loaded.loaded) == set(tensors) and loaded.untouched == ()
    sequence, pooled, words, next_sentence = google_forward(tensors, given)
    encoded, found = model.encoder(given), model(given)
    np.testing.assert_allclose(encoded["sequence_output"], sequence, atol=2e-5)
    np.testing.assert_allclose(encoded["pooled_output"], pooled, atol=2e-5)
    np.testing.assert_allclose(found["masked_lm_logits"], words, atol=1e-4)
    np.testing.assert_allclose(found["next_sentence_logits"], next_sentence, atol=2e-5)


def test_every_tensor_matters_to_the_oracle(tensors):
    """So that agreement with it says something about each."""
    given = {name: value[1:2] for name, value in padded_batch().items()}
    for name in ("input_word_ids", "input_mask", "input_type_ids"):
        given[name] = given[name][:, 8:18]  # 5 tokens and 5 of padding: the test stays quick
    before = np.concatenate([x.ravel() for x in google_forward(tensors, given)])
    for name, value in tensors.items():
        if name.endswith("self/key/bias"):
            continue  # adds the same to all of a query's scores: no softmax sees it
        draw = np.random.default_rng(2)
        changed = {**tensors, name: value + draw.normal(0, 0.1, value.shape)}
        after = np.concatenate([x.ravel() for x in google_forward(changed, given)])
        assert np.abs(after - before).max() > 1e-3, name


def test_a_round_trip_is_exact_and_has_googles_names_and_shapes(release, tensors, tmp_path):
    model = pretrainer()
    load_bert_checkpoint(model, str(release / "bert_model.ckpt"))
    vocabulary = tmp_path / "words.txt"
    vocabulary.write_text("[PAD]\n[UNK]\n")
    prefix = write_google_checkpoint(model, str(tmp_path / "out"), str(vocabulary))
    assert prefix == str(tmp_path / "out" / "bert_model.ckpt")
    reader = tf.train.load_checkpoint(prefix)
    assert reader.get_variable_to_shape_map() == google_shapes()
    for name, value in tensors.items():
        np.testing.assert_array_equal(reader.get_tensor(name), value)
    assert (tmp_path / "out" / "vocab.txt").read_text() == "[PAD]\n[UNK]\n"
    assert json.loads((tmp_path / "out" / "bert_config.json").read_text()) == {
        "attention_probs_dropout_prob": 0.1,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "hidden_size": 128,
        "initializer_range": 0.02,
        "intermediate_size": 512,
        "max_position_embeddings": 24,
        "num_attention_heads": 2,
        "num_hidden_layers": 2,
        "type_vocab_size": 2,
        "vocab_size": 37,
    }
    other = pretrainer()
    load_bert_checkpoint(other, prefix)
    for ours, theirs in zip(model.variables, other.variables):
        np.testing.assert_array_equal(ours, theirs)


def test_googles_code_would_restore_what_is_written(tmp_path):
    """Its assignment: graph variables by name, through tf.train.init_from_checkpoint."""
    model = pretrainer()
    prefix = write_google_checkpoint(model, str(tmp_path))
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        names = google_shapes()
        there = {
            name: tf.compat.v1.get_variable(name, shape, use_resource=False)
            for name, shape in names.items()
        }
        tf.compat.v1.train.init_from_checkpoint(prefix, {name: name for name in names})
        session.run(tf.compat.v1.global_variables_initializer())
        kernel = session.run(there["bert/encoder/layer_1/attention/self/query/kernel"])
    layer = model.encoder.transformer_layers[1]
    ours = layer._attention_layer._query_dense.kernel.numpy()
    np.testing.assert_array_equal(kernel, ours.reshape(HIDDEN, HIDDEN))


def test_the_encoder_alone_and_the_span_model_load_from_pre_training(release, tensors, tmp_path):
    encoder = bert_encoder("bert_tiny", VOCABULARY, POSITIONS)
    assert not [
        name for name in load_bert_checkpoint(encoder, str(release)).loaded if "cls" in name
    ]
    span = bert_span_model("bert_tiny", VOCABULARY, POSITIONS)
    head = span.span.kernel.numpy()
    loaded = load_bert_checkpoint(span, str(release))
    assert loaded.untouched == ("bert_span_model/span/kernel", "bert_span_model/span/bias")
    np.testing.assert_array_equal(span.span.kernel, head)
    np.testing.assert_array_equal(
        span.encoder.pooler_layer.kernel, tensors["bert/pooler/dense/kernel"]
    )
    # A fine-tuned one brings its head, [2, H] as run_squad names it.
    prefix = write_google_checkpoint(span, str(tmp_path))
    np.testing.assert_array_equal(
        tf.train.load_variable(prefix, "cls/squad/output_weights"), head.T
    )
    other = bert_span_model("bert_tiny", VOCABULARY, POSITIONS)
    assert load_bert_checkpoint(other, prefix).untouched == ()
    np.testing.assert_array_equal(other.span.kernel, head)


def fails_and_changes_nothing(path, match, model=None):
    model = pretrainer() if model is None else model
    before = model.get_weights()
    with pytest.raises(ValueError, match=match):
        load_bert_checkpoint(model, str(path))
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights()))


def test_missing_and_misshaped_tensors_are_named(tensors, tmp_path):
    some = {name: value for name, value in tensors.items() if "layer_1/output/dense" not in name}
    some["bert/pooler/dense/bias"] = np.zeros(5, np.float32)
    write_tf1(some, tmp_path / "bert_model.ckpt")
    fails_and_changes_nothing(
        tmp_path,
        r"layer_1/output/dense/kernel \[512, 128\] is missing.*"
        r"layer_1/output/dense/bias \[128\] is missing.*"
        r"bert/pooler/dense/bias is \[5\], wanted \[128\]",
    )


def test_a_checkpoint_of_another_size_is_refused(release, tmp_path, tensors):
    fails_and_changes_nothing(
        release, "vocab_size 37, wanted 40", bert_pretrainer("bert_tiny", 40, POSITIONS)
    )
    fails_and_changes_nothing(
        release,
        "hidden_size 128, wanted 64; num_hidden_layers 2, wanted 1; num_attention_heads 2, want",
        bert_encoder("bert_L-1_H-64_A-1", VOCABULARY, POSITIONS),
    )
    # Where no bert_config.json tells: layers that would be left aside unseen.
    write_tf1(made_tensors(google_shapes(layers=3)), tmp_path / "bert_model.ckpt")
    fails_and_changes_nothing(tmp_path, "has 3 layers, the model 'bert_pretrainer' 2")
    # Positions: the message says both.
    fails_and_changes_nothing(
        release,
        r"position_embeddings is \[24, 128\], wanted \[16, 128\]",
        bert_encoder("bert_tiny", VOCABULARY, max_positions=16),
    )


def test_what_is_no_checkpoint_of_googles_is_refused(tmp_path, release):
    fails_and_changes_nothing(tmp_path / "absent", "no checkpoint at .*absent")
    fails_and_changes_nothing(tmp_path, "no checkpoint at .*bert_model.ckpt.index")
    model = pretrainer()
    other = tf.Module()
    other.dense = tf.Variable([1.0])
    prefix = tf.train.Checkpoint(model=other).write(str(tmp_path / "other"))
    fails_and_changes_nothing(prefix, "not one of BERT.*begins with bert/.*model/dense", model)
    (tmp_path / "broken.ckpt.index").write_bytes(b"not a table at all" * 10)
    fails_and_changes_nothing(tmp_path / "broken.ckpt", "no checkpoint that can be read", model)
    (tmp_path / "bert_config.json").write_text("[1, 2")
    write_tf1({"bert/pooler/dense/bias": np.zeros(3, np.float32)}, tmp_path / "bert_model.ckpt")
    fails_and_changes_nothing(tmp_path, "bert_config.json is no JSON object", model)


def test_weights_of_replicas_and_of_mixed_precision_go_both_ways(release, tensors, tmp_path):
    tf.keras.mixed_precision.set_global_policy("mixed_bfloat16")
    with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
        model = pretrainer()
    load_bert_checkpoint(model, str(release))
    prefix = write_google_checkpoint(model, str(tmp_path))
    for name in (
        "bert/encoder/layer_0/attention/output/dense/kernel",
        "cls/predictions/output_bias",
    ):
        np.testing.assert_array_equal(tf.train.load_variable(prefix, name), tensors[name])
