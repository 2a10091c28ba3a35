"""The registry of image models: every entry is the builder's own, and costs no TensorFlow."""

import inspect
import subprocess
import sys

import pytest

from largebatch.models import IMAGE_MODELS

NAMES = pytest.mark.parametrize("name", IMAGE_MODELS)


@NAMES
def test_an_entry_has_the_builders_defaults_and_all_of_its_settings(name):
    entry = IMAGE_MODELS[name]
    own = inspect.signature(entry.load()).parameters
    shape, classes, *settings = own
    assert [own[n].default for n in (shape, classes)] == [inspect.Parameter.empty] * 2
    given = {setting: own[setting].default for setting in settings if setting not in entry.fixed}
    unset = {k: v for k, v in given.items() if k not in entry.defaults}
    assert {k: given[k] for k in entry.defaults} == dict(entry.defaults)
    assert set(unset) <= {"variant", "name"}, "a setting that no row can give"


def test_a_fixed_argument_reaches_the_builder():
    names = ("lenet5", "lenet5_caffe")
    built = [IMAGE_MODELS[name].load()((28, 28, 1), 10) for name in names]
    assert [model.count_params() for model in built] == [61_706, 431_080]


def test_the_registry_is_read_without_tensorflow():
    check = (
        "import sys\n"
        "from largebatch.models import IMAGE_MODELS\n"
        "assert 'lenet5' in IMAGE_MODELS and 'tensorflow' not in sys.modules\n"
    )
    ended = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
