"""The flags that say how a run executes."""

import pytest
from absl import flags

from largebatch.experiments.launching import flags as execution_flags


def parsed(*arguments):
    values = flags.FlagValues()
    execution_flags.define(values)
    values(["program", *arguments])
    return values


def test_an_automatic_micro_batch_is_the_default_and_has_a_name():
    assert parsed().micro_batch is parsed("--micro_batch=auto").micro_batch is None
    assert parsed("--micro_batch=16").micro_batch == 16
    assert execution_flags.given(parsed("--micro_batch=auto")) == []
    assert execution_flags.given(parsed("--micro_batch=16")) == ["--micro_batch=16"]


def test_a_micro_batch_that_is_no_number_is_refused_with_what_is_wanted():
    with pytest.raises(flags.Error, match="whole number, or auto"):
        parsed("--micro_batch=some")
