"""Which code a run was made with."""

import sys

import tensorflow as tf

import largebatch
from largebatch.experiments.records import provenance


def test_versions_are_those_of_both_stacks_packages():
    found = provenance.versions()
    assert found["largebatch"] == largebatch.__version__
    assert found["tensorflow"] == tf.__version__
    modern = sys.version_info >= (3, 12)
    assert found["tf-keras"].startswith("2.20." if modern else "2.15.")
    assert (found["tensorflow-addons"] == "not installed") == modern
