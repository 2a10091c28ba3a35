import json
import shutil
import subprocess
import sys

import pytest

from largebatch.data import create_pretraining_data, find_pretraining
from largebatch.data.pretraining.make.generator_options import GeneratorOptions, default_predictions
from largebatch.data.text.wordpiece import SPECIAL_TOKENS


@pytest.fixture
def files(tmp_path):
    (tmp_path / "v.txt").write_text("\n".join([*SPECIAL_TOKENS, *"abcdefg."]))
    (tmp_path / "t.txt").write_text("a b c d.\ne f g a.\n\nb c d e.\nf g a b.\n\n" * 9)
    return [
        f"--input={tmp_path}/t.txt,{tmp_path}/t*.txt",
        f"--output={tmp_path}/x",
        f"--vocab={tmp_path}/v.txt",
        "--jobs=1",
    ]


def run(arguments):
    return create_pretraining_data.program(["create_pretraining_data", *arguments])


def test_the_program_makes_the_files_and_says_what_it_made(files, tmp_path, capsys):
    flags = ["--sequence_length=16", "--whole_word_masking", "--lower_case=false", "--seed=3"]
    assert run([*files, *flags]) == 0
    manifest = json.loads((tmp_path / "x.manifest.json").read_text())
    assert (manifest["whole_word_masking"], manifest["lower_case"]) == (True, False)
    assert (manifest["seed"], manifest["max_predictions"]) == (3, 3)
    assert len(manifest["inputs"]) == 1
    lines = capsys.readouterr().err.split("\n")
    assert any("train: " in line and "masked tokens in 1 shards" in line for line in lines)


def test_local_text_needs_no_tensorflow(files, tmp_path):
    flags = [*files, f"--output={tmp_path}/y", "--sequence_length=16", "--quiet"]
    vocabulary = [f"--input={tmp_path}/t.txt", "--size=30", f"--output={tmp_path}/made.txt"]
    program = f"""
import sys
from largebatch.data import build_vocabulary, create_pretraining_data
assert create_pretraining_data.program(["create_pretraining_data", *{flags!r}]) == 0
assert build_vocabulary.program(["build_vocabulary", *{vocabulary!r}]) == 0
assert not [name for name in sys.modules if name.startswith("tensorflow")]
"""
    subprocess.run([sys.executable, "-c", program], check=True)
    assert (tmp_path / "y.manifest.json").is_file() and (tmp_path / "made.txt").is_file()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--output=x", "--vocab=v"], "name the text with one of --input, --tfds and --corpus; "),
        (["--input=t", "--corpus=python", "--output=x", "--vocab=v"], "found --input and --corpus"),
        (["--input=t", "--vocab=v"], "--output is missing"),
        (["--input=t", "--output=x"], "--vocab is missing"),
        (["--no_such_flag=1"], "unknown: --no_such_flag=1"),
        (["--seed=x"], "flag --seed=x: invalid literal for int()"),
        (
            ["--lower_case=perhaps"],
            "flag --lower_case=perhaps: ('Non-boolean argument to boolean flag', 'perhaps')",
        ),
        (["--input=nowhere*", "--output=x", "--vocab=v"], "cannot read the vocabulary v"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(flags, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(flags) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and message in error and error.count("\n") == 1


def test_the_output_s_folder_is_made(files, tmp_path):
    output = tmp_path / "shards" / "128"
    assert run([*files, f"--output={output}", "--sequence_length=16"]) == 0
    assert find_pretraining(tmp_path / "shards", 16).num_train > 0


def test_input_is_repeatable_and_a_comma_may_stand_in_a_file_s_name(files, tmp_path):
    text = (tmp_path / "t.txt").read_text()
    for name in ("a, b.txt", "c.txt", "d.txt", "e.txt"):
        (tmp_path / name).write_text(f"{text} {name[0]}.\n")
    given = ("a, b.txt", f"c.txt,{tmp_path}/d.txt", "e*")
    inputs = [f"--input={tmp_path}/{rest}" for rest in given]
    assert run([*inputs, *files[1:], "--sequence_length=16"]) == 0
    found = json.loads((tmp_path / "x.manifest.json").read_text())["inputs"]
    assert [entry["file"] for entry in found] == [
        f"{tmp_path}/{name}" for name in ("a, b.txt", "c.txt", "d.txt", "e.txt")
    ]


def test_a_pattern_without_files_is_named(files, tmp_path, capsys):
    assert run([f"--input={tmp_path}/none", *files[1:]]) == 2
    assert capsys.readouterr().err == f"error: --input={tmp_path}/none matches no file\n"


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"sequence_length": 4}, "--sequence_length=4 is not between 8 and"),
        ({"max_predictions": 126}, "--max_predictions=126 is not between 1 and 125"),
        ({"masked_fraction": 1.5}, "--masked_fraction=1.5 is not between"),
        ({"masked_fraction": 0.0}, "leaves nothing to predict"),
        ({"eval_fraction": 1.0}, "leaves nothing to train on"),
        ({"short_sequence_probability": float("nan")}, "--short_sequence_probability=nan is not"),
        ({"duplicate_factor": 0}, "--duplicate_factor=0 is not between"),
        ({"jobs": 0}, "--jobs=0 is not between"),
        ({"text": "verse"}, "--text=verse is not one of auto, sentences, free"),
    ],
)
def test_an_option_without_sense_is_refused(option, message):
    with pytest.raises(ValueError, match=message):
        GeneratorOptions(**{"output": "x", "vocab": "v", "input": ("t",), **option})


def test_predictions_are_googles_at_128_and_512_and_15_percent_otherwise():
    assert [default_predictions(n) for n in (64, 100, 128, 256, 512)] == [10, 15, 20, 39, 80]


def test_a_shard_of_another_run_of_as_many_records_and_bytes_is_refused(files, tmp_path):
    assert run([*files, "--sequence_length=16", "--seed=1"]) == 0
    shard = tmp_path / "x-00000-of-00001.tfrecord"
    assert find_pretraining(tmp_path, 16).train[0].path == str(shard)
    others = tmp_path / "others"
    others.mkdir()
    other, seed = others / shard.name, 1
    while not other.exists() or other.stat().st_size != shard.stat().st_size:
        seed += 1
        output = f"--output={others}/x{seed}"
        assert run([*files, output, "--sequence_length=16", f"--seed={seed}"]) == 0
        other = others / shard.name.replace("x", f"x{seed}", 1)
    shutil.copy(other, shard)
    shutil.rmtree(others)
    with pytest.raises(ValueError, match="1 of 1 shards begin with another record 0 than") as error:
        find_pretraining(tmp_path, 16)
    assert str(shard) in str(error.value)
