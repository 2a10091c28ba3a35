"""Settings of the authors' recipes on a command line: what is refused, in one line each."""

import pytest

from largebatch.experiments import names, registry
from largebatch.experiments.errors import UserError
from largebatch.experiments.overrides import apply_overrides


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("table5/lamb-512", {"kernel_init": "fan"}, "unknown kernel_init 'fan' .did you mean fan_"),
        ("table7/lamb", {"kernel_init": "fan_in"}, "kernel_init: the model 'lenet5' has no such"),
        ("table7/lamb", {"norm_batch": "64"}, "norm_batch: the model 'lenet5' has no such"),
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
        ("table6/lamb", {"augment": "cropflip"}, "unknown augment 'cropflip'.*mean crop_flip"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_in_one_line(name, settings, words):
    with pytest.raises(UserError, match=words) as error:
        apply_overrides(registry.find(name), settings)
    assert "\n" not in str(error.value)


def test_the_choices_are_the_models_own():
    from largebatch.models import resnet

    assert tuple(resnet.KERNEL_INITS) == names.KERNEL_INITS
