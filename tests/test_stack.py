"""What is settled before TensorFlow is imported: Keras 2, and a libtpu that loads."""

import os
import subprocess
import sys
import types

import pytest
import tensorflow as tf

from largebatch import stack

LEGACY = stack.LEGACY_KERAS


@pytest.fixture
def machine(monkeypatch):
    """A machine with these versions installed, and TensorFlow not yet imported."""

    def with_versions(spec=("tensorflow", "tf_keras"), **versions):
        monkeypatch.setattr(
            stack, "_version", lambda name: versions.get(name.replace("-", "_").lower())
        )
        monkeypatch.setattr(
            stack.importlib.util, "find_spec", lambda name: object() if name in spec else None
        )

    monkeypatch.delitem(sys.modules, "tensorflow")
    for variable in (LEGACY, "TPU_LOAD_LIBRARY", "TPU_LIBRARY_PATH"):
        # Set first: what the test leaves there is then undone, too.
        monkeypatch.setenv(variable, "")
        monkeypatch.delenv(variable)
    return with_versions


def test_this_process_has_keras_2():
    assert getattr(tf.keras, "__version__", "2").startswith("2")
    assert hasattr(tf.keras.optimizers, "legacy")


def test_a_tensorflow_with_keras_2_of_its_own_is_left_alone(machine):
    machine(keras="2.15.0")
    stack.prepare()
    assert LEGACY not in os.environ


def test_a_tensorflow_with_keras_3_is_asked_for_keras_2(machine):
    machine(keras="3.15.1")
    stack.prepare()
    assert os.environ[LEGACY] == "1"
    stack.prepare()  # as a process started from this one does


def test_keras_3_without_tensorflow_is_none_of_the_suites_business(machine):
    machine(spec=(), keras="3.15.1")
    stack.prepare()
    assert LEGACY not in os.environ


def test_keras_3_without_tf_keras_is_an_error_that_says_what_to_install(machine):
    machine(spec=("tensorflow",), keras="3.15.1")
    with pytest.raises(ImportError, match="there is no tf-keras: pip install tf-keras"):
        stack.prepare()


def test_a_user_who_asked_for_keras_3_is_told_that_it_does_not_do(machine, monkeypatch):
    machine(keras="3.15.1")
    monkeypatch.setenv(LEGACY, "0")
    with pytest.raises(ImportError, match="TF_USE_LEGACY_KERAS=0 asks for Keras 3.15.1"):
        stack.prepare()


@pytest.mark.parametrize("asked_for_later", [False, True])
def test_a_tensorflow_that_was_imported_with_keras_3_is_an_error(
    machine, monkeypatch, asked_for_later
):
    machine(keras="3.15.1")
    keras = types.SimpleNamespace(__version__="3.15.1")
    monkeypatch.setitem(sys.modules, "tensorflow", types.SimpleNamespace(keras=keras))
    if asked_for_later:
        monkeypatch.setenv(LEGACY, "1")
    with pytest.raises(ImportError, match="import largebatch first, or set TF_USE_LEGACY_KERAS=1"):
        stack.prepare()
    assert os.environ.get(LEGACY) == ("1" if asked_for_later else None)


def test_a_tensorflow_that_was_imported_with_tf_keras_is_welcome(machine, monkeypatch):
    machine(keras="3.15.1")
    monkeypatch.setenv(LEGACY, "True")
    loaded = types.SimpleNamespace(keras=types.SimpleNamespace())
    monkeypatch.setitem(sys.modules, "tensorflow", loaded)
    stack.prepare()


@pytest.mark.parametrize(
    ("libtpu", "loads"),
    [("0.0.13", False), ("0.0.14", True), ("0.0.19.1", True), ("0.0.31", True), ("0.0.52", False)],
)
def test_a_libtpu_that_would_abort_the_process_is_an_error_instead(machine, libtpu, loads):
    machine(tensorflow_tpu=stack.TPU.tensorflow, libtpu=libtpu)
    if loads:
        return stack.prepare()
    with pytest.raises(ImportError) as error:
        stack.prepare()
    for said in (f"cannot load libtpu {libtpu};", "0.0.14 to 0.0.31", "pip install libtpu==0.0.24"):
        assert said in str(error.value)


def test_libtpu_is_not_looked_at_where_tensorflow_does_not_load_it(machine, monkeypatch):
    machine(tensorflow_tpu="2.19.1", libtpu="0.0.52")  # of which nothing is known
    stack.prepare()
    machine(tensorflow_tpu=stack.TPU.tensorflow)
    stack.prepare()
    machine(tensorflow_tpu=stack.TPU.tensorflow, libtpu="0.0.52")
    monkeypatch.setenv("TPU_LOAD_LIBRARY", "0")
    stack.prepare()


@pytest.fixture
def aborting_libtpu(tmp_path):
    """The environment of a process that finds tensorflow-tpu installed with pip's newest libtpu."""
    for name, version in (("tensorflow_tpu", stack.TPU.tensorflow), ("libtpu", "0.0.52")):
        folder = tmp_path / f"{name}-{version}.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Name: {name}\nVersion: {version}\n")
    path = os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path}


def test_a_program_ends_with_the_message_in_one_line(aborting_libtpu, tmp_path):
    installed = tmp_path / "largebatch-run"  # as pip writes it
    installed.write_text("from largebatch.experiments.run import console\nconsole()\n")
    for program in (["-m", "largebatch.experiments.run"], [str(installed)]):
        command = [sys.executable, *program, "--list"]
        ended = subprocess.run(command, env=aborting_libtpu, capture_output=True, text=True)
        assert ended.returncode == stack.MISTAKE
        assert ended.stderr.startswith("error: tensorflow-tpu 2.20.0 cannot load libtpu 0.0.52;")
        assert ended.stderr.count("\n") == 1 and not ended.stdout


def test_code_that_imports_the_package_gets_an_exception(aborting_libtpu):
    command = [sys.executable, "-c", "import largebatch"]
    ended = subprocess.run(command, env=aborting_libtpu, capture_output=True, text=True)
    assert "ImportError: tensorflow-tpu 2.20.0 cannot load libtpu 0.0.52;" in ended.stderr
