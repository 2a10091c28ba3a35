"""BERT pre-training as a run: two stages, pieces, devices, kills, and the chain to F1."""

import json
import pydoc_data.topics
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from largebatch import tpu
from largebatch.experiments.launching import launch
from largebatch.experiments.launching.options import RunSettings
from largebatch.experiments.program.errors import UserError
from largebatch.experiments.records.reopen import open_run
from largebatch.experiments.rows.overrides import apply_overrides
from largebatch.experiments.tables import registry
from largebatch.experiments.tables.registry import scaled
from largebatch.experiments.tasks import encoders
from largebatch.experiments.tasks.span_prediction import build_span_model
from largebatch.experiments.tools import export
from largebatch.models import BERT_SIZES
from largebatch.tpu import restore_model
from largebatch.tpu.hosts import devices

SMALL = {"dataset": "text_folder", "vocabulary_size": "300", "eval_every_epochs": "1"}
ADAMW = {"optimizer": "bert_adamw"}  # nothing to compile: a third of the time
CONTEXT = "The cat sat on the mat. The dog ran to the park. A bird sang in the old tree."


@pytest.fixture(scope="module")
def text_dir(tmp_path_factory, folder_content):
    folder = tmp_path_factory.mktemp("text")
    topics = [text[:1500] for _, text in sorted(pydoc_data.topics.topics.items())]
    (folder / "topics.txt").write_text("\n\n\n\n".join(topics))
    before = folder_content(folder)
    yield str(folder)
    assert folder_content(folder) == before, "a data folder is only read"


@pytest.fixture(scope="module")
def squad_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("squad")

    def question(identity, text, answer):
        answers = [{"text": answer, "answer_start": CONTEXT.index(answer)}]
        return {"id": identity, "question": text, "answers": answers}

    asked = [
        question("a", "Who sat on the mat?", "The cat"),
        question("b", "Where did the dog run?", "to the park"),
        question("c", "Where did a bird sing?", "in the old tree"),
        question("d", "What did the cat sit on?", "the mat"),
    ]
    data = [{"title": "Animals", "paragraphs": [{"context": CONTEXT, "qas": asked}]}]
    for split in ("train", "dev"):
        content = json.dumps({"version": "1.1", "data": data})
        (folder / f"{split}-v1.1.json").write_text(content)
    return str(folder)


@pytest.fixture(scope="module")
def launched(text_dir, tmp_path_factory):
    """Launches a smoke-scale row on the small text; returns the exit code and the folder.

    The model has one layer, since most of the time goes into tracing it.
    """
    one_layer = BERT_SIZES["bert_tiny"]._replace(layers=1)

    def launch_row(name, folder, overrides=None, **settings):
        row = apply_overrides(scaled(registry.find(name), "smoke"), {**SMALL, **(overrides or {})})
        settings = {"data_dir": text_dir, "deterministic": True, **settings}
        try:
            code = launch.launch(row, RunSettings(output_dir=str(folder), **settings))
        finally:
            devices.configure_precision("float32")
        return code, folder

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(BERT_SIZES, "bert_tiny", one_layer)
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield launch_row


@pytest.fixture
def run(launched, tmp_path):
    def run(name, folder="run", overrides=None, **settings):
        return launched(name, tmp_path / folder, overrides, **settings)

    return run


ROW = "table1/lamb-65536-32768"
OPTIONS = {
    "overrides": {**ADAMW, "squad_epochs": "2", "squad_batch_size": "2"},
    "steps_per_loop": 1,
    "checkpoint_every": 2,
}
CUT = 9  # an update of the second stage, after the one whose checkpoint is written


@pytest.fixture(scope="module")
def runs(launched, tmp_path_factory):
    """The folder of a run of both stages that nothing cut off, and that folder as a kill after
    the record of update CUT leaves it."""
    root = tmp_path_factory.mktemp("runs")
    whole, cut, append = root / "whole", root / "cut", tpu.RunFolder.append_metrics

    def append_metrics(self, record):
        append(self, record)
        if (record["kind"], record["step"]) == ("train", CUT):
            shutil.copytree(whole, cut)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tpu.RunFolder, "append_metrics", append_metrics)
        code, _ = launched(ROW, whole, **OPTIONS)
    assert code == 0 and cut.exists()
    return whole, cut


@pytest.fixture(scope="module")
def whole(runs):
    return runs[0]


@pytest.fixture
def copied(whole, tmp_path):
    return shutil.copytree(whole, tmp_path / "copied")


def result_of(folder):
    return json.loads((folder / "result.json").read_text())


def losses(folder):
    records = [json.loads(line) for line in (folder / "metrics.jsonl").open()]
    return [record["loss"] for record in records if record["kind"] == "train"]


def final_weights(folder):
    reader = tf.train.load_checkpoint(str(folder / "checkpoints" / "ckpt-10"))
    names = sorted(reader.get_variable_to_shape_map())
    return {
        name: reader.get_tensor(name) for name in names if name != "_CHECKPOINTABLE_OBJECT_GRAPH"
    }


@pytest.mark.slow
def test_one_command_trains_both_stages_and_says_what_on(whole):
    result = result_of(whole)
    assert (result["status"], result["last_step"]) == ("finished", 10)
    assert [
        (s["sequence_length"], s["batch_size"], s["steps"]) for s in result["row"]["stages"]
    ] == [
        (32, 8, 6),
        (64, 4, 4),
    ]
    assert [stage["sequence_length"] for stage in result["data"]["stages"]] == [32, 64]
    metrics = result["metrics"]
    assert metrics["loss"] == pytest.approx(
        metrics["masked_lm_loss"] + metrics["next_sentence_loss"]
    )
    assert 0 <= metrics["masked_lm_accuracy"] <= 1
    # 48 of the 64 sequences are the first stage's.
    assert [r["progress"] for r in result["train_history"]][5] == pytest.approx(48 / 64)
    assert result["train_history"][6]["learning_rate"] == 0  # stage 2's first: warm-up again


@pytest.mark.faults
def test_micro_batches_and_devices_give_the_run_of_the_whole_batch(run):
    # Nothing to compile: a third of the time of LAMB's row.
    name, without_dropout = "section41/adamw-65536-32768", {"dropout": "0"}
    _, whole = run(name, "whole", without_dropout, steps_per_loop=1)
    _, pieces = run(
        name,
        "pieces",
        without_dropout,
        steps_per_loop=1,
        num_devices=2,
        micro_batch=1,
    )
    np.testing.assert_allclose(losses(pieces), losses(whole), rtol=1e-4)


@pytest.mark.slow
def test_a_run_cut_off_in_the_second_stage_ends_in_the_same_bits(launched, runs):
    """In the first and between the two: tests/tpu/loop, with a task that is traced in no time."""
    whole, cut = runs
    assert not (cut / "result.json").exists()
    code, resumed = launched(ROW, cut, **OPTIONS)
    assert code == 0
    assert losses(resumed) == losses(whole)
    expected = final_weights(whole)
    for name, value in final_weights(resumed).items():
        np.testing.assert_array_equal(value, expected[name], err_msg=name)


@pytest.mark.parametrize("kept", ["true", "false"])
def test_moments_are_kept_across_the_stages_or_reset_as_the_row_says(run, monkeypatch, kept):
    """What the loop does with it: tests/tpu/test_stages.py."""
    options = []

    def fit(*arguments):
        options.append(arguments[-1])
        raise KeyboardInterrupt

    monkeypatch.setattr(tpu, "fit", fit)
    with pytest.raises(KeyboardInterrupt):
        run(ROW, overrides={**ADAMW, "keep_moments": kept})
    assert options[0].keep_moments is (kept == "true")


@pytest.mark.slow
def test_the_chain_ends_in_f1_and_each_part_is_resumed(run, copied, squad_dir):
    assert "f1" not in result_of(copied)["metrics"]
    code, folder = run(ROW, copied, squad_dir=squad_dir, **OPTIONS)
    assert code == 0
    metrics = result_of(folder)["metrics"]
    assert 0 <= metrics["exact_match"] <= metrics["f1"] <= 100
    assert metrics["squad_questions"] == 4 and "masked_lm_accuracy" in metrics
    answers = json.loads((folder / "squad" / "predictions.json").read_text())
    assert set(answers) == set("abcd")
    assert len(result_of(folder)["train_history"]) > 0
    steps = [json.loads(line)["step"] for line in (folder / "squad" / "metrics.jsonl").open()]
    assert steps[-1] == 4  # 4 questions x 2 epochs / 2
    tensors, outputs = exported(folder, folder / "encoder", "encoder")
    assert "cls/squad/output_weights" not in tensors
    assert outputs == {"sequence_output", "pooled_output"}
    tensors, outputs = exported(folder, folder / "fine-tuned", "squad")
    assert "cls/squad/output_weights" in tensors
    assert outputs == {"start_logits", "end_logits"}
    another = {**OPTIONS["overrides"], "squad_learning_rate": "1e-3"}
    with pytest.raises(UserError, match="another fine-tuning: squad_learning_rate|another run"):
        run(ROW, copied, **{**OPTIONS, "overrides": another}, squad_dir=squad_dir)


def exported(run, output, part):
    """Exports a part of a run in both formats, as OUTPUT and OUTPUT-served; returns the names of
    the checkpoint's tensors and of the SavedModel's outputs."""
    for form, folder in (("google", output), ("saved_model", f"{output}-served")):
        arguments = (f"--run={run}", f"--part={part}", f"--format={form}")
        assert export.program(["export", *arguments, f"--output_dir={folder}"]) == 0
    tensors = {name for name, _ in tf.train.list_variables(f"{output}/bert_model.ckpt")}
    assert "bert/encoder/layer_0/attention/self/query/kernel" in tensors
    assert (Path(output) / "vocab.txt").exists()
    served = tf.saved_model.load(f"{output}-served").signatures["serving_default"]
    return tensors, set(served.structured_outputs)


@pytest.mark.slow
def test_a_released_bert_is_scored_without_pre_training(run, whole, squad_dir, tmp_path):
    released = str(tmp_path / "uncased_L-2")
    tensors, outputs = exported(whole, released, "encoder")
    assert "cls/squad/output_weights" not in tensors
    assert outputs == {"sequence_output", "pooled_output"}
    settings = {"squad_dir": squad_dir, "init_checkpoint": released}
    code, scored = run("table1/baseline", "scored", {"squad_epochs": "2"}, **settings)
    assert code == 0
    result = result_of(scored)
    assert 0 <= result["metrics"]["f1"] <= 100 and "masked_lm_loss" not in result["metrics"]
    assert result["squad"]["encoder"] == "released: uncased_L-2"
    # The fine-tuning's own steps and time: 4 questions x 2 epochs / 4.
    assert (result["steps"], result["last_step"], result["squad"]["steps"]) == (2, 2, 2)
    assert result["wall_seconds"] == result["squad"]["wall_seconds"] > 0
    assert 0 <= result["floors"]["f1"]["random spans"] <= 100
    assert 0 <= result["metrics"]["train_f1"] <= 100
    assert result["data"]["vocabulary_file"] == f"{released}/vocab.txt"
    again = str(tmp_path / "fine-tuned")
    tensors, outputs = exported(scored, again, "squad")
    assert "cls/squad/output_weights" in tensors
    assert outputs == {"start_logits", "end_logits"}
    for folder in (again, f"{again}-served"):
        config = json.loads((Path(folder) / "bert_config.json").read_text())
        assert (config["vocab_size"], config["do_lower_case"]) == (300, True)
    assert (tmp_path / "fine-tuned-served" / "assets" / "vocab.txt").exists()
    row, encoder = encoders.released(registry.find("table1/baseline"), again)
    model = build_span_model(row, encoder.shape)
    encoder.load(model)
    tuned = build_span_model(row, encoder.shape)
    restore_model(tuned, scored / "squad" / "checkpoints")
    for mine, wanted in zip(model.weights, tuned.weights):
        np.testing.assert_array_equal(mine, wanted)
    with pytest.raises(UserError, match="has pre-trained nothing; give --part=squad"):
        export.export(row, open_run(str(scored))[0], "encoder", "google", str(tmp_path / "no"))
    (tmp_path / "uncased_L-2" / "vocab.txt").unlink()
    with pytest.raises(UserError, match="no vocab.txt in"):
        run("table1/baseline", "again", **settings)


def test_a_chain_that_cannot_end_is_refused_before_it_begins(run, tmp_path):
    with pytest.raises(ValueError, match="SQuAD's file or folder .* does not exist"):
        run("table1/lamb-32768", squad_dir=str(tmp_path / "nowhere"))
    with pytest.raises(UserError, match="--init_checkpoint is for table1/baseline"):
        run("table1/lamb-32768", init_checkpoint="somewhere")
    with pytest.raises(UserError, match="--lower_case is for --init_checkpoint"):
        run("table1/lamb-32768", lower_case=True)


def test_text_that_is_not_the_rows_is_refused(run):
    with pytest.raises(UserError, match="brings its own text; leave the flag out"):
        run("table1/lamb-32768", overrides={"dataset": "python_text"})
    with pytest.raises(
        UserError, match="--data_dir is missing: the folder with shards made .*prepare_prose"
    ):
        run("table1/lamb-32768", data_dir=None)
    with pytest.raises(ValueError, match="holds no pre-training data"):
        run("table1/lamb-32768", overrides={"dataset": "wikipedia_books"})
