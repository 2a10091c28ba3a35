import math

import numpy as np
import pytest

from largebatch.benchmarks import bert_step
from largebatch.models import BERT_SIZES
from largebatch.models.bert_sizes import BertSize


@pytest.fixture(scope="module")
def made():
    """Both models at a size that builds at once, and a batch."""
    batch = bert_step.random_batch(2, 8, 2, 40)
    makers = (bert_step.our_pretrainer, bert_step.official_pretrainer)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(BERT_SIZES, "bert_tiny", BertSize(1, 32, 2, 64))
        return batch, [make("bert_tiny", 40) for make in makers]


def test_both_models_train_the_same_number_of_parameters(made):
    ours, theirs = (sorted(math.prod(v.shape) for v in variables) for _, variables in made[1])
    assert ours == theirs


def test_both_make_steps_on_the_same_batch_and_lower_the_loss(made):
    batch, models = made
    steps = {
        str(number): bert_step.training_step(*model, batch, xla=False)
        for number, model in enumerate(models)
    }
    first = [step() for step in steps.values()]
    # Words and sentences at their starts are guesses.
    np.testing.assert_allclose(first, math.log(40) + math.log(2), atol=0.3)
    timings = bert_step.measure(steps, rounds=3, report=lambda line: None)
    assert all(len(timing.seconds) == 3 for timing in timings.values())
    assert all(min(timing.processor_seconds) > 0 for timing in timings.values())
    for step, loss in zip(steps.values(), first):
        # Dropout makes one step's loss a guess as well; over twenty it falls.
        assert min(step() for _ in range(20)) < loss


def test_the_ratio_is_above_one_when_ours_is_faster():
    assert bert_step.ratio([1, 1, 2], [2, 3, 2]) == 2
