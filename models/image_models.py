"""The image models that a row may name: one entry each, which rows and tasks read alike.

A new model is a module of this room and an entry here. No TensorFlow is imported until a model is
loaded, so rows that name one stay cheap to check.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
from collections.abc import Callable, Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class ImageModel:
    """Where a model is built, and what of it can be set.

    The builder is called as build((H, W, C), classes, width=..., setting=...) and returns a
    tf.keras.Model of images [B, H, W, C] to float32 logits [B, classes]. A model with the setting
    `dropout` also takes {"image": ..., "dropout_seed": int32 [B, 2]}.

    `defaults` are the builder's own (a test compares them), `width` among them. Its other keys are
    the fields of a row that the model reads. `fixed` arguments are the same in every row.
    """

    builder: str  # module:function, the module one of this room
    defaults: Mapping[str, Any]
    fixed: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def module(self) -> str:
        return self.builder.partition(":")[0]

    @property
    def function(self) -> str:
        return self.builder.partition(":")[2]

    @property
    def settings(self) -> tuple[str, ...]:
        """The fields of a row that the model reads, besides its width."""
        return tuple(name for name in self.defaults if name != "width")

    def load(self) -> Callable[..., Any]:
        """The builder; loads TensorFlow."""
        module = importlib.import_module(f"largebatch.models.{self.module}")
        build = getattr(module, self.function)
        return functools.partial(build, **self.fixed) if self.fixed else build


IMAGE_MODELS: dict[str, ImageModel] = {
    "lenet5": ImageModel("lenet:lenet5", {"width": 1.0}),
    # The larger LeNet that ships with Caffe: another reading of the paper's "LeNet".
    "lenet5_caffe": ImageModel("lenet:lenet5", {"width": 1.0}, {"variant": "caffe"}),
    "mnist_convnet": ImageModel("mnist:mnist_convnet", {"width": 1.0, "dropout": 0.4}),
    "davidnet": ImageModel("dawnbench:davidnet", {"width": 64, "norm_batch": None}),
    "resnet50": ImageModel(
        "resnet:resnet50",
        {
            "width": 64,
            "zero_last_scale": True,
            "norm_group": 1,
            "norm_batch": None,
            "kernel_init": "fan_out",
        },
    ),
    "alexnet": ImageModel("caffe_alexnet:alexnet", {"width": 96, "dropout": 0.5}),
    "alexnet_bn": ImageModel(
        "caffe_alexnet:alexnet_bn",
        {"width": 96, "dropout": 0.5, "norm_group": 1, "norm_batch": None},
    ),
    "lstm": ImageModel("lstm:lstm_classifier", {"width": 128}),
}
