"""Agreement with the public LAMB of tensorflow-addons and LAMB and LARS of tf-models-official.

Where their semantics differ from this suite's, a test says how.
"""

import numpy as np
import pytest
import tensorflow as tf
from official.modeling.optimization.lamb import LAMB as OfficialLAMB
from official.modeling.optimization.lars import LARS as OfficialLARS

from largebatch.optimizers import LAMB, LARS, create, why_missing

STEPS = 6
NO_DECAY = ["LayerNorm", "bias"]
NO_ADAPTATION = ["embeddings"]

needs_addons = pytest.mark.skipif(
    why_missing("tfa_lamb") is not None, reason=str(why_missing("tfa_lamb"))
)


@pytest.fixture
def weights_after(problem):
    """The weights after all steps; `nonzero`: without the variable that starts at zero."""

    def run(optimizer, steps=STEPS, nonzero=False):
        keep = [i for i, path in enumerate(problem.paths) if not (nonzero and "head" in path)]
        variables = [problem.variables()[i] for i in keep]
        for step in range(steps):
            gradients = problem.step_gradients(step)
            optimizer.apply_gradients(zip([gradients[i] for i in keep], variables))
        return [variable.numpy() for variable in variables]

    return run


def addons(weight_decay, no_decay, no_adaptation):
    from largebatch.optimizers.addons import tfa

    return tfa.optimizers.LAMB(
        0.05,
        epsilon=0.01,
        weight_decay=weight_decay,
        exclude_from_weight_decay=no_decay,
        exclude_from_layer_adaptation=no_adaptation,
    )


def addons_here(weight_decay, no_decay, no_adaptation):
    from largebatch.optimizers import AddonsLAMB

    return AddonsLAMB(
        0.05,
        epsilon=0.01,
        weight_decay=weight_decay,
        exclude_from_weight_decay=no_decay or [],
        exclude_from_layer_adaptation=no_adaptation or [],
    )


def official(weight_decay, no_decay, no_adaptation):
    return OfficialLAMB(
        0.05,
        epsilon=0.01,
        weight_decay_rate=weight_decay,
        exclude_from_weight_decay=no_decay,
        exclude_from_layer_adaptation=no_adaptation,
    )


ADDONS, ADDONS_HERE = (pytest.param(p, marks=needs_addons) for p in (addons, addons_here))


@pytest.mark.parametrize("peer", [ADDONS, ADDONS_HERE, official])
@pytest.mark.parametrize(
    "weight_decay, no_decay, no_adaptation",
    [(0.0, None, None), (0.25, None, None), (0.25, NO_DECAY, NO_ADAPTATION)],
)
def test_lamb_steps_as_its_peers_do(
    weights_after, close, peer, weight_decay, no_decay, no_adaptation
):
    ours = LAMB(
        0.05,
        epsilon=0.01,
        weight_decay=weight_decay,
        exclude_from_weight_decay=no_decay or [],
        exclude_from_layer_adaptation=no_adaptation or [],
        jit_compile=False,
    )
    theirs = peer(weight_decay, no_decay, no_adaptation)
    close(weights_after(ours), weights_after(theirs), 1e-5)


@pytest.mark.parametrize("peer", [ADDONS, official])
def test_the_peers_take_an_empty_list_of_unadapted_layers_for_the_list_of_undecayed(
    weights_after, close, peer
):
    # Their `if exclude_from_layer_adaptation:`; here the two lists are independent.
    theirs = weights_after(peer(0.25, NO_DECAY, []))
    close(theirs, weights_after(peer(0.25, NO_DECAY, NO_DECAY)), 1e-7)
    ours = LAMB(
        0.05,
        epsilon=0.01,
        weight_decay=0.25,
        exclude_from_weight_decay=NO_DECAY,
        exclude_from_layer_adaptation=[],
        jit_compile=False,
    )
    bias = 1
    assert not np.allclose(weights_after(ours)[bias], theirs[bias], rtol=1e-2)


@needs_addons
def test_addons_lamb_has_no_epsilon_of_zero_and_says_so_here():
    from largebatch.optimizers.addons import AddonsLAMB, tfa

    # Its `epsilon or tf.backend_config.epsilon()` meets a name that TensorFlow dropped.
    with pytest.raises(AttributeError):
        tfa.optimizers.LAMB(epsilon=0.0)
    with pytest.raises(ValueError, match="epsilon=0"):
        AddonsLAMB(epsilon=0.0)
    assert LAMB(epsilon=0.0).epsilon == 0.0


@pytest.mark.parametrize("peer", [ADDONS, official])
def test_the_peers_lamb_is_poisoned_by_one_nan(weights_after, problem, peer):
    # What the refusal is for.
    theirs, ours = peer(0.0, None, None), LAMB(0.05, jit_compile=False)
    for optimizer, poisoned in ((theirs, True), (ours, False)):
        variables = problem.variables()
        optimizer.apply_gradients(zip(problem.spoilt(0), variables))
        optimizer.apply_gradients(zip(problem.step_gradients(1), variables))
        assert any(np.isnan(variable.numpy()).any() for variable in variables) == poisoned


def official_lars(nesterov=False, **settings):
    return OfficialLARS(0.05, eeta=0.5, nesterov=nesterov, **settings)


def lars_2017(**settings):
    exclusions = {"exclude_from_weight_decay": [], "exclude_from_layer_adaptation": []}
    return LARS(
        0.05,
        form="you2017",
        trust_coefficient=0.5,
        jit_compile=False,
        **{**exclusions, **settings},
    )


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("no_adaptation", [None, ["embeddings", "bias"]])
def test_the_lars_of_2017_without_decay_steps_as_the_official_models_do(
    weights_after, close, nesterov, no_adaptation
):
    ours = lars_2017(
        nesterov=nesterov, weight_decay=0.0, exclude_from_layer_adaptation=no_adaptation or []
    )
    theirs = official_lars(nesterov=nesterov, exclude_from_layer_adaptation=no_adaptation)
    close(weights_after(ours), weights_after(theirs), 1e-5)


def test_the_official_lars_takes_the_norm_of_gradient_and_decay_together():
    # Ours, as printed: ‖g‖ + λ‖w‖. Theirs: ‖g + λw‖, never more, and equal if g points along w.
    for gradient, equal in (([[3.0, 4.0]], True), ([[4.0, -3.0]], False), ([[-3.0, -4.0]], False)):
        steps = []
        for optimizer in (
            lars_2017(weight_decay=0.5),
            official_lars(weight_decay_rate=0.5),
        ):
            variable = tf.Variable([[3.0, 4.0]], name="dense/kernel")
            optimizer.apply_gradients([(tf.constant(gradient), variable)])
            steps.append(np.linalg.norm(variable.numpy() - [[3, 4]]))
        ours, theirs = steps
        assert theirs == pytest.approx(0.05 * 0.5 * 5, rel=1e-5)
        assert ours == pytest.approx(theirs, rel=1e-5) if equal else ours < theirs * 0.8


def test_the_papers_lars_steps_as_the_official_one_with_popular_momentum(weights_after, close):
    # Theirs leaves out the (1 − β); the ratio κ‖x‖/‖m‖ takes such a factor out again.
    ours = LARS(
        0.05,
        weight_decay=0.25,
        trust_coefficient=0.5,
        exclude_from_weight_decay=NO_DECAY,
        exclude_from_layer_adaptation=[],
        jit_compile=False,
    )
    theirs = official_lars(
        classic_momentum=False,
        weight_decay_rate=0.25,
        exclude_from_weight_decay=NO_DECAY,
        exclude_from_layer_adaptation=["matches nothing"],
    )
    close(weights_after(ours, nonzero=True), weights_after(theirs, nonzero=True), 1e-5)


def test_on_unadapted_layers_the_papers_lars_damps_by_one_minus_beta(weights_after, close):
    ours = LARS(
        0.5,
        weight_decay=0.0,
        exclude_from_weight_decay=[],
        exclude_from_layer_adaptation=["."],
        jit_compile=False,
    )
    theirs = official_lars(classic_momentum=False, exclude_from_layer_adaptation=["."])
    # 0.5 · (1 − 0.9) is their 0.05.
    close(weights_after(ours), weights_after(theirs), 1e-5)


@needs_addons
def test_addons_lamb_decays_its_rate_as_tensorflow_addons_does():
    from largebatch.optimizers import AddonsLAMB
    from largebatch.optimizers.addons import tfa

    after = []
    for make, decay in ((AddonsLAMB, 0.5), (tfa.optimizers.LAMB, 0.5), (AddonsLAMB, 0.0)):
        optimizer = make(0.1, epsilon=1e-6, decay=decay)
        weight = tf.Variable([1.0, 2.0], name="kernel")
        for _ in range(3):
            optimizer.apply_gradients([(tf.constant([1.0, 2.0]), weight)])
        after.append(weight.numpy())
    np.testing.assert_allclose(*after[:2], rtol=5e-3)  # their default decays of weights differ
    assert (after[0] > after[2] + 0.02).all()


@needs_addons
def test_addons_lamb_refuses_an_infinity_that_is_clipped_and_a_square_that_overflows():
    from largebatch.optimizers import AddonsLAMB

    optimizer, weight = AddonsLAMB(0.1, clipvalue=1.0), tf.Variable([1.0, 2.0])
    optimizer.apply_gradients([(tf.constant([np.inf, 1.0]), weight)])
    np.testing.assert_array_equal(weight, [1.0, 2.0])
    optimizer = create("tfa_lamb", 0.1)
    optimizer.apply_gradients([(tf.constant([2e19, 1.0]), weight)])
    np.testing.assert_array_equal(weight, [1.0, 2.0])
    assert int(optimizer.refused_steps) == 1


@needs_addons
def test_addons_lamb_names_a_variable_that_it_has_not_seen():
    optimizer = create("tfa_lamb", 0.1)
    optimizer.build([tf.Variable([1.0], name="a")])
    with pytest.raises(KeyError, match="cannot recognize variable b:0"):
        optimizer.apply_gradients([(tf.constant([1.0]), tf.Variable([1.0], name="b"))])


@needs_addons
def test_addons_lamb_trains_in_mixed_float16():
    model = tf.keras.Sequential(
        [tf.keras.layers.Dense(2, dtype=tf.keras.mixed_precision.Policy("mixed_float16"))]
    )
    scaled = tf.keras.mixed_precision.LossScaleOptimizer(create("tfa_lamb", 0.1), False, 1.0)
    model.compile(scaled, "mse")
    model.build((None, 3))
    before = model.layers[0].kernel.numpy()
    model.fit(np.ones((8, 3)), np.ones((8, 2)), verbose=0)
    assert (model.layers[0].kernel.numpy() != before).any()
