"""Settings of the authors' recipes on a command line: what is refused, in one line each."""

import pytest

from largebatch.experiments.program.errors import UserError
from largebatch.experiments.rows import choices
from largebatch.experiments.rows.overrides import apply_overrides
from largebatch.experiments.tables import registry


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("table5/lamb-512", {"kernel_init": "fan"}, "unknown kernel_init 'fan' .did you mean fan_"),
        ("table7/lamb", {"kernel_init": "fan_in"}, "kernel_init: the model 'mnist_convnet' has"),
        ("table7/adamw", {"decay_form": "plane"}, "unknown decay_form 'plane' .did you mean plain"),
        ("table7/adam", {"decay_form": "plain"}, "decay_form: the optimizer 'adam' has no such"),
        ("table7/adagrad", {"initial_accumulator_value": "-1"}, "is -1.0, want a value of 0 or mo"),
        ("table7/lamb", {"norm_batch": "64"}, "norm_batch: the model 'mnist_convnet' has"),
        ("table6/lamb", {"norm_batch": "0"}, "norm_batch is 0, want a value above 0"),
        ("table6/lamb", {"norm_batch": "100"}, "100, which does not divide the batch of 512"),
        (
            *("table5/lamb-512", {"norm_batch": "64", "norm_group": "2"}),
            "norm_batch is 64 and norm_group 2; want .* and none for the other",
        ),
        ("table7/lamb", {"clip_batch": "128"}, "clip_batch is 128 without a clip_norm; set both"),
        (
            *("table7/lamb", {"clip_batch": "100", "clip_norm": "1"}),
            "clip_batch is 100, which does not divide the batch of 1024",
        ),
        (
            *("table6/lamb", {"clip_batch": "64", "clip_norm": "1", "norm_batch": "128"}),
            "norm_batch 128 does not divide clip_batch 64",
        ),
        (
            *("table5/lamb-512", {"clip_batch": "64", "clip_norm": "1", "norm_group": "2"}),
            "clip_batch is 64 with norm_group 2; .* so want norm_batch",
        ),
        ("table1/lamb-32768", {"clip_batch": "64"}, "clip_batch: it means nothing for pretrain"),
        (
            *("table7/lamb", {"floor_epochs": "true", "batch_size": "65536"}),
            "floor_epochs with a batch of 65536: an epoch of 60000 examples has no whole batch",
        ),
        ("table1/lamb-32768", {"floor_epochs": "true"}, "floor_epochs: it means nothing for pret"),
        ("table7/lamb", {"eval_subset": "0"}, "eval_subset is 0, want a value above 0"),
        ("table1/lamb-32768", {"eval_subset": "8"}, "eval_subset: it means nothing for pretrain"),
        ("table6/lamb", {"augment": "cropflip"}, "unknown augment 'cropflip'.*mean crop_flip"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_in_one_line(name, settings, words):
    with pytest.raises(UserError, match=words) as error:
        apply_overrides(registry.find(name), settings)
    assert "\n" not in str(error.value)


def test_the_choices_are_the_models_own():
    from largebatch.models import resnet
    from largebatch.optimizers import keras_baselines

    assert tuple(resnet.KERNEL_INITS) == choices.KERNEL_INITS
    assert keras_baselines.DECAY_FORMS == choices.DECAY_FORMS


@pytest.mark.parametrize(
    ("name", "settings", "given"),
    [
        ("table7/adamw", {"decay_form": "plain"}, {"decay_form": "plain"}),
        (
            *("table7/adagrad", {"initial_accumulator_value": "3.8e-7", "epsilon": "0"}),
            {"initial_accumulator_value": 3.8e-7, "epsilon": 0.0},
        ),
        ("table7/adam", {"epsilon": "2e-11", "l2_regularization": "1e-4"}, {"epsilon": 2e-11}),
        ("table7/lamb", {"phi_bounds": "0.5,10"}, {"phi_bounds": [0.5, 10.0]}),
        ("resnet50/lars-4096", {"phi_bounds": "0,10"}, {"phi_bounds": [0.0, 10.0]}),
    ],
)
def test_a_setting_of_the_optimizer_reaches_it(name, settings, given):
    from largebatch import optimizers

    row = apply_overrides(registry.find(name), settings)
    optimizer = optimizers.create(row.optimizer, 0.1, **row.optimizer_settings)
    found = {**vars(optimizer), **optimizer.get_config()}
    assert {field: found[field] for field in given} == given
