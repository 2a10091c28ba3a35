import sys

import pytest

from largebatch.benchmarks import pretraining_data


def test_a_program_s_time_and_memory_are_those_of_all_its_processes():
    inner = "import time; x = bytearray(60_000_000); x[:] = b'1' * 60_000_000; time.sleep(0.6)"
    program = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}])"
    found = pretraining_data.run([sys.executable, "-c", program])
    assert 0.6 < found["seconds"] < 60
    assert 0 < found["cpu_seconds"] <= found["seconds"] + 1
    assert 60 < found["peak_process_mb"] < 300
    assert found["peak_total_mb"] > 60


def test_a_program_that_fails_is_an_error_with_its_words():
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        pretraining_data.run([sys.executable, "-c", "1 / 0"])


def test_both_programs_get_the_same_text_one_sentence_a_line(tmp_path):
    (tmp_path / "t.txt").write_text("One here. Two are\nthere. Three!\n\nFour it is.\n\n" * 50)
    text = tmp_path / "sentences.txt"
    size = pretraining_data.write_sentences([str(tmp_path / "t.txt")], str(text), 0.001)
    assert text.stat().st_size == size < 1100
    assert text.read_text().startswith("One here.\nTwo are there.\nThree!\n\nFour it is.\n\n")
    theirs = pretraining_data.peer_command("T", "V", "O", 10)
    ours = pretraining_data.our_command("T", "V", "O", 10, 2)
    assert "--dupe_factor=10" in theirs and "--duplicate_factor=10" in ours
    assert theirs[2] == "official.nlp.data.create_pretraining_data"


def test_the_table_names_the_ratio_to_the_peer():
    run = {"seconds": 2.0, "cpu_seconds": 2.0, "peak_process_mb": 500.0, "peak_total_mb": 600.0}
    peer = {"program": "peer", "examples": 100, "runs": [{**run, "seconds": 30.0}] * 2}
    mine = {"program": "mine", "examples": 100, "runs": [run, {**run, "seconds": 4.0}]}
    row = pretraining_data._summed_up(mine, 3_000_000, peer)
    assert row["times_as_fast"] == 11.25 and row["seconds"] == 3.0
    assert row["text_mb_per_second"] == 1.0
    assert "11.25" in pretraining_data.table([row])


def test_the_whole_input_is_compared_by_examples_a_second():
    memory = {"peak_process_mb": 500.0, "peak_total_mb": 600.0}
    peer = {"examples": 100, "runs": [{"seconds": 30.0, "cpu_seconds": 20.0}] * 2}
    runs = [
        {"seconds": 10.0, "cpu_seconds": 10.0, "examples": 1000, **memory},
        {"seconds": 15.0, "cpu_seconds": 10.0, "examples": 1000, **memory, "peak_total_mb": 700.0},
    ]
    found = pretraining_data.whole_summed_up(runs, 20_000_000, 2, peer)
    assert found["times_as_fast"] == 25.0 and found["times_as_fast_by_cpu"] == 20.0
    assert found["seconds"] == 12.5 and found["text_mb_per_second"] == 1.6
    assert found["peak_total_mb"] == 700.0
