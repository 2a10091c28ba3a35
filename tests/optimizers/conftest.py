"""The oracles, a small problem to run them on, and the one table of all optimizers.

The problem: a matrix, a bias, a layer norm's scale, a second matrix that starts at zero and an
embedding, with given gradients of differing sizes. By default the bias and the scale are left out
of decay and of layer adaptation.
"""

import importlib.util
import itertools
import types
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import tensorflow as tf

from largebatch.optimizers import create, why_missing

STEPS = 6

# Of two shapes: variables of one shape share what is compiled.
SHAPES = {
    "encoder/dense/kernel": (5, 3),
    "encoder/dense/bias": (3,),
    "encoder/LayerNorm/gamma": (3,),
    "head/kernel": (5, 3),
    "word_embeddings/embeddings": (5, 3),
}
# By the presets "default" and "bert" alike; the exclusions of the problem.
EXCLUDED_BY_DEFAULT = {"encoder/dense/bias": True, "encoder/LayerNorm/gamma": True}


@pytest.fixture(scope="session")
def oracles():
    """The module oracles.py."""
    spec = importlib.util.spec_from_file_location(
        "optimizer_oracles", Path(__file__).with_name("oracles.py")
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Problem:
    """Weights and gradients; all values are multiples of 2^-8, so that sums of them are exact."""

    def __init__(self, steps=STEPS, seed=0):
        random = np.random.RandomState(seed)
        self.paths = list(SHAPES)
        self.steps = steps
        self.weights = {
            path: on_grid(random.normal(size=shape) * (path != "head/kernel"))
            for path, shape in SHAPES.items()
        }
        self.gradients = {
            path: [on_grid(random.normal(size=shape) * scale) for scale in scales]
            for (path, shape), scales in zip(
                SHAPES.items(), np.exp(random.normal(size=(len(SHAPES), steps)))
            )
        }

    def variables(self, dtype=tf.float32):
        return [tf.Variable(self.weights[path], name=path, dtype=dtype) for path in self.paths]

    def step_gradients(self, step, dtype=tf.float32):
        return [tf.constant(self.gradients[path][step], dtype) for path in self.paths]

    def spoilt(self, step, value=float("nan"), which=2):
        """The gradients of a step with one value of one variable spoilt."""
        gradients = self.step_gradients(step)
        spoilt = gradients[which].numpy()
        spoilt.flat[-1] = value
        gradients[which] = tf.constant(spoilt)
        return gradients


def on_grid(values):
    return np.round(np.asarray(values) * 256) / 256


@pytest.fixture(scope="session")
def problem():
    return Problem()


def excluded_by_default(path):
    return path in EXCLUDED_BY_DEFAULT


@pytest.fixture(scope="session")
def agrees_with_oracle(problem):
    """Runs an optimizer and its oracle over all steps and compares the weights after each.

    `excluded(path)` says which variables the optimizer leaves out, of decay and of adaptation.
    """

    def check(
        optimizer,
        oracle,
        learning_rate,
        *,
        no_decay=excluded_by_default,
        no_adaptation=excluded_by_default,
        adapts=True,
        dtype=tf.float32,
        tolerance=1e-5,
        **settings,
    ):
        rates = [
            float(np.float32(learning_rate(t) if callable(learning_rate) else learning_rate))
            for t in range(problem.steps)
        ]
        variables = problem.variables(dtype)
        expected = {}
        for path in problem.paths:
            flags = {}
            if no_decay is not None:
                flags["decayed"] = not no_decay(path)
            if adapts:
                flags["adapted"] = not no_adaptation(path)
            expected[path] = oracle(
                problem.weights[path], problem.gradients[path], rates, **flags, **settings
            )
        for step in range(problem.steps):
            optimizer.apply_gradients(zip(problem.step_gradients(step, dtype), variables))
            for path, variable in zip(problem.paths, variables):
                want = expected[path][0][step]
                np.testing.assert_allclose(
                    variable.numpy(),
                    want,
                    rtol=0,
                    atol=tolerance * np.abs(want).max(),
                    err_msg=f"{path} after step {step + 1}",
                )
        if adapts:
            statistics = optimizer.layer_statistics()
            assert list(statistics) == problem.paths
            for path, found in statistics.items():
                np.testing.assert_allclose(np.array(found), expected[path][1], rtol=1e-4)

    return check


def pytest_collection_modifyitems(items):
    """On the modern stack there is no tensorflow-addons: what would make its LAMB is skipped."""
    missing = why_missing("tfa_lamb")
    for item in items if missing else ():  # of all folders: a parameter may be anything
        for value in item.callspec.params.values() if hasattr(item, "callspec") else ():
            name = getattr(value, "name", value)
            if isinstance(name, str) and name == "tfa_lamb":
                item.add_marker(pytest.mark.skip(reason=missing))


class Configuration(NamedTuple):
    """One row of the table of all optimizers."""

    name: str
    settings: dict
    learning_rate: float = 0.0625

    def __str__(self):
        return "-".join([self.name, *(f"{key}={value}" for key, value in self.settings.items())])

    def make(self, **more):
        if self.name == "tfa_lamb":  # A legacy optimizer compiles nothing by itself.
            more.pop("jit_compile", None)
        else:
            more.setdefault("jit_compile", False)
        return create(self.name, **{"learning_rate": self.learning_rate, **self.settings, **more})


#: Every name at least once, and every branch of an update rule.
CONFIGURATIONS = [
    Configuration("momentum", {}),
    Configuration("momentum", {"nesterov": True, "weight_decay": 0.125, "clipnorm": 1.0}),
    Configuration("sgd", {"l2_regularization": 0.125}),
    Configuration("adagrad", {}),
    Configuration("adam", {"l2_regularization": 0.0625, "global_clipnorm": 1.0}),
    Configuration("adamw", {"exclude_from_weight_decay": ["bias$"]}),
    Configuration("adamw", {"decay_form": "plain"}),
    Configuration("bert_adamw", {}),
    Configuration("nadam", {}),
    Configuration("lamb", {}),
    Configuration(
        "lamb",
        {
            "bias_correction": False,
            "norm": "l1",
            "phi_bounds": (0.5, 2.0),
            "exclude_from_weight_decay": [],
            "exclude_from_layer_adaptation": "bert",
            "global_clipnorm": 1.0,
        },
    ),
    Configuration("nlamb", {"norm": "linf"}),
    Configuration("nnlamb", {"momentum_schedule": "constant"}),
    Configuration("lars", {}),
    Configuration("lars", {"form": "you2017", "nesterov": True, "trust_coefficient": 0.5}),
    Configuration("tfa_lamb", {}),
]


@pytest.fixture(params=CONFIGURATIONS, ids=str)
def configuration(request):
    return request.param


SAMPLE = [
    c
    for c in CONFIGURATIONS
    if c.name in ("lamb", "lars", "adamw", "nadam", "tfa_lamb")
    and not {"decay_form", "form"} & {*c.settings}
]
# Of LARS all but its formula is LAMB's.
KINDS = {c.name: c for c in reversed(SAMPLE) if c.name != "lars"}


@pytest.fixture(params=SAMPLE, ids=str)
def sample(request):
    """A few of the table: all of some names."""
    return request.param


@pytest.fixture(params=KINDS.values(), ids=str)
def kind(request):
    """One of each kind of implementation, for what takes long."""
    return request.param


@pytest.fixture(
    params=[c for c in SAMPLE if c.name != "tfa_lamb" and "global_clipnorm" not in c.settings],
    ids=str,
)
def unclipped(request):
    """Those of the sample that take Keras' clipping arguments and have none yet."""
    return request.param


@pytest.fixture(scope="session")
def all_configurations():
    return CONFIGURATIONS


def state_of(optimizer, variables):
    """All that a step changes but the weights and the count of refused steps."""
    if hasattr(optimizer, "get_slot"):  # A legacy optimizer lists its slots in no fixed order.
        slots = [
            optimizer.get_slot(variable, name)
            for name in sorted(optimizer.get_slot_names())
            for variable in variables
        ]
        return [optimizer.iterations.numpy(), *(slot.numpy() for slot in slots)]
    return [
        variable.numpy()
        for variable in optimizer.variables()
        if variable is not optimizer.refused_steps
    ]


class Runner:
    """An optimizer on the problem's variables, stepped in one of the modes.

    mode: "eager"; "graph" (a tf.function); "xla" (the whole step compiled by the caller);
    "jit" (a tf.function, the update compiled by the optimizer itself).
    """

    def __init__(self, problem, configuration, mode="eager", **more):
        self.problem = problem
        self.optimizer = configuration.make(jit_compile=mode == "jit", **more)
        self.variables = problem.variables()
        self._apply = self._eager
        if mode != "eager":
            self._apply = tf.function(self._eager, jit_compile=mode == "xla", autograph=False)

    def _eager(self, gradients):
        self.optimizer.apply_gradients(zip(gradients, self.variables))

    def step(self, *steps):
        for step in steps:
            self.apply(self.problem.step_gradients(step))
        return self

    def apply(self, gradients):
        self._apply(gradients)
        return self

    @property
    def weights(self):
        return [variable.numpy() for variable in self.variables]

    @property
    def state(self):
        return state_of(self.optimizer, self.variables)


@pytest.fixture(scope="session")
def runner(problem):
    """`runner(configuration, mode, **settings)`: see Runner."""
    return lambda *arguments, **more: Runner(problem, *arguments, **more)


@pytest.fixture(scope="session")
def eager(runner):
    """`eager(configuration, n)` has `weights` and `state` after the problem's first n steps."""
    made = {}

    def after(configuration, steps):
        name = str(configuration)
        if name not in made:
            made[name] = runner(configuration), []
        run, passed = made[name]
        while len(passed) < steps:
            run.step(len(passed))
            passed.append(types.SimpleNamespace(weights=run.weights, state=run.state))
        return passed[steps - 1]

    return after


@pytest.fixture(scope="session")
def same():
    """Whether two lists of arrays are equal bit for bit."""

    def check(found, wanted):
        assert len(found) == len(wanted)
        for index, (a, b) in enumerate(itertools.zip_longest(found, wanted)):
            np.testing.assert_array_equal(a, b, err_msg=f"number {index}", strict=True)

    return check


@pytest.fixture(scope="session")
def close():
    """Whether two lists of arrays agree to float32's rounding over a few steps."""

    def check(found, wanted, tolerance=2e-6):
        assert len(found) == len(wanted)
        for index, (a, b) in enumerate(zip(found, wanted)):
            scale = max(np.abs(b).max(), 1e-6)
            np.testing.assert_allclose(
                a, b, rtol=0, atol=tolerance * scale, err_msg=f"number {index}"
            )

    return check
