import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from largebatch.models import bert_pretrainer, bert_span_model, export_encoder, export_span_model

ONE_LAYER = "bert_L-1_H-128_A-2"


def tokens(length):
    draw = np.random.default_rng(length)
    return {
        "input_word_ids": tf.constant(draw.integers(0, 30, (2, length)), tf.int32),
        "input_mask": tf.constant(np.arange(length) < [[length], [length - 2]], tf.int32),
        "input_type_ids": tf.zeros([2, length], tf.int32),
    }


@pytest.fixture(scope="module")
def pretrainer():
    return bert_pretrainer(ONE_LAYER, 30, max_positions=16)


def test_an_exported_encoder_gives_the_same_at_every_length(pretrainer, tmp_path):
    words = tmp_path / "words.txt"
    words.write_text("[PAD]\n")
    export_encoder(pretrainer, str(tmp_path / "encoder"), str(words))
    loaded = tf.saved_model.load(str(tmp_path / "encoder"))
    serve = loaded.signatures["serving_default"]
    for length in (5, 16):
        expected, found = pretrainer.encoder(tokens(length)), serve(**tokens(length))
        assert set(found) == {"sequence_output", "pooled_output"}
        for name, value in found.items():
            np.testing.assert_allclose(value, expected[name], atol=1e-6)
    assert (tmp_path / "encoder" / "assets" / "words.txt").read_text() == "[PAD]\n"
    assert len(loaded.weights) == len(pretrainer.encoder.variables)


@pytest.mark.slow
def test_an_exported_span_model_loads_where_this_package_is_not(tmp_path):
    model = bert_span_model(ONE_LAYER, 30, max_positions=16)
    export_span_model(model, str(tmp_path / "span"))
    given, folder = tokens(9), str(tmp_path)
    np.savez(f"{folder}/given.npz", **{name: value.numpy() for name, value in given.items()})
    program = (
        "import sys; sys.modules['largebatch'] = sys.modules['official'] = None\n"
        "import numpy as np, tensorflow as tf\n"
        f"serve = tf.saved_model.load('{folder}/span').signatures['serving_default']\n"
        f"given = {{k: tf.constant(v) for k, v in np.load('{folder}/given.npz').items()}}\n"
        f"np.savez('{folder}/found.npz', **{{k: v.numpy() for k, v in serve(**given).items()}})\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    found, expected = np.load(f"{folder}/found.npz"), model(given)
    assert set(found) == {"start_logits", "end_logits"}
    for name in found:
        np.testing.assert_allclose(found[name], expected[name], atol=1e-6)


def test_a_model_of_mixed_precision_and_replicas_is_exported_with_float32_outputs(tmp_path):
    tf.keras.mixed_precision.set_global_policy("mixed_bfloat16")
    with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
        model = bert_pretrainer(ONE_LAYER, 30, max_positions=16)
    export_encoder(model, str(tmp_path))
    tf.keras.mixed_precision.set_global_policy(None)
    serve = tf.saved_model.load(str(tmp_path)).signatures["serving_default"]
    found, expected = serve(**tokens(7)), model.encoder(tokens(7))
    assert {value.dtype for value in found.values()} == {tf.float32}
    np.testing.assert_allclose(found["sequence_output"], expected["sequence_output"], atol=0.03)
