"""Flops, parameters and tensors of a model. The models themselves take seconds to build: their
own tests hold the same numbers of parameters."""

import dataclasses

import pytest

from largebatch.experiments.costs import example_cost
from largebatch.experiments.costs.example_cost import bert, cost, davidnet, lenet, mnist_convnet
from largebatch.experiments.tables import registry


def of_row(name):
    row = registry.find(name)
    return cost(row, row.stages[0])


@pytest.mark.parametrize(
    ("counted", "parameters", "tensors"),
    [
        (of_row("table5/lamb-512"), 25_557_032, 161),
        (of_row("alexnet/lars-4096"), 60_965_224, 8 * 2),
        (of_row("alexnet/bn-lars-4096"), 60_965_224, 8 * 2),
        (bert("bert_large", 30_522, 128), 336_226_108, 5 + 24 * 16 + 2 + 5 + 2),
        (davidnet(32, 3, 10, 64), 6_573_120, 8 * 3 + 1),
        (lenet(28, 1, 10, 1.0), 61_706, 5 * 2),
        (lenet(28, 1, 10, 1.0, caffe=True), 431_080, 4 * 2),
        (mnist_convnet(28, 1, 10, 1.0), 3_274_634, 4 * 2),
    ],
    ids="resnet50 alexnet alexnet_bn bert davidnet lenet5 lenet5_caffe mnist_convnet".split(),
)
def test_parameters_are_those_that_the_models_tests_count(counted, parameters, tensors):
    assert (counted.parameters, counted.tensors) == (parameters, tensors)


def test_the_flops_of_a_step_are_six_a_parameter_and_token_but_for_embeddings_and_attention():
    large, hidden, layers = bert("bert_large", 30_522, 128), 1024, 24
    dense = layers * 12 * hidden**2
    attention = layers * 4 * 128 * hidden
    head = 0.15 * 2 * (hidden**2 + hidden * 30_522)
    assert large.forward_flops == pytest.approx(128 * (2 * dense + attention + head))
    # A sequence 4 times as long costs a little more than 4 times as much: attention.
    assert bert("bert_large", 30_522, 512).forward_flops / large.forward_flops == pytest.approx(
        4.24, abs=0.01
    )


def test_lenets_flops_are_counted_by_hand():
    by_hand = 2 * (150 * 28**2 + 2400 * 10**2 + 400 * 120 + 120 * 84 + 84 * 10)
    assert lenet(28, 1, 10, 1.0).forward_flops == by_hand
    padded = 2 * (800 * 28**2 + 51_200 * 14**2 + 7**2 * 64 * 1024 + 1024 * 10)
    assert mnist_convnet(28, 1, 10, 1.0).forward_flops == padded


def test_the_lstms_cost_is_the_models_own():
    from largebatch.models import lstm_classifier

    found = example_cost.lstm(28, 1, 10, 128)
    model = lstm_classifier((28, 28, 1), 10)
    assert found.parameters == model.count_params()
    assert found.tensors == len(model.trainable_variables)


def test_every_row_of_the_paper_that_can_run_has_a_cost():
    for row in registry.all_rows().values():
        if row.dataset in (*example_cost.IMAGES, "wikipedia_books", "imagenet2012"):
            for stage in row.stages:
                found = cost(row, stage)
                assert min(found.parameters, found.forward_flops, found.kept_bytes) > 0, row.name


def test_data_and_models_of_unknown_cost_are_named():
    row = registry.find("table7/lamb")
    digits = dataclasses.replace(row, dataset="digits")
    with pytest.raises(ValueError, match="dataset=digits is not known"):
        cost(digits, digits.stages[0])
    other = dataclasses.replace(row, model="vgg")
    with pytest.raises(ValueError, match="model=vgg is not known"):
        cost(other, other.stages[0])
