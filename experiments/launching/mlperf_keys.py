"""A row's settings under the names of MLPerf's logs: {key: value}, for the header of a log."""

from __future__ import annotations

from typing import Any

from largebatch.experiments.program.errors import UserError
from largebatch.experiments.rows.row import Row

# benchmark -> (the metric of its eval_accuracy, the accuracy at which MLPerf's training ends: v2.1)
TARGETS = {"resnet": ("top1", 0.759), "bert": ("masked_lm_accuracy", 0.720)}
_LAMB = {"epsilon": "opt_lamb_epsilon", "beta_1": "opt_lamb_beta_1", "beta_2": "opt_lamb_beta_2",
         "weight_decay": "opt_lamb_weight_decay_rate"}  # fmt: skip
_ADAMW = {"epsilon": "opt_adamw_epsilon", "beta_1": "opt_adamw_beta_1",
          "beta_2": "opt_adamw_beta_2", "weight_decay": "opt_adamw_weight_decay"}  # fmt: skip
_ADAM = {"epsilon": "opt_adam_epsilon", "beta_1": "opt_adam_beta_1", "beta_2": "opt_adam_beta_2"}
_OWN = {  # optimizer -> (its name there, {field of a row: key})
    "lamb": ("lamb", _LAMB),
    "nlamb": ("nlamb", _LAMB),
    "nnlamb": ("nnlamb", _LAMB),
    "tfa_lamb": ("lamb", _LAMB),
    "adam": ("adam", _ADAM),
    "nadam": ("nadam", _ADAM),
    "adamw": ("adamw", _ADAMW),
    "bert_adamw": ("adamw", _ADAMW),
    "adagrad": ("adagrad", {"epsilon": "opt_adagrad_epsilon"}),
    "lars": ("lars", {"momentum": "lars_opt_momentum", "weight_decay": "lars_opt_weight_decay"}),
    "momentum": ("sgd", {"momentum": "sgd_opt_momentum",
                         "l2_regularization": "sgd_opt_weight_decay"}),
    "sgd": ("sgd", {"l2_regularization": "sgd_opt_weight_decay"}),
}  # fmt: skip
GOYAL_BOUNDARIES = [30, 60, 80]  # epochs; see optimizers.schedules


def benchmark(row: Row) -> str:
    """'bert' or 'resnet'; ValueError for a row of any other model."""
    if row.task == "pretraining":
        return "bert"
    if row.model == "resnet50":
        return "resnet"
    raise UserError(
        f"--mlperf_log is for BERT and ResNet-50; {row.name} at {row.scale} scale trains "
        f"{row.model} on {row.dataset}"
    )


def hyperparameters(row: Row, accumulation: int) -> dict[str, Any]:
    """Of the first stage; `accumulation` is the number of passes of an update."""
    name, own = _OWN[row.optimizer]
    prefix = "lars_" if name == "lars" else ""
    first = row.stages[0]
    keys: dict[str, Any] = {
        "global_batch_size": first.batch_size,
        "gradient_accumulation_steps": accumulation,
        "opt_name": name,
        f"{prefix}opt_base_learning_rate": row.learning_rate,
        f"{prefix}opt_end_learning_rate": row.end_learning_rate or 0.0,
    }
    keys.update({key: getattr(row, f) for f, key in own.items() if getattr(row, f) is not None})
    if name == "lars":
        keys["lars_epsilon"] = 0.0
    keys.update(_schedule(row, first, prefix))
    if row.clip_norm is not None:
        keys["opt_gradient_clip_norm"] = row.clip_norm
    return keys


def _schedule(row: Row, first, prefix: str) -> dict[str, Any]:
    # With one schedule over both stages, its length is the run's.
    steps = first.steps if row.rewarmup else row.steps
    keys: dict[str, Any] = {"opt_learning_rate_training_steps": row.steps}
    if row.task == "pretraining":
        keys.update(
            opt_learning_rate_warmup_steps=first.warmup_steps,
            num_warmup_steps=first.warmup_steps,
            start_warmup_step=0,
        )
    else:
        keys[f"{prefix}opt_learning_rate_warmup_epochs"] = row.warmup_epochs
    if row.schedule == "goyal":
        keys["opt_learning_rate_decay_boundary_epochs"] = GOYAL_BOUNDARIES
        keys["opt_learning_rate_decay_factor"] = 0.1
    elif row.schedule == "warmup_linear":
        power = 1.0 if row.decay_power is None else row.decay_power
        if row.optimizer == "lamb":
            keys["opt_lamb_learning_rate_decay_poly_power"] = power
        elif row.optimizer == "lars":
            keys["lars_opt_learning_rate_decay_poly_power"] = power
        keys[f"{prefix}opt_learning_rate_decay_steps"] = steps
    return keys
