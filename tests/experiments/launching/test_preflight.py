"""What is found before anything is made, and before TensorFlow is loaded."""

import subprocess
import sys

import pytest

from largebatch.experiments import run, sweep
from largebatch.experiments.launching import preflight
from largebatch.experiments.tables import registry
from largebatch.experiments.tasks import workload

LAPTOP = ("--experiment=table7/lamb", "--scale=laptop")
BERT = ("--experiment=table1/lamb-32768",)


@pytest.fixture(autouse=True)
def no_devices(monkeypatch):
    monkeypatch.setattr(preflight, "_there", lambda patterns: False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--experiment=table7/lamb", "--data_dir={tmp}"), "lacks mnist"),
        (("--experiment=table7/lamb", "--data_dir={tmp}/none"), "none does not exist"),
        (("--experiment=table5/lamb-512", "--data_dir={tmp}"), "holds no imagenet2012"),
        ((*LAPTOP, "--data_dir={tmp}"), "at laptop scale trains on scikit-learn's digits"),
        ((*LAPTOP, "--device=tpu"), "this machine has no TPU"),
        ((*LAPTOP, "--device=gpu"), "this machine has no GPU"),
        ((*LAPTOP, "--seed=4294967296"), "less than 2^32"),
        ((*LAPTOP, "--eval_only", "--max_steps=3"), "--eval_only trains nothing"),
        ((*LAPTOP, "--keep_checkpoints=0"), "--keep_checkpoints=0: want 1 or more"),
        ((*LAPTOP, "--tags=a b"), "want words"),
        ((*BERT,), "--data_dir is missing"),
        ((*BERT, "--data_dir={tmp}/none"), "none does not exist"),
        ((*BERT, "--data_dir={tmp}", "--squad_dir={tmp}/none"), "{tmp}/none does not exist"),
    ],
)
def test_a_mistake_is_one_line_and_no_folder_is_made(tmp_path, capsys, arguments, message):
    arguments = [argument.format(tmp=tmp_path) for argument in arguments]
    code = run.run(["run", *arguments, f"--output_dir={tmp_path}/run"])
    error = capsys.readouterr().err
    assert code == 2 and message.format(tmp=tmp_path) in error
    assert error.startswith("error: ") and error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_mistake_is_found_without_tensorflow(tmp_path):
    script = (
        "import sys; from largebatch.experiments import run\n"
        f"code = run.run(['run', '--experiment=table7/lamb', '--data_dir={tmp_path}'])\n"
        "assert 'tensorflow' not in sys.modules; sys.exit(code)"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert ended.returncode == 2 and "lacks mnist" in ended.stderr


def test_a_sweep_finds_it_before_the_first_run(tmp_path, capsys):
    arguments = ("--table=7", "--scale=laptop", f"--data_dir={tmp_path}")
    assert sweep.sweep(["sweep", *arguments, f"--output_dir={tmp_path}/runs"]) == 2
    assert "scikit-learn's digits" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_row_of_imagenet_is_scored_on_all_of_its_validation_images():
    row = registry.find("table5/lamb-512")
    whole = type("Files", (), {"folder": "F", "num_train": 1_281_167, "num_test": 50_000})
    part = type("Files", (), {"folder": "F", "num_train": 1_281_167, "num_test": 177})
    workload._check_imagenet(row, whole)
    with pytest.raises(ValueError, match="177 validation images, ImageNet has 50,000"):
        workload._check_imagenet(row, part)
