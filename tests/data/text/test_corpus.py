import pytest

from largebatch.data.text import corpus


def test_the_corpus_is_that_of_its_digest_and_has_no_sentence_twice(tmp_path):
    path = tmp_path / "corpus.txt"
    corpus.write_python_corpus(str(path))
    documents = path.read_text(encoding="utf-8").split("\n\n")
    lines = [line for document in documents for line in document.split("\n") if line]
    assert len(lines) == len(set(lines)) > 40_000
    assert documents[0].startswith("The current code generator emits no code for an assert")


def test_it_says_from_what_packages_and_under_which_licences_it_is():
    notice = corpus.PACKED.with_name("docstrings.NOTICE.txt").read_text(encoding="utf-8")
    for package in ("Python 3.11.7", "NumPy 1.26.4", "SciPy 1.17.1", "scikit-learn 1.9.1",
                    "Matplotlib 3.11.2", "Keras 2.15.0", "TensorFlow 2.15.1"):  # fmt: skip
        assert package in notice


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda file: None, "cannot read the corpus .*No such file"),
        (
            lambda file: file.write_bytes(corpus.PACKED.read_bytes()[:1000]),
            "cannot read the corpus",
        ),
        (lambda file: file.write_bytes(b""), "not the one of this version"),
    ],
)
def test_a_damaged_corpus_is_never_trained_on(damage, message, tmp_path, monkeypatch):
    file = tmp_path / "corpus.gz"
    damage(file)
    monkeypatch.setattr(corpus, "PACKED", file)
    with pytest.raises(ValueError, match=message):
        corpus.text()


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(ValueError, match="cannot write .*none/corpus.txt"):
        corpus.write_python_corpus(str(tmp_path / "none" / "corpus.txt"))
