import numpy as np
import pytest
import tensorflow as tf

from largebatch.data.files.record_checksum import HEADER
from largebatch.data.pretraining.make.example_records import ExampleEncoder


def batch(rows, length, predictions, vocabulary, seed):
    random = np.random.Generator(np.random.PCG64(seed))
    columns = np.arange(length)
    lengths = random.integers(1, length + 1, (rows, 1))
    # Small and large numbers in one row, so that varints of each size meet.
    high = random.integers(1, vocabulary + 1, (rows, 1))
    return {
        "input_ids": (random.integers(0, high, (rows, length)) * (columns < lengths)).astype(
            np.int32
        ),
        "input_mask": columns < lengths,
        "segment_ids": (columns > lengths // 2) & (columns < lengths),
        "masked_lm_positions": random.integers(0, length, (rows, predictions)).astype(np.int32),
        "masked_lm_ids": random.integers(0, high, (rows, predictions)).astype(np.int32),
        "masked_lm_weights": random.integers(0, 2, (rows, predictions)).astype(np.float32),
        "next_sentence_labels": random.integers(0, 2, (rows, 1)),
    }


def example(features, row):
    def feature(name):
        values = features[name][row].astype(float if name == "masked_lm_weights" else int)
        if name == "masked_lm_weights":
            return tf.train.Feature(float_list=tf.train.FloatList(value=values))
        return tf.train.Feature(int64_list=tf.train.Int64List(value=values))

    return tf.train.Example(
        features=tf.train.Features(feature={name: feature(name) for name in features})
    )


@pytest.mark.parametrize(
    ("length", "predictions", "vocabulary"),
    [(8, 1, 2), (16, 3, 128), (64, 10, 8192), (128, 20, 30522), (512, 80, 119547), (9000, 5, 300)],
)
def test_the_bytes_are_those_of_tf_train_example(length, predictions, vocabulary):
    encoder = ExampleEncoder(length, predictions, vocabulary)
    for seed, rows in enumerate((7, 30, 11)):  # one encoder, batches of several sizes
        features = batch(rows, length, predictions, vocabulary, seed)
        made, lengths = encoder.encode(features)
        assert len(made) == len(lengths) == rows
        for row in range(rows):
            end = HEADER + lengths[row]
            assert not made[row, end:].any()
            found = made[row, HEADER:end].tobytes()
            wanted = example(features, row)
            assert tf.train.Example.FromString(found) == wanted
            assert found == wanted.SerializeToString(deterministic=True)
