"""A run's code stays what it was when the run started."""

import importlib.util
import linecache
import sys

import pytest
import tensorflow as tf

from largebatch.experiments.launching import kept_sources

SOURCE = "def sign(x):\n    if x > 0.0:\n        return {}\n    else:\n        return -1.0\n"


@pytest.fixture
def module(tmp_path, monkeypatch, kept):
    """A module of the suite whose file can be changed."""
    file = tmp_path / "changing.py"
    # AutoGraph keeps what it has converted, and tells functions apart by their code alone.
    file.write_text(SOURCE.format("1.0" if kept else "1.5"))
    spec = importlib.util.spec_from_file_location("largebatch.changing", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setitem(sys.modules, "largebatch.changing", module)
    monkeypatch.setattr(linecache, "updatecache", kept_sources._update)
    return module


@pytest.mark.parametrize("kept", [True, False])
def test_a_file_that_changes_under_a_run_does_not_change_what_is_traced_later(module, kept):
    if kept:
        kept_sources.keep_sources()
        kept_sources.keep_sources()  # a later one is no new look at the file
    with open(module.__file__, "w") as file:
        file.write("# A line more.\n" + SOURCE.format("2.0 + 0.0"))
    traced = tf.function(module.sign)
    if kept:
        assert float(traced(tf.constant(3.0))) == 1.0
    else:  # why it is kept: AutoGraph compiles what is in the file now
        assert float(traced(tf.constant(3.0))) == 2.0
