"""The whole generator: same bytes, resumption, readers, mistakes."""

import dataclasses
import hashlib
import json
import os

import pytest
import tensorflow as tf
from official.nlp.data import pretrain_dataloader
from official.nlp.tools.tokenization import FullTokenizer

from largebatch.data import find_pretraining
from largebatch.data.pretraining.make import shards
from largebatch.data.text import text_documents


def digests(folder):
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.suffix == ".tfrecord"
    }


def pieces_of(options):
    with open(options.vocab, encoding="utf-8") as file:
        return file.read().split()


def records(folder, split=""):
    files = sorted(map(str, folder.glob(f"x-{split}0*.tfrecord")))
    return [
        tf.train.Example.FromString(record.numpy()) for record in tf.data.TFRecordDataset(files)
    ]


def values(example, name):
    feature = example.features.feature[name]
    return list(feature.int64_list.value or feature.float_list.value)


def test_the_manifest_says_what_is_in_the_files(generated):
    options, manifest, folder = generated
    assert json.loads((folder / "x.manifest.json").read_text()) == manifest
    assert manifest["complete"] is True and manifest["format"] == 1
    assert manifest["max_predictions"] == options.max_predictions == 5
    assert manifest["vocabulary"] == {
        "file": "x.vocab.txt",
        "sha256": hashlib.sha256((folder / "x.vocab.txt").read_bytes()).hexdigest(),
        "size": len(pieces_of(options)),
    }
    assert [os.path.basename(entry["file"]) for entry in manifest["inputs"]] == ["0.txt", "1.txt"]
    for split, middle in (("train", ""), ("eval", "eval-")):
        content = manifest["splits"][split]
        names = [f"x-{middle}{number:05d}-of-00004.tfrecord" for number in range(4)]
        assert [shard["file"] for shard in content["shards"]] == names
        for shard in content["shards"]:
            data = (folder / shard["file"]).read_bytes()
            assert shard["bytes"] == len(data)
            assert shard["sha256"] == hashlib.sha256(data).hexdigest()
        found = records(folder, middle)
        assert content["examples"] == len(found) == sum(s["examples"] for s in content["shards"])
        weights = sum(sum(values(example, "masked_lm_weights")) for example in found)
        assert content["masked_tokens"] == weights
    left = {path.name for path in folder.iterdir()} - set(digests(folder))
    assert left == {"x.manifest.json", "x.vocab.txt"}


def test_the_reader_of_this_suite_finds_the_shards(generated):
    _, manifest, folder = generated
    files = find_pretraining(str(folder), 32)
    assert files.num_train == manifest["splits"]["train"]["examples"]
    assert files.num_eval == manifest["splits"]["eval"]["examples"]


def test_an_example_restored_is_text_of_the_input(generated):
    """[CLS] A [SEP] B [SEP], with the masked tokens put back, is tokens of the documents."""
    options, _, folder = generated
    oracle = FullTokenizer(options.vocab)
    lines = [
        oracle.convert_tokens_to_ids(oracle.tokenize(line))
        for number in range(2)
        for line in open(options.input[0].replace("?", str(number)), encoding="utf-8")
    ]
    text = " ".join(str(token) for line in lines for token in line)
    cls, sep = map(pieces_of(options).index, ("[CLS]", "[SEP]"))
    for example in records(folder)[::7]:
        ids = values(example, "input_ids")
        count = int(sum(values(example, "masked_lm_weights")))
        length = sum(values(example, "input_mask"))
        assert 1 <= count <= 5 and count == min(5, max(1, round(0.15 * length)))
        places, labels = values(example, "masked_lm_positions"), values(example, "masked_lm_ids")
        for place, label in list(zip(places, labels))[:count]:
            ids[place] = label
        assert ids[0] == cls and ids[length - 1] == sep and not any(ids[length:])
        middle = ids.index(sep)
        for segment in (ids[1:middle], ids[middle + 1 : length - 1]):
            assert segment and " ".join(map(str, segment)) in text
        segments = [0] * (middle + 1) + [1] * (length - middle - 1) + [0] * (32 - length)
        assert values(example, "segment_ids") == segments


def test_tf_models_officials_loader_reads_the_shards(generated):
    _, manifest, folder = generated
    loader = pretrain_dataloader.BertPretrainDataLoader(
        pretrain_dataloader.BertPretrainDataConfig(
            input_path=str(folder / "x-0*.tfrecord"),
            global_batch_size=8,
            is_training=False,
            seq_length=32,
            max_predictions_per_seq=5,
            drop_remainder=False,
        )
    )
    batches = list(loader.load())
    assert (
        sum(len(batch["input_word_ids"]) for batch in batches)
        == (manifest["splits"]["train"]["examples"])
    )
    assert batches[0]["input_word_ids"].shape == (8, 32)
    assert batches[0]["next_sentence_labels"].shape == (8, 1)
    assert batches[0]["masked_lm_weights"].dtype == tf.float32


def test_the_bytes_do_not_depend_on_the_number_of_processes(generated, tmp_path_factory):
    options, _, folder = generated
    other = tmp_path_factory.mktemp("processes")
    shards.create(dataclasses.replace(options, output=str(other / "x"), jobs=2))
    assert digests(other) == digests(folder)


def test_another_seed_gives_other_bytes_and_the_same_seed_the_same(generated, tmp_path_factory):
    options, _, folder = generated
    for seed, same in ((options.seed, True), (1, False)):
        other = tmp_path_factory.mktemp("seed")
        shards.create(dataclasses.replace(options, output=str(other / "x"), seed=seed))
        assert (digests(other) == digests(folder)) is same


def test_held_out_documents_are_not_in_the_training_examples(generator_options, tmp_path):
    """Each document has a word of its own, so that its examples show which it is."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    names = [f"{a}{b}{c}" for a in letters[:10] for b in letters[:10] for c in letters[:2]]
    text = tmp_path / "text.txt"
    text.write_text("\n\n".join(f"{name} the cat.\n{name} on the mat." for name in names))
    vocabulary = tmp_path / "v.txt"
    pieces = pieces_of(generator_options)
    vocabulary.write_text("\n".join([*pieces, *names]))
    shards.create(
        dataclasses.replace(
            generator_options,
            output=str(tmp_path / "x"),
            input=(str(text),),
            vocab=str(vocabulary),
            eval_fraction=0.3,
            masked_fraction=0.01,
        )
    )

    def seen(split):
        ids = {i for example in records(tmp_path, split) for i in values(example, "masked_lm_ids")}
        ids |= {i for example in records(tmp_path, split) for i in values(example, "input_ids")}
        return {i for i in ids if i >= len(pieces)}

    held_out = len(seen("eval-"))
    assert 0.15 * len(names) < held_out < 0.45 * len(names)
    # A random replacement may show any piece of the vocabulary: 1 masked token in 10.
    assert len(seen("eval-") & seen("")) < 0.5 * held_out
    documents = [f"{name} the cat.\n{name} on the mat." for name in names]
    chosen = [text_documents.is_held_out(document, 0.3) for document in documents]
    assert sum(chosen) == pytest.approx(held_out, abs=8)
    assert chosen == [text_documents.is_held_out(f" {d}\n", 0.3) for d in documents]


def test_whole_word_masking_masks_all_pieces_of_a_word(generator_options, tmp_path):
    mine = dataclasses.replace(
        generator_options, output=str(tmp_path / "x"), whole_word_masking=True, eval_fraction=0.0
    )
    shards.create(mine)
    continues = [piece.startswith("##") for piece in pieces_of(generator_options)]
    for example in records(tmp_path)[::5]:
        count = int(sum(values(example, "masked_lm_weights")))
        places = values(example, "masked_lm_positions")[:count]
        ids = values(example, "input_ids")
        for place, label in zip(places, values(example, "masked_lm_ids")):
            ids[place] = label
        for place in range(2, sum(values(example, "input_mask")) - 1):
            if continues[ids[place]] and ids[place - 1] > 4:  # not after [CLS] or [SEP]
                assert (place in places) == (place - 1 in places)
    assert not list(tmp_path.glob("x-eval*"))


def test_text_without_a_single_token_is_refused(generator_options, tmp_path):
    (tmp_path / "t.txt").write_text("\u200b\n")
    with pytest.raises(ValueError, match="gives no example"):
        shards.create(
            dataclasses.replace(
                generator_options, input=(str(tmp_path / "t.txt"),), output=str(tmp_path / "x")
            )
        )


def test_a_folder_that_cannot_be_made_or_written_is_named(generator_options, tmp_path):
    (tmp_path / "file").write_text("")
    for folder in (str(tmp_path / "file"), "/proc/none/such"):
        with pytest.raises(ValueError, match=f"cannot make the folder {folder}: "):
            shards.create(dataclasses.replace(generator_options, output=f"{folder}/x"))


def test_a_damaged_manifest_is_named(generator_options, tmp_path):
    mine = dataclasses.replace(generator_options, output=str(tmp_path / "x"))
    for content in ("{", "[" * 100_000, "{}", '{"vocabulary": {}, "splits": {}, "inputs": [3]}'):
        (tmp_path / "x.manifest.json").write_text(content)
        with pytest.raises(ValueError, match=r"x\.manifest\.json is damaged .* remove it"):
            shards.create(mine)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_shard_s_mistake_comes_through_without_half_files(generator_options, tmp_path, jobs):
    (tmp_path / "t.txt").write_bytes(b"the cat.\n\n" * 50 + b"\xff\n")
    mine = dataclasses.replace(
        generator_options,
        input=(str(tmp_path / "t.txt"),),
        output=str(tmp_path / "x"),
        jobs=jobs,
        shards=2,
    )
    with pytest.raises(ValueError, match=r"t\.txt:101: not UTF-8: byte 0xff at offset 500"):
        shards.create(mine)
    assert not list(tmp_path.glob("*.partial"))
