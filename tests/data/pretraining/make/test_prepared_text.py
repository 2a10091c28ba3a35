import pathlib

import pytest

from largebatch.data import find_pretraining, prepare_pretraining
from largebatch.data.pretraining.make import prepared_text
from largebatch.data.pretraining.read.files import check_same_vocabulary
from largebatch.data.text import corpus

SENTENCE = "The {} runs over the {} in the old {}. It was seen by a {}! Was it? "
NOUNS = "cat dog house tree river mountain letter king queen village road field".split()


@pytest.fixture
def texts(tmp_path):
    folder = tmp_path / "texts"
    (folder / "below").mkdir(parents=True)
    for number, path in enumerate(("a.txt", "below/b.txt", "notes.md")):
        paragraphs = [
            SENTENCE.format(*(NOUNS[(number + place * step) % 12] for step in range(4)))
            for place in range(150)
        ]
        (folder / path).write_text("\n\n".join(paragraphs))
    return folder


def prepare(texts, tmp_path, **options):
    return prepare_pretraining(str(texts), (16, 32), 150, str(tmp_path / "cache"), **options)


def test_both_lengths_have_one_vocabulary_and_held_out_documents(texts, tmp_path):
    folder = prepare(texts, tmp_path, eval_fraction=0.2, blank_lines=1)
    short, long = (find_pretraining(folder, length) for length in (16, 32))
    check_same_vocabulary(short, long)
    assert short.vocabulary_size == 150
    for files, predictions in ((short, 3), (long, 5)):
        assert files.num_train > files.num_eval > 0
        assert files.max_predictions == predictions
        assert len(files.manifest["inputs"]) == 2  # no other files than .txt


def test_what_is_there_is_not_made_again(texts, tmp_path, monkeypatch):
    folder = prepare(texts, tmp_path)
    monkeypatch.setattr(prepared_text, "_make", lambda *_: pytest.fail("made again"))
    assert prepare(texts, tmp_path) == folder
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [folder.rsplit("/", 1)[1]]


DAMAGE = {
    "a shard is cut": lambda folder: next(folder.glob("length16-00*")).write_bytes(b"cut"),
    "a shard is gone": lambda folder: next(folder.glob("length32-eval-*")).unlink(),
    "a manifest is gone": lambda folder: (folder / "length16.manifest.json").unlink(),
    "a manifest is no JSON": lambda folder: (folder / "length16.manifest.json").write_text("{"),
    "a manifest is another": lambda folder: (folder / "length16.manifest.json").write_text(
        '{"complete": true, "splits": []}'
    ),
    "the vocabulary is gone": lambda folder: (folder / "length16.vocab.txt").unlink(),
    "all is gone": lambda folder: [path.unlink() for path in folder.iterdir()],
}


def test_what_is_damaged_is_made_again(texts, tmp_path, caplog):
    folder = pathlib.Path(prepare(texts, tmp_path))
    wanted = {path.name: path.read_bytes() for path in folder.glob("*.tfrecord")}
    for name, damage in DAMAGE.items():
        damage(folder)
        caplog.clear()
        assert prepare(texts, tmp_path) == str(folder), name
        assert f"{folder} is damaged; it is made again" in caplog.text, name
        assert {p.name: p.read_bytes() for p in folder.glob("*.tfrecord")} == wanted, name
        assert [path.name for path in (tmp_path / "cache").iterdir()] == [folder.name], name


def test_other_options_and_another_text_give_another_folder(texts, tmp_path, monkeypatch):
    monkeypatch.setattr(prepared_text, "_make", lambda *_: None)
    folders = {prepare(texts, tmp_path), prepare(texts, tmp_path, seed=1)}
    (texts / "a.txt").write_text("Another text.")
    folders.add(prepare(texts, tmp_path))
    assert len(folders) == 3


def test_a_preparation_that_fails_leaves_nothing(texts, tmp_path):
    (texts / "z.txt").write_bytes(b"\xff")
    with pytest.raises(ValueError, match=r"z\.txt:1: not UTF-8"):
        prepare(texts, tmp_path)
    assert not [path for path in (tmp_path / "cache").iterdir() if path.suffix != ".lock"]


def test_a_folder_without_text_is_refused(tmp_path):
    with pytest.raises(ValueError, match="holds no .txt files to pre-train on"):
        prepare(tmp_path / "nowhere", tmp_path)


def test_the_python_corpus_needs_no_folder(tmp_path, monkeypatch):
    beginning = corpus.text()[:200_000]
    monkeypatch.setattr(corpus, "text", lambda: beginning)
    folder = prepare_pretraining("python", (32,), 1000, str(tmp_path), duplicate_factor=1)
    assert find_pretraining(folder, 32).num_train > 1000
