"""BERT: encoder, pre-trainer and span model (Devlin et al. 2019; the paper's Tables 1, 2, 4, 8).

Axes: b sequences, L their length, P masked positions a sequence, H hidden size, V vocabulary.

The encoder subclasses tf-models-official's BertEncoderV2, whose call can take the batch's dropout
seed; the functional BertEncoder could not. As in Google's code, weights are drawn from a normal
distribution of standard deviation 0.02, truncated at two deviations, LayerNorm's epsilon is 1e-12,
and gelu is its tanh approximation.

Under the global policy mixed_bfloat16 the matrix products of the encoder are in bfloat16; weights,
LayerNorm, gelu and all logits are float32.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf
from official.nlp.modeling import networks

from largebatch.models import chosen_rows, stateless_dropout
from largebatch.models.bert_sizes import BertSize, bert_size
from largebatch.models.gelu_approximation import gelu

ENCODER_INPUTS = ("input_word_ids", "input_mask", "input_type_ids")


@tf.keras.utils.register_keras_serializable("largebatch")
def exact_gelu(x: tf.Tensor) -> tf.Tensor:
    """x / 2 (1 + erf(x / sqrt(2))): Hugging Face's, where Google's is its tanh approximation."""
    return tf.nn.gelu(x, approximate=False)


ACTIVATIONS = {"gelu": gelu, "exact_gelu": exact_gelu, "relu": tf.nn.relu}


def bert_encoder(
    size: str | BertSize,
    vocabulary_size: int,
    max_positions: int = 512,
    dropout: float = 0.1,
    types: int = 2,
    activation: str = "gelu",
) -> BertEncoder:
    """The encoder of that size (see `bert_size`), built.

    Parameters, with n layers, hidden size H, feed-forward size F = 4H, vocabulary V, positions M, T
    types of segments (2 in Google's):

      embeddings   (V + M + T + 2) H            words, positions, types, LayerNorm
      a layer      4 (H + 1) H + 2H             query, key, value, output; LayerNorm
                   + (H + 1) F + (F + 1) H + 2H feed-forward; LayerNorm
      pooler       (H + 1) H

    Raises:
      ValueError: an unknown size or activation, a vocabulary or number of positions or types below
        1, a dropout rate that is not in [0, 1).
    """
    size = bert_size(size) if isinstance(size, str) else size
    if activation not in ACTIVATIONS:
        raise ValueError(f"unknown activation {activation!r}; they are {', '.join(ACTIVATIONS)}")
    given = {"vocabulary_size": vocabulary_size, "max_positions": max_positions, "types": types}
    for name, value in given.items():
        if int(value) != value or value < 1:
            raise ValueError(f"{name} is {value}, wanted a whole number of at least 1")
    if not 0 <= dropout < 1:
        raise ValueError(f"the dropout rate is {dropout}, wanted at least 0 and below 1")
    return BertEncoder(
        activation,
        vocab_size=int(vocabulary_size),
        hidden_size=size.hidden_size,
        num_layers=size.layers,
        num_attention_heads=size.heads,
        inner_dim=size.intermediate_size,
        max_sequence_length=int(max_positions),
        type_vocab_size=int(types),
        output_dropout=dropout,
        attention_dropout=dropout,
        initializer=initializer(),
        name="bert",
    )


def bert_pretrainer(
    size: str | BertSize,
    vocabulary_size: int,
    max_positions: int = 512,
    dropout: float = 0.1,
    **settings: Any,
) -> BertPretrainer:
    """The encoder with the heads of both pre-training tasks, built; see `BertPretrainer`.

    `settings` are `bert_encoder`'s.

    To the encoder's parameters come, for the masked LM, (H + 1) H + 2H + V (a dense layer, its
    LayerNorm, the output's bias; the output's table is that of the word embeddings) and for the
    next sentence 2 (H + 1). With V = 30522 BERT-Large has 335,141,888 + 1,082,170 + 2,050 =
    336,226,108 parameters: the "336 M" of reports that count the heads, where the BERT paper rounds
    to 340 M.
    """
    encoder = bert_encoder(size, vocabulary_size, max_positions, dropout, **settings)
    return BertPretrainer(encoder)


def bert_span_model(
    size: str | BertSize,
    vocabulary_size: int,
    max_positions: int = 512,
    dropout: float = 0.1,
    **settings: Any,
) -> BertSpanModel:
    """The encoder with SQuAD's head, built; see `BertSpanModel`.

    `settings` are `bert_encoder`'s.
    """
    encoder = bert_encoder(size, vocabulary_size, max_positions, dropout, **settings)
    return BertSpanModel(encoder)


def initializer() -> tf.keras.initializers.Initializer:
    return tf.keras.initializers.TruncatedNormal(stddev=0.02)


@tf.keras.utils.register_keras_serializable("largebatch")
class BertEncoder(networks.BertEncoderV2):
    """tf-models-official's encoder with stateless dropout.

    Input: a dictionary of input_word_ids, input_mask (1 = token), input_type_ids, int32 [b, L] with
    L up to max_positions, and in training dropout_seed, int32 [2]. All dropout masks are a function
    of dropout_seed and of the layer's place in the encoder, nothing else. With output_rows, int32
    [b, R] whose first is 0, the last layer is computed at these places of a sequence alone, and its
    output is [b, R, H] (`chosen_rows`).
    Output: a dictionary of sequence_output [b, L, H] float32, pooled_output [b, H], encoder_outputs
    (a list of the layers' [b, L, H]).

    Raises ValueError: training with dropout and no dropout_seed; a sequence above max_positions.
    """

    def __init__(self, activation: str = "gelu", **settings: Any):
        super().__init__(inner_activation=ACTIVATIONS[activation], **settings)
        self.activation = activation  # by its name in ACTIVATIONS
        self._dropout_layers = 0
        # A call builds all layers, so that their dropout can be replaced here.
        self(self.inputs, training=False)
        self._dropout_layers = stateless_dropout.make_stateless(self)
        chosen_rows.computes_chosen_rows(self.transformer_layers[-1])

    def call(
        self, inputs: Mapping[str, tf.Tensor], training: bool | None = None
    ) -> dict[str, tf.Tensor]:
        tokens = {name: inputs[name] for name in ENCODER_INPUTS}
        settings = self.get_config()
        length, limit = tokens["input_word_ids"].shape[1], settings["max_sequence_length"]
        if length is not None and length > limit:
            raise ValueError(
                f"a sequence of {length} tokens, but the model has {limit} positions: make it with "
                f"max_positions={length} or more"
            )
        seed = None
        rates = settings["output_dropout"], settings["attention_dropout"]
        if training and any(rates):
            seed = inputs.get("dropout_seed")
            if seed is None:
                raise ValueError(
                    "training with dropout needs 'dropout_seed' (int32 [2]) in the batch; found "
                    f"{', '.join(sorted(inputs))}. Give one, or make the model with dropout=0"
                )
        dropout = stateless_dropout.seeded(seed, self._dropout_layers)
        with dropout, chosen_rows.chosen(inputs.get("output_rows")):
            return super().call(tokens)


class MaskedLanguageModel(tf.keras.layers.Layer):
    """Scores of words at the places that the encoder's output is of.

    sequence [b, P, H], the variable of word embeddings [V, H] -> float32 [b, P, V]: dense, the
    encoder's activation, LayerNorm, then the product with the embeddings, and a bias.
    """

    def __init__(self, vocabulary_size: int, hidden_size: int, activation: str, name: str):
        # float32: XLA's and CUDA's default precision still multiply it on the fast units, but the
        # sums, and so the logits, are not rounded to 8 bits.
        super().__init__(dtype=tf.float32, name=name)
        self._vocabulary_size = vocabulary_size
        self._activation = ACTIVATIONS[activation]
        self.transform = tf.keras.layers.Dense(
            hidden_size, kernel_initializer=initializer(), name="transform/dense"
        )
        self.layer_norm = tf.keras.layers.LayerNormalization(
            epsilon=1e-12, dtype=tf.float32, name="transform/layer_norm"
        )

    def build(self, input_shape: tf.TensorShape) -> None:
        self.bias = self.add_weight("output/bias", [self._vocabulary_size], initializer="zeros")
        super().build(input_shape)

    def call(self, sequence: tf.Tensor, embeddings: tf.Variable) -> tf.Tensor:
        # Read here: in the pre-trainer's own scope the variable would be cast to its bfloat16.
        embeddings = tf.convert_to_tensor(embeddings)
        x = tf.reshape(sequence, [-1, sequence.shape[-1]])  # [bP, H]
        x = self.layer_norm(self._activation(tf.cast(self.transform(x), tf.float32)))
        logits = tf.matmul(x, embeddings, transpose_b=True) + self.bias  # [bP, V]
        return tf.reshape(logits, tf.concat([tf.shape(sequence)[:2], [self._vocabulary_size]], 0))


class BertPretrainer(tf.keras.Model):
    """The encoder's inputs and masked_lm_positions int32 [b, P] -> a dictionary of

    masked_lm_logits      float32 [b, P, V]
    next_sentence_logits  float32 [b, 2], class 1 being "the second segment is a random one"
    """

    def __init__(self, encoder: BertEncoder, name: str = "bert_pretrainer"):
        super().__init__(name=name)
        config = encoder.get_config()
        self.encoder = encoder
        self.masked_lm = MaskedLanguageModel(
            config["vocab_size"], config["hidden_size"], encoder.activation, name="masked_lm"
        )
        self.next_sentence = tf.keras.layers.Dense(
            2, kernel_initializer=initializer(), dtype=tf.float32, name="next_sentence"
        )
        positions = tf.keras.Input([None], dtype=tf.int32, name="masked_lm_positions")
        self({**encoder.inputs, "masked_lm_positions": positions}, training=False)

    def call(
        self, inputs: Mapping[str, tf.Tensor], training: bool | None = None
    ) -> dict[str, tf.Tensor]:
        positions = inputs["masked_lm_positions"]
        # [CLS], which the pooler reads, and the masked words: nothing else is read of the output.
        rows = tf.pad(positions, [[0, 0], [1, 0]])
        encoded = self.encoder({**_encoder_inputs(inputs), "output_rows": rows}, training=training)
        masked_lm_logits = self.masked_lm(
            encoded["sequence_output"][:, 1:], self.encoder.get_embedding_table()
        )
        return {
            "masked_lm_logits": masked_lm_logits,
            "next_sentence_logits": self.next_sentence(encoded["pooled_output"]),
        }


class BertSpanModel(tf.keras.Model):
    """The encoder's inputs -> a dictionary of start_logits and end_logits, float32 [b, L].

    Where an answer starts and ends (SQuAD): one dense layer over every token's output; padding is
    not masked. As in Google's run_squad the pooler is there but takes no part: it is not trained.
    """

    def __init__(self, encoder: BertEncoder, name: str = "bert_span_model"):
        super().__init__(name=name)
        self.encoder = encoder
        encoder.pooler_layer.trainable = False
        self.span = tf.keras.layers.Dense(
            2, kernel_initializer=initializer(), dtype=tf.float32, name="span"
        )
        self(encoder.inputs, training=False)

    def call(
        self, inputs: Mapping[str, tf.Tensor], training: bool | None = None
    ) -> dict[str, tf.Tensor]:
        encoded = self.encoder(_encoder_inputs(inputs), training=training)
        logits = self.span(encoded["sequence_output"])  # [b, L, 2]
        return {"start_logits": logits[..., 0], "end_logits": logits[..., 1]}


def _encoder_inputs(inputs):
    names = (*ENCODER_INPUTS, "dropout_seed")
    return {name: inputs[name] for name in names if name in inputs}
