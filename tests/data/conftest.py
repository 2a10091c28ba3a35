"""Small image sets, and the folder of real ones where there is one."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from largebatch.data import ImageSet
from largebatch.data.images.channels import channel_statistics
from largebatch.data.pretraining.make import shards as pretraining_shards
from largebatch.data.pretraining.make.generator_options import GeneratorOptions


def make_image_set(train=50, test=23, shape=(32, 32, 3), seed=0) -> ImageSet:
    """Random images; an example's label is its index, so that a stream tells what it delivers."""
    random = np.random.RandomState(seed)
    images = random.randint(0, 256, (train, *shape)).astype(np.uint8)
    mean, std = channel_statistics(images)
    return ImageSet(
        name="random",
        train_images=images,
        train_labels=np.arange(train, dtype=np.int32),
        test_images=random.randint(0, 256, (test, *shape)).astype(np.uint8),
        test_labels=np.arange(test, dtype=np.int32),
        num_classes=train,
        mean=mean,
        std=std,
    )


@pytest.fixture(scope="session")
def image_set():
    return make_image_set()


@pytest.fixture(scope="session")
def new_image_set():
    return make_image_set


@pytest.fixture(scope="session")
def real_datasets():
    """A folder with mnist/ (the official files) and tfds/cifar10/3.0.2 in it."""
    named = os.environ.get("LARGEBATCH_DATASETS")
    folder = Path(named) if named else Path(__file__).parents[2].parent / "shared" / "datasets"
    if not folder.is_dir():
        pytest.skip("no real data sets: name their folder in LARGEBATCH_DATASETS")
    return folder


def write_pretraining_shards(
    folder,
    train=(13, 8, 11),
    evaluation=(7, 4),
    length=16,
    predictions=3,
    vocabulary_size=1000,
    prefix="x",
    words=None,
):
    """Shards to the manifest's format. An example's token 0 is its number over all the split's
    shards; the number of its masked tokens is that modulo (predictions + 1), so some have none."""
    folder.mkdir(parents=True, exist_ok=True)
    words = [f"word{number}" for number in range(vocabulary_size)] if words is None else words
    vocabulary = "".join(f"{word}\n" for word in words).encode()
    (folder / f"{prefix}.vocab.txt").write_bytes(vocabulary)
    splits = {}
    for split, counts in (("train", train), ("eval", evaluation)):
        number, shards = 0, []
        for shard, count in enumerate(counts):
            name = f"{prefix}-{'' if split == 'train' else 'eval-'}{shard:05d}.tfrecord"
            masked = 0
            with tf.io.TFRecordWriter(str(folder / name)) as writer:
                for _ in range(count):
                    example = pretraining_example(number, length, predictions)
                    masked += int(sum(example["masked_lm_weights"]))
                    writer.write(serialised(example))
                    number += 1
            content = (folder / name).read_bytes()
            shards.append(
                {
                    "file": name,
                    "examples": count,
                    "bytes": len(content),
                    "masked_tokens": masked,
                    "sha256": hashlib.sha256(content).hexdigest(),
                }
            )
        total = {key: sum(shard[key] for shard in shards) for key in ("examples", "masked_tokens")}
        splits[split] = {**total, "shards": shards}
    manifest = {
        "format": 1,
        "complete": True,
        "sequence_length": length,
        "max_predictions": predictions,
        "vocabulary": {
            "file": f"{prefix}.vocab.txt",
            "sha256": hashlib.sha256(vocabulary).hexdigest(),
            "size": len(words),
        },
        "lower_case": True,
        "splits": splits,
    }
    (folder / f"{prefix}.manifest.json").write_text(json.dumps(manifest))
    return folder


def pretraining_example(number, length, predictions):
    tokens = min(5 + number % (length - 4), length)
    masked = number % (predictions + 1)
    return {
        "input_ids": [number, *range(1, tokens)] + [0] * (length - tokens),
        "input_mask": [1] * tokens + [0] * (length - tokens),
        "segment_ids": [0] * 2 + [1] * (tokens - 2) + [0] * (length - tokens),
        "masked_lm_positions": [*range(1, masked + 1)] + [0] * (predictions - masked),
        "masked_lm_ids": [number + 1] * masked + [0] * (predictions - masked),
        "masked_lm_weights": [1.0] * masked + [0.0] * (predictions - masked),
        "next_sentence_labels": [number % 2],
    }


def serialised(example):
    feature = {
        name: tf.train.Feature(float_list=tf.train.FloatList(value=values))
        if name == "masked_lm_weights"
        else tf.train.Feature(int64_list=tf.train.Int64List(value=values))
        for name, values in example.items()
    }
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()


@pytest.fixture(scope="session")
def write_shards():
    return write_pretraining_shards


@pytest.fixture(scope="session")
def new_example():
    return pretraining_example


@pytest.fixture(scope="session")
def serialise():
    return serialised


@pytest.fixture(scope="session")
def shards(tmp_path_factory):
    """A folder of 32 training examples in three shards and 11 held out in two, of length 16."""
    return write_pretraining_shards(tmp_path_factory.mktemp("shards"))


NORMANS = (
    "The Normans gave their name to Normandy, a region in France. They were descended from Norse "
    '("Norman" comes from "Norseman") raiders and pirates from Denmark, Iceland and Norway.'
)
RIVERS = "The Rhine flows past Basel. " * 60 + "It ends in the North Sea near Rotterdam."


def answered(context, identity, question, *texts):
    answers = [{"text": text, "answer_start": context.index(text)} for text in texts]
    return {"id": identity, "question": question, "answers": answers}


def squad_content(split):
    """Three questions; the third's answer stands 400 tokens into its context."""
    qas = [
        answered(NORMANS, "q1", "Who gave their name to Normandy?", "Normans"),
        answered(NORMANS, "q2", "What is Normandy?", "Normandy, a region in France"),
    ]
    rivers = [answered(RIVERS, "q3", "Where does the Rhine end?", "North Sea")]
    if split == "dev":
        qas[0]["answers"] += answered(NORMANS, "", "", "The Normans")["answers"]
    paragraphs = [{"context": NORMANS, "qas": qas}, {"context": RIVERS, "qas": rivers}]
    return {"version": "1.1", "data": [{"title": "Places", "paragraphs": paragraphs}]}


@pytest.fixture(scope="session")
def squad_json():
    """A function from a split to a new copy of its JSON."""
    return squad_content


@pytest.fixture(scope="session")
def squad_folder(tmp_path_factory):
    """train-v1.1.json, dev-v1.1.json, and a vocabulary of all their words but "Rotterdam"."""
    folder = tmp_path_factory.mktemp("squad")
    for split in ("train", "dev"):
        (folder / f"{split}-v1.1.json").write_text(json.dumps(squad_content(split)))
    text = " ".join([NORMANS, RIVERS, "Who is What Where does end ?"]).lower()
    words = sorted(
        {word for word in re.findall(r"[a-z]+|[^a-z ]", text)} - {"rotterdam", "normans"}
    )
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "norman", "##s", *words]
    (folder / "vocab.txt").write_text("".join(f"{token}\n" for token in dict.fromkeys(tokens)))
    return folder


GENERATOR_VOCABULARY = [
    *"[PAD] [UNK] [CLS] [SEP] [MASK] the cat sat mat dog ##s on".split(),
    *"abcdefghijklmnopqrstuvwxyz.",
    *(f"##{character}" for character in "abcdefghij"),
]


def write_sentences(path, seed):
    """120 documents of one to eight sentences, one a line."""
    words = "the cat cats sat on mat dog dogs a bad cab".split()
    random, text = np.random.RandomState(seed), []
    for _ in range(120):
        for _ in range(random.randint(1, 9)):
            text.append(" ".join(random.choice(words, random.randint(3, 12))) + ".")
        text.append("")
    path.write_text("\n".join(text))


@pytest.fixture(scope="session")
def generator_options(tmp_path_factory):
    """Options of a small pre-training set; `output` is to be replaced."""
    folder = tmp_path_factory.mktemp("text")
    for number in range(2):
        write_sentences(folder / f"{number}.txt", number)
    (folder / "vocab.txt").write_text("\n".join(GENERATOR_VOCABULARY) + "\n")
    return GeneratorOptions(
        output="",
        vocab=str(folder / "vocab.txt"),
        input=(str(folder / "?.txt"),),
        sequence_length=32,
        duplicate_factor=3,
        eval_fraction=0.15,
        shards=4,
        jobs=1,
    )


@pytest.fixture(scope="session")
def generated_once(generator_options, tmp_path_factory):
    folder = tmp_path_factory.mktemp("generated")
    options = dataclasses.replace(generator_options, output=str(folder / "x"))
    return pretraining_shards.create(options), folder


@pytest.fixture
def generated(generated_once, generator_options, tmp_path):
    """(options, manifest, folder) of that set, made; the folder is the test's own."""
    manifest, folder = generated_once
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    return dataclasses.replace(generator_options, output=str(tmp_path / "x")), manifest, tmp_path
