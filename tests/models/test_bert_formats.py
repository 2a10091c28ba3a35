"""Weights of other formats than Google's: tf-models-official's and Hugging Face's, of any size."""

import json

import numpy as np
import pytest
import tensorflow as tf
from official.nlp.modeling import networks

from largebatch.models import (
    BERT_SIZES,
    bert_encoder,
    bert_size,
    bert_span_model,
    find_weights,
    load_bert_checkpoint,
    open_weights,
    read_bert_config,
    size_name,
    write_google_checkpoint,
)
from largebatch.models.bert import ACTIVATIONS, gelu
from largebatch.models.bert_names import of_hugging_face
from largebatch.models.bert_sizes import BertSize

SIZE, VOCABULARY, POSITIONS, TYPES = BertSize(2, 12, 3, 20), 11, 7, 2
CONFIG = {"num_hidden_layers": 2, "hidden_size": 12, "num_attention_heads": 3,
          "intermediate_size": 20, "vocab_size": VOCABULARY, "max_position_embeddings": POSITIONS,
          "type_vocab_size": TYPES}  # fmt: skip


def encoder(activation="gelu"):
    return bert_encoder(SIZE, VOCABULARY, POSITIONS, types=TYPES, activation=activation)


def drawn(model, seed=0):
    """`model` with weights of which each one matters."""
    draw = np.random.default_rng(seed)
    for variable in model.weights:
        noise = draw.normal(0, 0.3, variable.shape)
        variable.assign(noise + ("gamma" in variable.name))
    return model


def batch():
    mask = np.ones((2, 6), np.int32)
    mask[1, 4:] = 0
    draw = np.random.default_rng(1)
    return {
        "input_word_ids": tf.constant(draw.integers(0, VOCABULARY, (2, 6)), tf.int32),
        "input_mask": tf.constant(mask),
        "input_type_ids": tf.constant(draw.integers(0, TYPES, (2, 6)), tf.int32),
    }


def outputs(model):
    found = model(batch())
    return [found["sequence_output"].numpy()[0], found["pooled_output"].numpy()]


OFFICIAL = {"vocab_size": VOCABULARY, "hidden_size": 12, "num_layers": 2, "num_attention_heads": 3,
            "inner_dim": 20, "inner_activation": gelu, "max_sequence_length": POSITIONS,
            "type_vocab_size": TYPES}  # fmt: skip


def old_names(prefix):
    """Rewrites a checkpoint with the names of tf-models-official's releases of 2020."""
    reader = tf.train.load_checkpoint(prefix)
    names = [n for n in reader.get_variable_to_shape_map() if n.endswith("VARIABLE_VALUE")]
    new = [
        n.replace("_attention_layer/_output_dense", "_attention_output_dense").replace(
            "encoder/layer_with_weights-6/", "next_sentence..pooler_dense/"
        )
        for n in names
    ]
    values = [reader.get_tensor(name) for name in names]
    with tf.device("CPU:0"):
        tf.raw_ops.SaveV2(
            prefix=f"{prefix}-2020",
            tensor_names=new,
            shape_and_slices=[""] * len(new),
            tensors=values,
        )
    assert any("next_sentence..pooler_dense" in name for name in new)
    return f"{prefix}-2020"


@pytest.mark.parametrize("kind", [networks.BertEncoder, networks.BertEncoderV2])
@pytest.mark.parametrize("holder", ["encoder", "model"])
def test_an_encoder_of_tf_models_official_gives_the_same_outputs(kind, holder, tmp_path):
    form = {"dict_outputs": True} if kind is networks.BertEncoder else {}
    theirs = kind(**OFFICIAL, **form)
    theirs(theirs.inputs)
    drawn(theirs)
    prefix = tf.train.Checkpoint(**{holder: theirs}).write(str(tmp_path / "bert_model.ckpt"))
    prefixes = [prefix]
    if kind is networks.BertEncoder and holder == "encoder":
        prefixes.append(old_names(prefix))
    for path in prefixes:
        ours = encoder()
        loaded = load_bert_checkpoint(ours, path)
        assert loaded.untouched == () and len(loaded.loaded) == len(ours.weights)
        for mine, wanted in zip(outputs(ours), outputs(theirs)):
            np.testing.assert_allclose(mine, wanted, atol=1e-5)


def test_our_own_checkpoint_of_objects_is_read_too(tmp_path):
    span = drawn(bert_span_model(SIZE, VOCABULARY, POSITIONS))
    optimizer = tf.keras.optimizers.Adam()
    optimizer.build(span.trainable_variables)
    prefix = tf.train.Checkpoint(model=span, optimizer=optimizer).write(str(tmp_path / "ckpt-1"))
    other = bert_span_model(SIZE, VOCABULARY, POSITIONS)
    assert len(load_bert_checkpoint(other, prefix).untouched) == 2  # SQuAD's head
    for mine, wanted in zip(other.encoder.weights, span.encoder.weights):
        np.testing.assert_array_equal(mine, wanted)


def hugging_face(model, tmp_path, rename=lambda name: name):
    """The tensors of `model`, an encoder or span model, as Hugging Face's code names and lays them
    out: dense weights [out, in]."""
    reader = tf.train.load_checkpoint(write_google_checkpoint(model, str(tmp_path / "google")))
    found = {"embeddings.position_ids": np.arange(POSITIONS)[None]}
    for name in reader.get_variable_to_shape_map():
        value, path = reader.get_tensor(name), name.removeprefix("bert/").replace("/", ".")
        path = path.replace("encoder.layer_", "encoder.layer.")
        if path.endswith(".kernel"):
            path, value = path.replace(".kernel", ".weight"), value.T
        elif path.endswith("_embeddings"):
            path += ".weight"
        path = path.replace("cls.squad.output_weights", "qa_outputs.weight")
        path = path.replace("cls.squad.output_bias", "qa_outputs.bias")
        found[rename(path)] = np.ascontiguousarray(value)
    return found


def new_names(name):
    return name.replace("LayerNorm.gamma", "LayerNorm.weight").replace(
        "LayerNorm.beta", "LayerNorm.bias"
    )


def write_safetensors(path, tensors):
    """The format: eight bytes of the header's length, the header in JSON, the tensors' bytes."""
    kinds = {"float32": "F32", "float16": "F16", "int64": "I64"}
    header, place = {"__metadata__": {"format": "pt"}}, 0
    for name, value in tensors.items():
        header[name] = {"dtype": kinds[str(value.dtype)], "shape": list(value.shape),
                        "data_offsets": [place, place + value.nbytes]}  # fmt: skip
        place += value.nbytes
    text = json.dumps(header).encode()
    content = b"".join(value.tobytes() for value in tensors.values())
    path.write_bytes(len(text).to_bytes(8, "little") + text + content)


@pytest.mark.parametrize("prefix", ["", "bert."])
@pytest.mark.parametrize("names", [new_names, str], ids=["weight and bias", "gamma and beta"])
def test_safetensors_of_hugging_face_give_the_same_encoder(prefix, names, tmp_path):
    pytest.importorskip("safetensors")
    source = drawn(encoder("exact_gelu"))
    tensors = hugging_face(source, tmp_path, lambda name: prefix + names(name))
    write_safetensors(tmp_path / "model.safetensors", tensors)
    (tmp_path / "config.json").write_text(json.dumps({**CONFIG, "model_type": "bert"}))
    other = encoder("exact_gelu")
    loaded = load_bert_checkpoint(other, str(tmp_path))
    assert loaded.checkpoint == str(tmp_path / "model.safetensors")
    for mine, wanted in zip(other.weights, source.weights):
        np.testing.assert_array_equal(mine, wanted)
    with pytest.raises(ValueError, match="hidden_act 'exact_gelu', wanted 'gelu'"):
        load_bert_checkpoint(encoder(), str(tmp_path))


def test_a_question_answerer_of_hugging_face_brings_its_head_and_needs_no_pooler(tmp_path):
    pytest.importorskip("safetensors")
    source = drawn(bert_span_model(SIZE, VOCABULARY, POSITIONS))
    tensors = hugging_face(source, tmp_path, new_names)
    tensors = {n: v.astype(np.float16) for n, v in tensors.items() if not n.startswith("pooler")}
    write_safetensors(tmp_path / "weights.safetensors", tensors)
    other = bert_span_model(SIZE, VOCABULARY, POSITIONS)
    loaded = load_bert_checkpoint(other, str(tmp_path))
    assert all("pooler" in path for path in loaded.untouched) and len(loaded.untouched) == 2
    np.testing.assert_allclose(other.span.kernel, source.span.kernel, rtol=1e-3)
    assert other.span.kernel.dtype == tf.float32
    with pytest.raises(ValueError, match=r"bert/pooler/dense/kernel \[12, 12\] is missing"):
        load_bert_checkpoint(encoder(), str(tmp_path))
    (tmp_path / "weights.safetensors").write_bytes(b"\xff" * 100)
    with pytest.raises(ValueError, match="no safetensors file that can be read"):
        load_bert_checkpoint(other, str(tmp_path))
    write_safetensors(tmp_path / "weights.safetensors", {"conv.weight": np.zeros(2, np.float32)})
    with pytest.raises(ValueError, match="not one of BERT: its first tensors are conv.weight"):
        load_bert_checkpoint(other, str(tmp_path))


def test_without_the_package_safetensors_a_line_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "safetensors", None)
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(ValueError, match=r"pip install 'largebatch\[safetensors\]'") as error:
        open_weights(find_weights(str(tmp_path)))
    assert "\n" not in str(error.value)


def test_names_of_hugging_face_that_are_no_weights_have_no_place():
    for name in ("embeddings.position_ids", "cls.predictions.decoder.weight", "classifier.weight"):
        assert of_hugging_face(name) is None
    assert of_hugging_face("bert.encoder.layer.11.output.LayerNorm.weight") == (
        "bert/encoder/layer_11/output/LayerNorm/gamma"
    )
    assert of_hugging_face("cls.predictions.transform.dense.bias") == (
        "cls/predictions/transform/dense/bias"
    )


def test_gelu_is_exact_or_approximate_as_asked():
    given = tf.constant([-2.0, -0.5, 0.0, 0.5, 2.0])
    exact = [-0.0455003, -0.1542688, 0.0, 0.3457312, 1.9544997]  # x Phi(x), of tables of Phi
    np.testing.assert_allclose(ACTIVATIONS["exact_gelu"](given), exact, atol=1e-6)
    assert 1e-5 < np.abs(ACTIVATIONS["gelu"](given) - np.array(exact)).max() < 1e-3
    one, other = drawn(encoder("gelu")), drawn(encoder("exact_gelu"))
    assert 1e-6 < np.abs(outputs(one)[0] - outputs(other)[0]).max() < 1e-2


def test_a_size_is_named_by_its_shape():
    assert bert_size("bert_L-6_H-384_A-12") == BertSize(6, 384, 12, 1536)
    assert size_name(BertSize(6, 384, 12, 1536)) == "bert_L-6_H-384_A-12"
    assert size_name(SIZE) == "bert_L-2_H-12_A-3_F-20" and bert_size(size_name(SIZE)) == SIZE
    assert {size_name(size) for size in BERT_SIZES.values()} == set(BERT_SIZES)
    for name, message in (
        ("bert_L-6_H-384_A-7", "heads that divide the hidden size"),
        ("bert_L-0_H-384_A-12", "numbers above 0"),
        ("bert_huge", "did you mean 'bert_large'|unknown BERT size 'bert_huge'"),
    ):
        with pytest.raises(ValueError, match=message):
            bert_size(name)


@pytest.mark.parametrize("file", ["bert_config.json", "config.json"])
def test_a_config_says_what_the_encoder_is(tmp_path, file):
    (tmp_path / file).write_text(json.dumps({**CONFIG, "hidden_act": "gelu", "x": [1]}))
    found = read_bert_config(str(tmp_path))
    assert (found.size, found.vocabulary_size, found.model) == (SIZE, 11, "bert_L-2_H-12_A-3_F-20")
    assert (found.max_positions, found.types, found.lower_case) == (POSITIONS, TYPES, None)
    assert found.activation == ("gelu" if file == "bert_config.json" else "exact_gelu")
    (tmp_path / "tokenizer_config.json").write_text('{"do_lower_case": false}')
    assert read_bert_config(str(tmp_path)).lower_case is False
    (tmp_path / file).write_text(json.dumps({**CONFIG, "do_lower_case": True}))
    assert read_bert_config(str(tmp_path)).lower_case is True


def test_an_exact_gelu_survives_a_round_trip_through_googles_format(tmp_path):
    prefix = write_google_checkpoint(encoder("exact_gelu"), str(tmp_path), lower_case=False)
    found = read_bert_config(str(tmp_path))
    assert (found.activation, found.lower_case) == ("exact_gelu", False)
    load_bert_checkpoint(encoder("exact_gelu"), prefix)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hidden_size": None}, "hidden_size is None, wanted a whole number above 0"),
        ({"vocab_size": "11"}, "vocab_size is '11'"),
        ({"num_hidden_layers": True}, "num_hidden_layers is True"),
        ({"num_attention_heads": 5}, "5 heads do not divide hidden_size 12"),
        ({"hidden_act": "swish"}, "hidden_act is 'swish', wanted one of gelu, relu"),
        ({"model_type": "roberta"}, "model_type is 'roberta', wanted BERT's 'bert'"),
        ({"position_embedding_type": "relative_key"}, "position_embedding_type is"),
        ({"embedding_size": 6}, "embedding_size is 6, wanted BERT's 12"),
        ({"layer_norm_eps": 1e-5}, "layer_norm_eps is 1e-05"),
        ({"max_position_embeddings": -1}, "max_position_embeddings is -1"),
    ],
)
def test_a_config_of_another_network_is_refused_with_the_key(tmp_path, change, message):
    (tmp_path / "config.json").write_text(json.dumps({**CONFIG, **change}))
    with pytest.raises(ValueError, match=message) as error:
        read_bert_config(str(tmp_path))
    assert str(tmp_path / "config.json") in str(error.value)


def test_what_holds_no_weights_or_no_config_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"no bert_config.json and no config.json in"):
        read_bert_config(str(tmp_path))
    (tmp_path / "bert_config.json").write_text("[" * 100_000)
    with pytest.raises(ValueError, match="bert_config.json is no JSON object"):
        read_bert_config(str(tmp_path))
    (tmp_path / "pytorch_model.bin").write_text("")
    (tmp_path / "saved_model.pb").write_text("")
    with pytest.raises(ValueError, match="--format=google; of pytorch_model.bin, convert it"):
        find_weights(str(tmp_path))
    for name in ("one.safetensors", "two.ckpt.index"):
        (tmp_path / name).write_text("")
    with pytest.raises(ValueError, match="several checkpoints: one.safetensors, two.ckpt.index"):
        find_weights(str(tmp_path))
    assert find_weights(str(tmp_path / "two.ckpt.index")) == str(tmp_path / "two.ckpt")
