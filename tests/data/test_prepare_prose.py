"""`data.prepare_prose`: a folder of text becomes shards, the same each time."""

import pathlib

import pytest

from largebatch.data import find_pretraining, holds_shards, prepare_prose
from largebatch.data.text.text_documents import is_held_out

WORDS = "the sea was dark and a ship came out of it with no light but one man saw her".split()


def chapter(number: int) -> str:
    sentences = [
        " ".join(WORDS[(i * number + j) % len(WORDS)] for j in range(9)) for i in range(1, 30)
    ]
    return f"CHAPTER {number}\n\n" + ". ".join(f"{s} z{number}q" for s in sentences) + "."


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prose")
    (folder / "text").mkdir()
    (folder / "text" / "novel.txt").write_text("\n\n\n".join(map(chapter, range(1, 25))))
    for name in ("one", "two"):
        assert call(folder, folder / name) == 0
    return folder


def call(folder: pathlib.Path, output: pathlib.Path) -> int:
    return prepare_prose.program(
        ["prepare_prose", f"--input={folder}/text", f"--output={output}", "--lengths=16,32"]
        + ["--vocabulary_size=120", "--eval_fraction=0.3", "--jobs=1", "--duplicate_factor=1"]
    )


def test_a_run_finds_both_lengths_with_one_vocabulary_and_held_out_documents(made):
    assert holds_shards(str(made / "one")) and not holds_shards(str(made / "text"))
    short, long = (find_pretraining(str(made / "one"), length) for length in (16, 32))
    assert short.vocabulary_sha256 == long.vocabulary_sha256 and short.vocabulary_size == 120
    assert min(short.num_train, short.num_eval, long.num_train, long.num_eval) > 0


def test_the_same_text_gives_the_same_bytes(made):
    one, two = (
        {p.relative_to(made / n): p.read_bytes() for p in (made / n).rglob("*.tfrecord")}
        for n in ("one", "two")
    )
    assert one == two and len(one) >= 4


def test_the_vocabulary_is_made_of_what_is_not_held_out(made, monkeypatch):
    seen = []
    from largebatch.data.text import vocabulary

    def build(files, size, path, lower_case=True):
        seen.append(pathlib.Path(files[0]).read_text())
        raise ValueError("seen")

    monkeypatch.setattr(vocabulary, "build", build)
    assert call(made, made / "three") == 2
    for number in range(1, 25):
        held_out = is_held_out(chapter(number), 0.3)
        assert (f"z{number}q" in seen[0]) == (not held_out)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--output=x"], "--input is missing"),
        (["--input=x", "--output=y", "--lengths=64,big"], "'big' is no length"),
        (["--input=nowhere", "--output=y"], "holds no .txt files"),
    ],
)
def test_mistakes_are_one_line(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert prepare_prose.program(["prepare_prose", *arguments]) == 2
    assert message in capsys.readouterr().err
