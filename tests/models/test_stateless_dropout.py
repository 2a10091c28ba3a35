import numpy as np
import pytest
import tensorflow as tf

from largebatch.models import BERT_SIZES, bert_encoder, bert_pretrainer, stateless_dropout

SEED = (5, 6)
ONE_LAYER = BERT_SIZES["bert_tiny"]._replace(layers=1)


def tokens(seed=None, size=2, length=8):
    draw = np.random.default_rng(0)
    given = {
        "input_word_ids": tf.constant(draw.integers(0, 30, (size, length)), tf.int32),
        "input_mask": tf.ones([size, length], tf.int32),
        "input_type_ids": tf.zeros([size, length], tf.int32),
        "masked_lm_positions": tf.zeros([size, 2], tf.int32),
    }
    if seed is not None:
        given["dropout_seed"] = tf.constant(seed, tf.int32)
    return given


@pytest.fixture(scope="module")
def model():
    tf.keras.utils.set_random_seed(0)
    return bert_pretrainer(ONE_LAYER, 30, max_positions=16)


def logits(model, given, training=True):
    return model(given, training=training)["masked_lm_logits"]


@pytest.mark.parametrize("rate", [0.1, 0.5])
@pytest.mark.parametrize("shape", [(200, 1000), (199, 999)])
def test_elements_are_dropped_at_the_rate_and_the_mean_is_kept(rate, shape):
    found = stateless_dropout.dropout(tf.ones(shape), rate, SEED).numpy()
    dropped, count = (found == 0).mean(), np.prod(shape)
    assert abs(dropped - rate) < 4 * np.sqrt(rate * (1 - rate) / count)
    levels = np.unique(found)
    assert len(levels) == 2 and levels[0] == 0
    np.testing.assert_allclose(levels[1], 1 / (1 - round(65536 * rate) / 65536), rtol=1e-6)
    # Neither rows nor columns are alike: no structure from the two halves of each random word.
    for axis in (0, 1):
        share = (found == 0).mean(axis)
        deviation = np.sqrt(rate * (1 - rate) / shape[axis])
        assert abs(share.std() / deviation - 1) < 0.15


def test_neighbouring_elements_are_dropped_independently():
    kept = stateless_dropout.dropout(tf.ones(400_000), 0.5, SEED).numpy() > 0
    for lag in (1, 2, 3, 4):
        assert abs(np.corrcoef(kept[:-lag], kept[lag:])[0, 1]) < 4 / np.sqrt(kept.size)


def test_the_gradient_passes_where_the_value_does():
    x = tf.ones([50, 40])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = stateless_dropout.dropout(x, 0.3, SEED)
    np.testing.assert_array_equal(tape.gradient(y, x), y)


def test_a_shape_known_only_when_it_runs_draws_the_same_mask():
    dynamic = tf.function(
        lambda x: stateless_dropout.dropout(x, 0.1, SEED),
        input_signature=[tf.TensorSpec([None, None])],
    )
    x = tf.ones([7, 9])
    np.testing.assert_array_equal(dynamic(x), stateless_dropout.dropout(x, 0.1, SEED))


@pytest.mark.slow
def test_masks_are_the_same_eagerly_in_a_graph_and_under_xla(model):
    # The seed is an argument of the traced function, not a constant in it.
    graph = tf.function(lambda given: logits(model, given))
    xla = tf.function(lambda given: logits(model, given), jit_compile=True)
    still = logits(model, tokens(), training=False)
    for seed in ((5, 6), (-5, 6), (2**31 - 1, -(2**31)), (0, 0)):
        given = tokens(seed)
        expected = logits(model, given)
        assert np.abs(expected - still).max() > 1e-2
        np.testing.assert_allclose(graph(given), expected, atol=1e-5)
        np.testing.assert_allclose(xla(given), expected, atol=1e-5)
        assert np.abs(logits(model, tokens((seed[0], seed[1] ^ 1))) - expected).max() > 1e-2


def test_calls_before_do_not_change_the_masks(model):
    expected = logits(model, tokens((1, 2)))
    logits(model, tokens((3, 4)))
    tf.random.uniform([3])
    np.testing.assert_array_equal(logits(model, tokens((1, 2))), expected)


def test_each_layer_draws_a_mask_of_its_own(model, monkeypatch):
    masks = []

    def recorded(inputs, rate, seed, rows, draw=stateless_dropout.dropout):
        masks.append(draw(tf.ones(1000), rate, seed).numpy())
        return draw(inputs, rate, seed, rows)

    monkeypatch.setattr(stateless_dropout, "dropout", recorded)
    logits(model, tokens((1, 2)))
    assert len(masks) == 1 + 3  # embeddings; attention, its output, the feed-forward's
    assert len({mask.tobytes() for mask in masks}) == len(masks)
    assert all(abs((mask == 0).mean() - 0.1) < 0.04 for mask in masks)


def test_masks_are_pinned_so_that_another_process_or_release_draws_the_same(model, monkeypatch):
    seeds = []
    monkeypatch.setattr(
        stateless_dropout, "dropout", lambda x, rate, seed, rows: seeds.append(seed.numpy()) or x
    )
    logits(model, tokens((1, 2)))
    # Philox of key (1, 2), written down once: a change here breaks the resuming of old runs.
    assert seeds[0].tolist() == [1105988140, 1738052849]
    assert seeds[1].tolist() == [-335576002 & 0x7FFFFFFF, 370444179]


def test_the_words_of_a_mask_are_pinned_as_signed_ones_were():
    words = tf.random.stateless_uniform([3, 8], SEED, None, None, tf.int32).numpy()
    dropped = round(65536 * 0.3)
    wanted = np.concatenate([words >= dropped * 65536 - 2**31, words & 65535 >= dropped], 0)
    found = stateless_dropout.dropout(tf.ones([6, 8]), 0.3, SEED).numpy() > 0
    np.testing.assert_array_equal(found, wanted)


def test_without_training_or_without_dropout_no_seed_is_needed(model):
    still = bert_pretrainer(ONE_LAYER, 30, max_positions=16, dropout=0)
    still.set_weights(model.get_weights())
    expected = logits(model, tokens(), training=False)
    np.testing.assert_array_equal(logits(model, tokens((1, 2)), training=False), expected)
    np.testing.assert_array_equal(logits(still, tokens(), training=True), expected)


def test_training_without_a_seed_is_refused_and_says_what_to_do(model):
    with pytest.raises(ValueError, match=r"needs 'dropout_seed'.*found input_mask.*dropout=0"):
        logits(model, tokens())
    with pytest.raises(ValueError, match="needs 'dropout_seed'"):
        tf.function(lambda: logits(model, tokens()))()
    with pytest.raises(ValueError, match="outside of its model"):
        model.encoder.transformer_layers[0]([tf.ones([1, 4, 128]), None], training=True)


def test_no_dropout_layer_keeps_keras_state_or_adds_to_a_checkpoint(model, tmp_path):
    encoder = bert_encoder("bert_tiny", 30)
    for layer in [*model._flatten_layers(), *encoder._flatten_layers()]:
        if isinstance(layer, tf.keras.layers.Dropout):
            assert isinstance(layer._random_generator, stateless_dropout.MaskDrawer)
    prefix = tf.train.Checkpoint(model=model).write(str(tmp_path / "weights"))
    names = [name for name, _ in tf.train.list_variables(prefix) if "OBJECT_GRAPH" not in name]
    assert len(names) == len(model.variables)


@pytest.mark.slow
def test_replicas_draw_from_their_own_seeds():
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    tf.keras.utils.set_random_seed(0)
    with strategy.scope():
        model = bert_pretrainer(ONE_LAYER, 30, max_positions=16)
        optimizer = tf.keras.optimizers.SGD(1e-4)
        optimizer.build(model.trainable_variables)
    single = bert_pretrainer(ONE_LAYER, 30, max_positions=16)
    single.set_weights(model.get_weights())

    def replica_step(given):
        with tf.GradientTape() as tape:
            found = logits(model, given)
            loss = tf.reduce_sum(found**2)
        variables = [model.encoder.get_embedding_table()]
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
        return found

    @tf.function
    def step(seeds):
        def of_replica(context):
            seed = seeds[context.replica_id_in_sync_group]
            return {**tokens(), "dropout_seed": seed}

        given = strategy.experimental_distribute_values_from_function(of_replica)
        return strategy.experimental_local_results(strategy.run(replica_step, (given,)))

    for seeds in ([[1, 2], [3, 4]], [[3, 4], [1, 2]], [[5, 6], [5, 6]]):
        expected = [logits(single, tokens(seed)) for seed in seeds]
        for found, wanted in zip(step(tf.constant(seeds)), expected):
            np.testing.assert_allclose(found, wanted, atol=1e-5)
        single.set_weights(model.get_weights())
