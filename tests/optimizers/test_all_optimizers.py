"""The table of all optimizers, each run through the same properties."""

import numpy as np
import pytest
import tensorflow as tf

from largebatch.optimizers import NAMES, create


def test_the_table_has_every_optimizer(all_configurations):
    assert {configuration.name for configuration in all_configurations} == set(NAMES)


# Checkpoints


def test_a_checkpoint_in_a_fresh_or_a_used_optimizer_goes_on_bit_for_bit(
    configuration, runner, eager, same, problem, tmp_path
):
    used = runner(configuration).step(0, 1).apply(problem.spoilt(0)).step(2)
    path = checkpoint_of(used).write(str(tmp_path / "checkpoint"))
    used.step(4)
    checkpoint_of(used).read(path).assert_consumed()
    same(used.weights, eager(configuration, 3).weights)
    same(used.state, eager(configuration, 3).state)
    fresh = runner(configuration)
    # Restored before its slots exist, as a fresh program does.
    status = checkpoint_of(fresh).read(path)
    fresh.optimizer.build(fresh.variables)
    status.assert_consumed()
    fresh.step(3, 4)
    same(fresh.weights, eager(configuration, 5).weights)
    same(fresh.state, eager(configuration, 5).state)
    assert int(fresh.optimizer.refused_steps) == int(used.optimizer.refused_steps) == 1


def checkpoint_of(run):
    return tf.train.Checkpoint(optimizer=run.optimizer, variables=run.variables)


# Modes: eager, tf.function, XLA


def test_a_graph_takes_the_same_steps_as_eager_and_refuses_alike(kind, runner, eager, close, same):
    takes_the_same_steps(kind, runner, eager, close, same, "graph")


# Both are inside a tf.function: "jit" compiles the optimizer's update alone, "xla" the caller's.
def test_a_compiled_update_takes_the_same_steps_as_eager_and_refuses_alike(
    configuration, runner, eager, close, same
):
    takes_the_same_steps(configuration, runner, eager, close, same, "jit")


def test_a_caller_that_compiles_takes_the_same_steps_as_eager_and_refuses_alike(
    kind, runner, eager, close, same
):
    takes_the_same_steps(kind, runner, eager, close, same, "xla")


def takes_the_same_steps(configuration, runner, eager, close, same, mode):
    run = runner(configuration, mode).step(0, 1)
    close(run.weights, eager(configuration, 2).weights)
    close(run.state, eager(configuration, 2).state)
    # One value of one variable spoilt: nothing moves, and the count does.
    weights, state = run.weights, run.state
    for refused, value in enumerate((np.nan, np.inf), 1):
        run.apply(run.problem.spoilt(2, value))
        same(run.weights, weights)
        same(run.state, state)
        assert int(run.optimizer.refused_steps) == refused
        assert int(run.optimizer.iterations) == 2
    # The next good step is as if the bad ones had never been.
    run.step(2, 3)
    close(run.weights, eager(configuration, 4).weights, 5e-6)
    close(run.state, eager(configuration, 4).state, 5e-6)


def test_steps_in_a_while_loop_are_the_same_steps(kind, runner, eager, close):
    looped = runner(kind)
    stacked = [tf.stack(looped.problem.gradients[path][:4]) for path in looped.problem.paths]
    looped.optimizer.build(looped.variables)

    @tf.function
    def loop(count):
        for step in tf.range(count):
            gradients = [tf.cast(gradient[step], tf.float32) for gradient in stacked]
            looped.optimizer.apply_gradients(zip(gradients, looped.variables))

    loop(tf.constant(4))
    close(looped.weights, eager(kind, 4).weights)
    assert int(looped.optimizer.iterations) == 4


# Gradients of other kinds


def test_a_sparse_gradient_with_repeated_rows_equals_the_dense_one(configuration, runner, same):
    dense, sparse = runner(configuration), runner(configuration)
    for step in range(2):
        gradients = dense.problem.step_gradients(step)
        rows = tf.IndexedSlices(
            values=tf.gather(gradients[-1], [0, 1, 2, 0]),
            indices=tf.constant([4, 1, 4, 0]),
            dense_shape=tf.constant(gradients[-1].shape),
        )
        dense.apply([*gradients[:-1], tf.convert_to_tensor(rows)])
        sparse.apply([*gradients[:-1], rows])
    same(sparse.weights, dense.weights)
    same(sparse.state, dense.state)


def test_a_nan_in_a_sparse_gradient_is_refused(configuration, runner, same):
    run = runner(configuration).step(0)
    weights, state = run.weights, run.state
    gradients = run.problem.step_gradients(1)
    rows = tf.IndexedSlices(tf.constant([[1.0, np.nan, 1.0]]), tf.constant([3]), (5, 3))
    run.apply([*gradients[:-1], rows])
    same(run.weights, weights)
    same(run.state, state)
    assert int(run.optimizer.refused_steps) == 1


def test_a_variable_without_gradient_is_left_alone(configuration, runner, same):
    run = runner(configuration)
    before = run.weights
    gradients = run.problem.step_gradients(0)
    for _ in range(2):
        run.apply([*gradients[:1], None, *gradients[2:]])
    same(run.weights[1:2], before[1:2])
    assert (run.weights[0] != before[0]).any()


def test_zero_gradients_keep_everything_finite(configuration, runner):
    run = runner(configuration)
    for _ in range(2):
        run.apply([tf.zeros_like(variable) for variable in run.variables])
    assert all(np.isfinite(value).all() for value in [*run.weights, *run.state])
    assert int(run.optimizer.iterations) == 2


def test_the_order_of_the_variables_does_not_matter_and_may_change(
    configuration, runner, eager, close, problem
):
    mixed = runner(configuration)
    for step, order in enumerate((-1, 1)):
        pairs = zip(problem.step_gradients(step), mixed.variables)
        mixed.optimizer.apply_gradients(list(pairs)[::order])
    close(mixed.weights, eager(configuration, 2).weights)


# Models and precision


@pytest.fixture
def mixed_bfloat16():
    tf.keras.mixed_precision.set_global_policy("mixed_bfloat16")
    yield
    tf.keras.mixed_precision.set_global_policy("float32")


def small_model():
    tf.keras.utils.set_random_seed(1)
    return tf.keras.Sequential(
        [
            tf.keras.layers.Input((4,)),
            tf.keras.layers.Dense(8, activation="relu"),
            tf.keras.layers.LayerNormalization(),
            tf.keras.layers.Dense(1, dtype="float32"),
        ]
    )


def examples():
    random = np.random.RandomState(0)
    x = random.normal(size=(32, 4)).astype(np.float32)
    return x, x.sum(axis=1, keepdims=True)


def test_a_model_in_mixed_bfloat16_learns_and_keeps_float32_state(mixed_bfloat16, sample):
    model, optimizer = small_model(), sample.make()
    x, y = examples()
    losses = []
    for _ in range(4):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(model(x, training=True) - y))
        variables = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
        losses.append(float(loss))
    assert losses[-1] < losses[0]
    floating = [v.dtype for v in optimizer.variables() if v.dtype.is_floating]
    assert set(floating) <= {tf.float32}
    assert all(variable.dtype == tf.float32 for variable in model.trainable_variables)
    assert int(optimizer.refused_steps) == 0


def test_compile_and_fit_train_a_model(kind):
    model = small_model()
    model.compile(optimizer=kind.make(), loss="mse")
    history = model.fit(*examples(), batch_size=8, epochs=3, verbose=0).history["loss"]
    assert history[-1] < history[0]
    assert int(model.optimizer.iterations) == 12


# Not Keras' Adam (its 1 − β₂ᵗ rounds to 0 in bfloat16) and not tensorflow-addons' LAMB.
@pytest.mark.parametrize("name", sorted(set(NAMES) - {"adam", "adamw", "tfa_lamb"}))
def test_plain_bfloat16_weights_are_stepped(name, problem):
    variables = problem.variables(tf.bfloat16)
    before = [variable.numpy() for variable in variables]
    create(name, 0.1, jit_compile=False).apply_gradients(
        zip(problem.step_gradients(0, tf.bfloat16), variables)
    )
    assert all(np.isfinite(variable.numpy().astype(np.float32)).all() for variable in variables)
    assert any((variable.numpy() != old).any() for variable, old in zip(variables, before))


@pytest.mark.parametrize("name", ["lamb", "lars", "bert_adamw", "nadam"])
def test_the_slots_of_bfloat16_weights_are_float32(name, problem):
    optimizer = create(name, 0.1, jit_compile=False)
    optimizer.build(problem.variables(tf.bfloat16))
    assert {v.dtype for v in optimizer.variables() if v.dtype.is_floating} == {tf.float32}


# Keras' own arguments


@pytest.mark.parametrize(
    "clipping", [{"clipnorm": 0.5}, {"global_clipnorm": 0.5}, {"clipvalue": 0.25}], ids=str
)
def test_gradients_are_clipped_before_the_step(unclipped, runner, close, problem, clipping):
    clipped, by_hand = runner(unclipped, **clipping), runner(unclipped)
    for step in range(2):
        gradients = problem.step_gradients(step)
        clipped.apply(gradients)
        ((kind, bound),) = clipping.items()
        if kind == "clipnorm":
            gradients = [tf.clip_by_norm(gradient, bound) for gradient in gradients]
        elif kind == "global_clipnorm":
            gradients = tf.clip_by_global_norm(gradients, bound)[0]
        else:
            gradients = [tf.clip_by_value(gradient, -bound, bound) for gradient in gradients]
        by_hand.apply(gradients)
    close(clipped.weights, by_hand.weights)


@pytest.mark.parametrize(
    "clipping",
    [
        {"clipnorm": 0.5},
        {"global_clipnorm": 0.5},
        {"clipvalue": 0.25},
    ],
    ids=str,
)
def test_clipping_does_not_hide_a_non_finite_gradient(unclipped, runner, same, clipping):
    run = runner(unclipped, **clipping).step(0)
    weights, state = run.weights, run.state
    run.apply(run.problem.spoilt(1, np.inf))
    same(run.weights, weights)
    same(run.state, state)
    assert int(run.optimizer.refused_steps) == 1


@pytest.mark.parametrize(
    "name",
    ["momentum", "adamw", "lamb", "lars", "nadam"],
)
def test_the_moving_average_of_the_weights_follows_them(name, problem):
    optimizer = create(name, 0.25, jit_compile=False, use_ema=True, ema_momentum=0.5)
    variables = problem.variables()
    average = [variable.numpy() for variable in variables]
    for step in range(3):
        optimizer.apply_gradients(zip(problem.step_gradients(step), variables))
        average = [0.5 * old + 0.5 * new.numpy() for old, new in zip(average, variables)]
    optimizer.finalize_variable_values(variables)
    for found, want in zip(variables, average):
        np.testing.assert_allclose(found, want, rtol=1e-5, atol=1e-6)
