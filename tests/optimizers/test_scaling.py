"""The scaling rules give the paper's printed numbers. No TensorFlow here."""

import subprocess
import sys

import pytest

from largebatch.optimizers.scaling import legw_warmup_epochs, linear_scaling, sqrt_scaling

BATCHES = [512, 1024, 2048, 4096, 8192, 16384, 32768]
EXPONENTS = [3.0, 2.5, 2.0, 1.5, 1.0, 0.5, 0.0]


@pytest.mark.parametrize("batch, exponent", zip(BATCHES, EXPONENTS))
def test_square_root_scaling_gives_the_rates_of_table_4(batch, exponent):
    base = 5 / (2**3 * 1e3)
    assert sqrt_scaling(base, 512, batch) == pytest.approx(5 / (2**exponent * 1e3), rel=1e-12)


@pytest.mark.parametrize("batch, exponent", zip(BATCHES, EXPONENTS))
def test_square_root_scaling_gives_the_rates_of_table_5(batch, exponent):
    base = 4 / (2**3 * 100)
    assert sqrt_scaling(base, 512, batch) == pytest.approx(4 / (2**exponent * 100), rel=1e-12)


@pytest.mark.parametrize("batch, epochs", zip(BATCHES, [0.3125, 0.625, 1.25, 2.5, 5, 10, 20]))
def test_linear_epoch_warm_up_gives_the_epochs_of_table_5(batch, epochs):
    assert legw_warmup_epochs(0.3125, 512, batch) == epochs


@pytest.mark.parametrize("batch, inverse_ratio", zip(BATCHES, [320, 160, 80, 40, 20, 10, 5]))
def test_linear_epoch_warm_up_gives_the_ratios_of_table_4(batch, inverse_ratio):
    # A run has the same epochs at every batch, so the share of them scales as they do.
    assert legw_warmup_epochs(1 / 320, 512, batch) == pytest.approx(1 / inverse_ratio, rel=1e-12)


def test_the_number_of_warm_up_steps_is_the_same_at_every_batch():
    # 32K: 0.2 × 15625 = 3125 steps; 512: 1/320 of 1000k.
    examples = 512 * 1_000_000
    steps = [legw_warmup_epochs(1 / 320, 512, batch) * examples / batch for batch in BATCHES]
    assert steps == pytest.approx([3125] * 7)


def test_linear_scaling_doubles_with_the_batch():
    assert linear_scaling(0.1, 256, 8192) == pytest.approx(3.2)


@pytest.mark.parametrize("rule", [sqrt_scaling, linear_scaling, legw_warmup_epochs])
@pytest.mark.parametrize(
    "base, batch, name",
    [(0, 512, "base_batch"), (512, -1, "batch"), ("512", 512, "base_batch"), (512, None, "batch")],
)
def test_a_batch_that_is_no_positive_number_is_an_error(rule, base, batch, name):
    with pytest.raises(ValueError, match=f"^{name} must be a positive number of examples"):
        rule(0.1, base, batch)


def test_the_rules_do_not_import_tensorflow():
    program = (
        "import sys, largebatch.optimizers.scaling, largebatch.optimizers.exclusions\n"
        "from largebatch.optimizers import NAMES\n"
        "assert 'lamb' in NAMES\n"
        "assert 'tensorflow' not in sys.modules, 'TensorFlow was imported'"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
