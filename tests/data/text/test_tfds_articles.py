import dataclasses

import pytest
import tensorflow_datasets as tfds

from largebatch.data.pretraining.make import shards
from largebatch.data.pretraining.make.generator_options import GeneratorOptions
from largebatch.data.text.wordpiece import SPECIAL_TOKENS

ARTICLES = [f"Title {n}. It is about a b c.\n\nA second part, too. With d." for n in range(40)]


class TinyArticles(tfds.core.GeneratorBasedBuilder):
    """A set with the features of wikipedia."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        features = {"title": tfds.features.Text(), "text": tfds.features.Text()}
        return self.dataset_info_from_configs(features=tfds.features.FeaturesDict(features))

    def _split_generators(self, _):
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        for number, text in enumerate(ARTICLES):
            yield number, {"title": str(number), "text": text}


@pytest.fixture(scope="module")
def options(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tfds")
    TinyArticles(data_dir=str(folder)).download_and_prepare()
    (folder / "v.txt").write_text("\n".join([*SPECIAL_TOKENS, *"abcdefghijklmnopqrstuvwxyz0.,"]))
    return GeneratorOptions(
        output="",
        vocab=str(folder / "v.txt"),
        tfds="tiny_articles",
        data_dir=str(folder),
        sequence_length=32,
        duplicate_factor=1,
        shards=3,
        jobs=1,
    )


def test_every_article_is_a_document_of_one_shard(options, tmp_path):
    from largebatch.data.text import tfds_articles

    inputs, parts = tfds_articles.plan(options)
    assert inputs[0]["file"] == "tfds:tiny_articles/1.0.0"
    found = [text for (part,) in parts for text, _ in part.documents()]
    assert sorted(found) == sorted(ARTICLES)
    sentences = [sentences for (part,) in parts for _, sentences in part.documents()]
    assert {len(document) for document in sentences} == {4}


def test_a_set_gives_shards_and_the_same_ones_again(options, tmp_path):
    manifests = [
        shards.create(dataclasses.replace(options, output=str(tmp_path / name))) for name in "xy"
    ]
    one, two = ([s["sha256"] for s in m["splits"]["train"]["shards"]] for m in manifests)
    assert one == two and len(one) == 3


def test_a_set_that_is_not_prepared_is_named(options, tmp_path):
    with pytest.raises(ValueError, match="--tfds=no_such_set is not prepared in"):
        shards.create(dataclasses.replace(options, tfds="no_such_set", output=str(tmp_path / "x")))
