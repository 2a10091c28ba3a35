"""Small variables of one shape, which are updated together, end as each would by itself."""

import numpy as np
import pytest
import tensorflow as tf

from largebatch.optimizers import create, small_variables
from largebatch.optimizers.small_variables import is_small

# {name: (shape, number)}: biases of two shapes, adapted matrices, scalars, and one that is large.
KINDS = {
    "bias": ((5,), 4),
    "attention/bias": ((2, 3), 3),
    "kernel": ((3, 4), 3),
    "pooler/bias": ((4,), 2),
    "scale": ((), 2),
    "large/kernel": ((96, 96), 1),
}


@pytest.fixture(autouse=True)
def three_are_enough(monkeypatch):
    monkeypatch.setattr(small_variables, "FEWEST", 3)


# For what is compiled: two groups, of left out and of adapted ones, and one that stays alone.
FEW = {"bias": ((5,), 3), "kernel": ((3, 4), 3), "scale": ((), 1)}


def new_variables(dtype=tf.float32, kinds=FEW):
    random = np.random.RandomState(0)
    return [
        tf.Variable(tf.cast(random.normal(size=shape), dtype), name=f"layer_{number}/{name}")
        for name, (shape, count) in kinds.items()
        for number in range(count)
    ]


def new_gradients(step, dtype=tf.float32):
    random = np.random.RandomState(step + 1)
    return [tf.cast(random.normal(size=v.shape), dtype) for v in new_variables()]


def new_update(name, dtype=tf.float32, whole_step=False, **arguments):
    """(variables, an optimizer of them, a compiled function that applies gradients)."""
    variables, optimizer = new_variables(dtype), create(name, 0.1, **arguments)
    optimizer.build(variables)

    @tf.function(jit_compile=whole_step, autograph=False)
    def update(gradients):
        optimizer.apply_gradients(zip(gradients, variables))

    return variables, optimizer, update


def trained(*arguments, **options):
    """The values of all variables and of the optimizer's state after two updates."""
    variables, optimizer, update = new_update(*arguments, **options)
    for step in range(2):
        update(new_gradients(step, variables[0].dtype))
    return [np.array(v, np.float64) for v in (*variables, *optimizer.variables)]


@pytest.mark.parametrize(
    "name, whole_step",
    [("lamb", True), ("nnlamb", False)],
)
def test_variables_that_are_updated_together_end_as_each_by_itself(name, whole_step):
    alone = trained(name, jit_compile=False)
    for one, other in zip(alone, trained(name, whole_step=whole_step)):
        np.testing.assert_allclose(one, other, rtol=2e-5, atol=1e-6)


def test_those_of_one_shape_and_kind_are_a_group():
    variables, optimizer = new_variables(kinds=KINDS), create("lamb", 0.1)
    optimizer.build(variables)
    groups = optimizer._groups([(None, variable) for variable in variables])
    shapes = [[tuple(variable.shape) for _, variable in group] for group in groups]
    few = [[(4,)]] * 2
    assert shapes == [[(5,)] * 4, [(2, 3)] * 3, [(3, 4)] * 3, *few, [()], [()], [(96, 96)]]
    excluded = create("lamb", 0.1, exclude_from_weight_decay=["layer_0/bias"])
    excluded.build(variables)
    sizes = [len(group) for group in excluded._groups([(None, v) for v in variables])]
    assert sizes[:2] == [1, 3]


@pytest.mark.parametrize("dtype, rtol", [(tf.float64, 1e-12), (tf.bfloat16, 2**-7)])
def test_they_are_updated_in_the_precision_of_each(dtype, rtol):
    for one, other in zip(trained("lamb", dtype, jit_compile=False), trained("lamb", dtype)):
        np.testing.assert_allclose(one, other, rtol=max(rtol, 1e-6), atol=rtol)


@pytest.mark.parametrize("whole_step", [False, True])
def test_a_nan_in_one_of_them_leaves_all_as_they_were(whole_step):
    variables, optimizer, update = new_update("lamb", whole_step=whole_step)
    update(new_gradients(0))
    state = [*variables, *(v for v in optimizer.variables if "refused" not in v.name)]
    before = [variable.numpy() for variable in state]
    bad = new_gradients(1)
    bad[1] = tf.fill(bad[1].shape, np.float32(np.nan))
    update(bad)
    assert int(optimizer.refused_steps) == 1
    for variable, value in zip(state, before):
        np.testing.assert_array_equal(variable, value)


def test_scalars_and_large_variables_stay_alone():
    assert is_small(tf.Variable(tf.zeros([5])))
    assert not is_small(tf.Variable(0.0))
    assert not is_small(tf.Variable(tf.zeros([0, 3])))
    assert not is_small(tf.Variable(tf.zeros([96, 96])))
