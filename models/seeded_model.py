"""A functional model whose dropout draws from seeds that come with the examples."""

from __future__ import annotations

from collections.abc import Mapping

import tensorflow as tf

from largebatch.models import stateless_dropout


class SeededModel(tf.keras.Model):
    """An image model with stateless dropout; make one with `seeded_model`.

    Input: the images, or a dictionary of image and, in training, dropout_seed (int32 [B, 2]). The
    dropout mask of an example is a function of its seed and of the layer's place in the model,
    nothing else: not of the examples beside it, nor of how many there are.

    Raises ValueError: training with dropout and no dropout_seed for each example.
    """

    def call(
        self,
        inputs: tf.Tensor | Mapping[str, tf.Tensor],
        training: bool | None = None,
        mask: tf.Tensor | None = None,
    ) -> tf.Tensor:
        given = inputs if isinstance(inputs, Mapping) else {"image": inputs}
        seed = None
        if training and self._dropout_layers:
            seed = given.get("dropout_seed")
            if seed is None:
                raise ValueError(
                    f"training {self.name} with dropout needs 'dropout_seed' (int32 [B, 2]) in the "
                    f"batch; found {', '.join(sorted(given))}. Give one, or make the model with "
                    "dropout=0"
                )
        with stateless_dropout.seeded(seed, self._dropout_layers):
            return super().call(given["image"], training=training, mask=mask)


def seeded_model(image: tf.Tensor, outputs: tf.Tensor, name: str) -> SeededModel:
    """The model from the input called "image" to `outputs`; its dropout layers lose their state."""
    model = SeededModel(image, outputs, name=name)
    model._dropout_layers = stateless_dropout.make_stateless(model)
    return model
