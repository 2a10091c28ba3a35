"""What a row may name: data sets, models, optimizers, schedules.

Plain lists, so that checking a row needs no TensorFlow. Those of the models are the models' own; a
test compares the others with their rooms'.
"""

from __future__ import annotations

from largebatch.models import image_models
from largebatch.models.bert_sizes import BERT_SIZES

TRAINING_EXAMPLES = {  # size of the training split, N in the derived steps
    "mnist": 60_000,
    "cifar10": 50_000,
    "digits": 1_437,
    "imagenet2012": 1_281_167,
}

# Text: prepared shards of the paper's data, the suite's own corpus, a folder of the user's text.
TEXTS = ("wikipedia_books", "python_text", "text_folder")
DATASETS = (*TRAINING_EXAMPLES, *TEXTS)

TASKS = ("classification", "pretraining")
IMAGE_MODELS = tuple(image_models.IMAGE_MODELS)
# The fields of a row that an image model reads, besides its width.
MODEL_SETTINGS = {name: model.settings for name, model in image_models.IMAGE_MODELS.items()}
BERT_MODELS = tuple(BERT_SIZES)
MODELS = (*IMAGE_MODELS, *BERT_MODELS)

# The fields of a row that one task alone reads.
TASK_FIELDS = {
    "classification": (
        *("model_width", "examples", "augment", "image_size", "label_smoothing"),
        *("zero_last_scale", "norm_group", "norm_batch", "kernel_init", "pad_batch", "clip_batch"),
        *("epochs", "warmup_epochs", "initial_learning_rate", "floor_epochs", "eval_subset"),
    ),
    "pretraining": (
        *("vocabulary_size", "sequence_length", "total_steps", "warmup_ratio"),
        *("stage2_steps", "stage2_sequence_length", "stage2_batch_size", "stage2_learning_rate"),
        *("stage2_warmup_ratio", "rewarmup", "keep_moments"),
        *("squad_epochs", "squad_batch_size", "squad_learning_rate", "squad_warmup_ratio"),
        *("squad_sequence_length", "squad_stride"),
    ),
}

AUGMENTATIONS = ("none", "crop_flip", "davidnet", "inception_crop")
STREAMED_IMAGES = ("imagenet2012",)  # read from files as they are needed, and of many sizes
SCHEDULES = ("warmup_linear", "goyal", "constant")
DECAY_STARTS = ("start", "warmup_end")
PRECISIONS = ("float32", "bfloat16")
NORMS = ("l1", "l2", "linf")
MOMENTUM_SCHEDULES = ("dozat", "constant")
DECAY_FORMS = ("rate", "plain")
KERNEL_INITS = ("fan_out", "fan_in")
LARS_FORMS = ("lamb_paper", "you2017")
NOTHING = "nothing"  # the empty list, as the optimizers' preset of that name
EXCLUDING = ("exclude_from_weight_decay", "exclude_from_layer_adaptation")
EXCLUSIONS = ("default", "bert", "resnet50", "batch_norm", "bias", NOTHING)

_ADAM = ("beta_1", "beta_2", "epsilon")
_DECAY = ("weight_decay", "exclude_from_weight_decay")
_ADAPTATION = ("exclude_from_layer_adaptation", "norm", "phi_bounds")
_L2 = ("l2_regularization", "exclude_from_weight_decay")
OPTIMIZER_SETTINGS = {  # the fields of a row that each optimizer reads, besides the learning rate
    "sgd": (*_DECAY, "l2_regularization"),
    "momentum": ("momentum", "nesterov", *_DECAY, "l2_regularization"),
    "adagrad": ("epsilon", "initial_accumulator_value", *_L2),
    "adam": (*_ADAM, *_L2),
    "adamw": (*_ADAM, *_DECAY, "decay_form", "l2_regularization"),
    "bert_adamw": (*_ADAM, *_DECAY),
    "nadam": (*_ADAM, "momentum_schedule"),
    "lamb": (*_ADAM, *_DECAY, *_ADAPTATION, "bias_correction"),
    "nlamb": (*_ADAM, *_DECAY, *_ADAPTATION, "momentum_schedule"),
    "nnlamb": (*_ADAM, *_DECAY, *_ADAPTATION, "momentum_schedule"),
    "lars": (
        *("momentum", "nesterov", *_DECAY, *_ADAPTATION),
        *("form", "trust_coefficient", "max_ratio"),
    ),
    "tfa_lamb": (*_ADAM, *_DECAY),
}
