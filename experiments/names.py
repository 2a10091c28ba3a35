"""What a row may name: data sets, models, optimizers, schedules.

Plain lists, so that checking a row needs no TensorFlow; a test compares them with the rooms' own.
"""

from __future__ import annotations

TRAINING_EXAMPLES = {  # size of the training split, N in the derived steps
    "mnist": 60_000,
    "cifar10": 50_000,
    "digits": 1_437,
    "imagenet2012": 1_281_167,
}

MODELS = ("lenet5", "lenet5_caffe", "davidnet")
AUGMENTATIONS = ("none", "davidnet")
SCHEDULES = ("warmup_linear", "goyal", "constant")
DECAY_STARTS = ("start", "warmup_end")
PRECISIONS = ("float32", "bfloat16")

_ADAM = ("beta_1", "beta_2", "epsilon")
OPTIMIZER_SETTINGS = {  # the fields of a row that each optimizer reads, besides the learning rate
    "sgd": ("weight_decay", "l2_regularization"),
    "momentum": ("momentum", "nesterov", "weight_decay", "l2_regularization"),
    "adagrad": ("epsilon",),
    "adam": _ADAM,
    "adamw": (*_ADAM, "weight_decay", "l2_regularization"),
    "bert_adamw": (*_ADAM, "weight_decay"),
    "nadam": _ADAM,
    "lamb": (*_ADAM, "weight_decay"),
    "nlamb": (*_ADAM, "weight_decay"),
    "nnlamb": (*_ADAM, "weight_decay"),
    "lars": ("momentum", "nesterov", "weight_decay"),
    "tfa_lamb": (*_ADAM, "weight_decay"),
}
