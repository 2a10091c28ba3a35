"""SavedModels of the trained encoder and of the SQuAD model, for serving.

They load with `tf.saved_model.load` alone: neither this package nor tf-models-official is needed.
"""

from __future__ import annotations

import tensorflow as tf

from largebatch.models.bert import ENCODER_INPUTS
from largebatch.models.bert_checkpoint import write_google_config


def export_encoder(
    model: tf.keras.Model,
    folder: str,
    vocabulary_file: str | None = None,
    lower_case: bool | None = None,
) -> None:
    """Writes the encoder of `model` (an encoder, pre-trainer or span model) as a SavedModel.

    Its "serving_default" takes input_word_ids, input_mask and input_type_ids, int32 [b, L], and
    gives sequence_output [b, L, H] and pooled_output [b, H], float32. `vocabulary_file` becomes its
    asset; bert_config.json stands beside it, which also says whether text is to be lower-cased.
    """
    encoder = getattr(model, "encoder", model)
    _export(encoder, ("sequence_output", "pooled_output"), folder, vocabulary_file)
    write_google_config(model, folder, lower_case)


def export_span_model(
    model: tf.keras.Model,
    folder: str,
    vocabulary_file: str | None = None,
    lower_case: bool | None = None,
) -> None:
    """Writes a span model as a SavedModel; as `export_encoder`, but start_logits and end_logits."""
    _export(model, ("start_logits", "end_logits"), folder, vocabulary_file)
    write_google_config(model, folder, lower_case)


def _export(model, outputs: tuple, folder: str, vocabulary_file: str | None) -> None:
    @tf.function(
        input_signature=[tf.TensorSpec([None, None], tf.int32, name) for name in ENCODER_INPUTS]
    )
    @tf.autograph.experimental.do_not_convert  # neither this nor the layers that it calls
    def serve(input_word_ids, input_mask, input_type_ids):
        given = dict(zip(ENCODER_INPUTS, (input_word_ids, input_mask, input_type_ids)))
        found = model(given, training=False)
        return {name: tf.cast(found[name], tf.float32) for name in outputs}

    # The variables and one function: Keras' layers would each be traced, and named as classes that
    # a reader would need.
    module = tf.Module()
    module.weights = list(model.variables)
    module.serve = serve
    if vocabulary_file is not None:
        module.vocabulary = tf.saved_model.Asset(vocabulary_file)
    tf.saved_model.save(module, folder, signatures={"serving_default": serve})
