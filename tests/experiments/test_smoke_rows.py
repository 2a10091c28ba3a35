"""A row of each task, deterministic, at smoke scale: its losses are the same on both stacks.

The figures are what the classic stack printed (Python 3.11, TensorFlow 2.15.1, one CPU device);
the modern one has to reach them, too, to rounding. They change with the arithmetic of a recipe.
"""

from __future__ import annotations

import json

import pytest
from tensorflow.python.autograph.impl import api

from largebatch.data.text import corpus

EXACTLY = {"deterministic": True, "steps_per_loop": 1, "device": "cpu"}
CONTEXT = "The cat sat on the mat. The dog ran to the park."
FIGURES = {
    "images": [
        *(2.2916329, 2.3077273, 2.3348963, 2.2410154, 2.2669554, 2.2767127, 2.1900558, 2.2999988),
    ],
    "jpegs": [6.9308062, 6.9080982, 6.8909702, 6.8938017],
    "text": [
        *(6.3725185, 6.3812118, 6.2493655, 6.0859928, 6.1936469),
        *(6.0280366, 6.3624048, 6.3120384, 6.4266863, 6.3861794),
    ],
}


pytestmark = pytest.mark.usefixtures("optimized_graphs")


@pytest.fixture(autouse=True)
def nothing_is_rewritten(monkeypatch):
    """AutoGraph, which takes seconds at a run's start, has no function of the three to convert."""
    rewritten = []
    real = api.PyToTF.transform_ast

    def transform_ast(self, node, context):
        rewritten.append(f"{context.info.name} {context.info.source_code}")
        return real(self, node, context)

    monkeypatch.setattr(api.PyToTF, "transform_ast", transform_ast)
    yield
    assert not rewritten


def losses(result):
    return [record["loss"] for record in result["train_history"]]


@pytest.mark.core
@pytest.mark.slow
def test_images_in_memory(launch_row):
    code, result = launch_row("table7/lamb", scale="smoke", **EXACTLY)
    assert code == 0
    assert losses(result) == pytest.approx(FIGURES["images"], rel=1e-5)


@pytest.mark.core
@pytest.mark.slow
def test_jpegs(launch_row, imagenet_folder):
    small = {
        **{"model": "lenet5", "model_width": "0.5", "image_size": "32", "precision": "float32"},
        **{"batch_size": "8", "epochs": "1", "warmup_epochs": "0.25", "examples": "32"},
    }
    code, result = launch_row("table5/lamb-512", scale="paper", overrides=small,
                              data_dir=str(imagenet_folder), **EXACTLY)  # fmt: skip
    assert code == 0
    assert losses(result) == pytest.approx(FIGURES["jpegs"], rel=1e-5)


@pytest.fixture
def text_dir(tmp_path):
    folder = tmp_path / "text"
    folder.mkdir()
    (folder / "some.txt").write_bytes(corpus.text()[:60_000].rpartition(b"\n\n")[0])
    return str(folder)


@pytest.fixture
def squad_dir(tmp_path):
    folder = tmp_path / "squad"
    folder.mkdir()
    asked = [
        {"id": "a", "question": "Who sat on the mat?", "answers": "The cat"},
        {"id": "b", "question": "Where did the dog run?", "answers": "to the park"},
    ]
    for question in asked:
        answer = question["answers"]
        question["answers"] = [{"text": answer, "answer_start": CONTEXT.index(answer)}]
    data = [{"title": "Animals", "paragraphs": [{"context": CONTEXT, "qas": asked}]}]
    for split in ("train", "dev"):
        content = json.dumps({"version": "1.1", "data": data})
        (folder / f"{split}-v1.1.json").write_text(content)
    return str(folder)


@pytest.mark.core
@pytest.mark.slow
def test_text_in_two_stages_then_questions(
    launch_row, text_dir, squad_dir, tmp_path_factory, monkeypatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    small = {"dataset": "text_folder", "vocabulary_size": "300"}
    code, result = launch_row("table1/lamb-65536-32768", scale="smoke", overrides=small,
                              data_dir=text_dir, squad_dir=squad_dir, checkpoint_every=5,
                              **EXACTLY)  # fmt: skip
    assert code == 0
    assert losses(result) == pytest.approx(FIGURES["text"], rel=1e-5)
    assert 0 <= result["metrics"]["f1"] <= 100
