"""The ahead-of-time compile's program, with stand-ins for the lowering and for libtpu."""

import json
import os
import sys
from pathlib import Path

import pytest

from largebatch import cli
from largebatch.experiments.compile import __main__ as compile
from largebatch.experiments.compile import compile_client, compiled_step
from largebatch.experiments.compile.largest_batch import largest_batch, size
from largebatch.experiments.compile.lowered_step import PROGRAMS
from largebatch.tpu.lowering import lowering
from largebatch.tpu.lowering.topologies import GIB, generation_here, topology

FAKE = Path(__file__).with_name("fake_compile_environment.py")


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Runs the program; returns (exit code, the report, what was called, what was printed)."""
    python = tmp_path / "environment" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{FAKE}" "$@"\n')
    python.chmod(0o755)
    monkeypatch.setattr(compiled_step, "LOWERING", (sys.executable, str(FAKE)))
    calls = tmp_path / "calls"
    monkeypatch.setenv("CALLS", str(calls))

    def run(
        *arguments,
        experiment="table1/lamb-32768",
        environment=python.parent.parent,
        keep=False,
    ):
        calls.write_text("")
        output = tmp_path / "report.json"
        if not keep:
            output.unlink(missing_ok=True)
        flags = [f"--experiment={experiment}", f"--environment={environment}"]
        flags += [f"--cache_dir={tmp_path / 'cache'}", f"--output={output}"]
        code = compile.program(["compile", *flags, *arguments])
        report = json.loads(output.read_text()) if output.exists() else None
        printed = capsys.readouterr()
        return code, report, calls.read_text().splitlines(), printed.out + printed.err

    return run


def test_the_rows_batch_is_compiled_and_the_largest_that_fits_is_found(run):
    # 1 GiB and 1 a sequence, 15.5 in all: 14 fit, and of 3-digit numbers 16 is the next.
    code, report, calls, printed = run("--topology=v3:2x2")
    (found,) = report["topologies"]
    assert code == 0
    assert (found["batch_per_core"], found["largest"], found["too_large"]) == (8, 14, 16)
    assert found["usable_bytes"] == 15.5 * GIB and found["memory_bytes"] == 16 * GIB
    tried = {one["batch_per_core"]: one for one in found["compilations"]}
    assert tried[8]["fits"] and not tried[16]["fits"] and tried[16]["total_bytes"] == 17 * GIB
    assert tried[8]["flops"] == 8e12 and tried[8]["bytes_accessed"] == 8e9
    assert sum(tried[8]["memory"].values()) == tried[8]["total_bytes"] == 9 * GIB
    assert len(calls) == 2 * len(tried) <= 10
    assert "8 a core: 9.00 GiB of 15.50, fits" in printed
    assert "16 a core: 17.00 GiB of 15.50, does not fit" in printed


def test_a_search_that_is_repeated_or_refined_takes_only_what_is_missing(run):
    first = run("--topology=v3", "--bits=1")
    assert (first[1]["topologies"][0]["largest"], len(first[2])) == (8, 4)
    assert run("--topology=v3", "--bits=1")[2] == []
    finer = run("--topology=v3", "--bits=4")
    assert finer[1]["topologies"][0]["largest"] == 14
    assert not {"compile 8 v3:2x2", "compile 16 v3:2x2", "lower 8"} & set(finer[2])
    # Another chip needs no step lowered anew.
    other = run("--topology=v2:2x2", "--batch_per_core=8", "--nosearch")
    assert other[2] == ["compile 8 v2:2x2"] and not other[1]["topologies"][0].get("largest")
    assert set(run("--topology=v3", "--bits=1", "--fresh")[2]) == set(first[2])


def test_a_report_keeps_what_it_said_of_the_same_step_on_other_topologies(run, tmp_path):
    def generations(*flags):
        _, report, _, _ = run("--nosearch", *flags, keep=True)
        return [one["topology"].partition(":")[0] for one in report["topologies"]]

    assert generations("--topology=v6e,v3") == ["v3", "v6e"]
    assert generations("--topology=v2", "--batch_per_core=2") == ["v2", "v3", "v6e"]
    assert generations("--topology=v3", "--batch_per_core=4") == ["v2", "v3", "v6e"]
    report = json.loads((tmp_path / "report.json").read_text())
    assert [one["batch_per_core"] for one in report["topologies"]] == [2, 4, 8]
    # Another step's report is another report.
    assert generations("--topology=v2", "--program=accumulate") == ["v2"]
    (tmp_path / "report.json").write_text("[]")
    code, _, _, printed = run("--topology=v2", keep=True)
    assert code == 2 and "holds something else than a report" in printed


def test_a_step_that_does_not_fit_is_a_result(run):
    code, report, _, printed = run("--topology=v2", "--batch_per_core=64", "--nosearch")
    (found,) = report["topologies"][0]["compilations"]
    assert code == 0 and not found["fits"] and found["limit_bytes"] == 7.5 * GIB
    assert "64 a core: 65.00 GiB of 7.50, does not fit" in printed


def test_what_other_programs_keep_on_the_core_counts(run, monkeypatch):
    monkeypatch.setenv("IDLE_GIB", "4")
    _, report, _, _ = run("--topology=v3", "--program=accumulate", "--bits=4")
    found = report["topologies"][0]
    assert report["program"] == "accumulate" and found["largest"] == 10
    (ten,) = (one for one in found["compilations"] if one["batch_per_core"] == 10)
    assert ten["memory"]["idle"] == 4 * GIB and ten["total_bytes"] == 15 * GIB


def test_where_the_compiler_speaks_of_temporaries_the_weights_are_added(run):
    _, report, _, _ = run("--topology=v2", "--batch_per_core=100", "--nosearch")
    (found,) = report["topologies"][0]["compilations"]
    assert not found["fits"] and found["temporaries_bytes"] == 100 * GIB
    assert found["total_bytes"] == 101 * GIB


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--topology=v3x:2x2"], "did you mean v3:2x2?"),
        (["--topology=v3:four"], "GENERATION:SHAPE"),
        (["--topology=v3:7x7"], "libtpu knows no topology v3:7x7"),
        ([], "--topology is missing"),
        (["--topology=v3", "--batch_per_core=0"], "--batch_per_core=0: want 1 or more"),
        (["--topology=v3", "--batch=1"], "Unknown command line flag 'batch'"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(run, arguments, said):
    code, report, _, printed = run(*arguments)
    assert code == cli.MISTAKE and report is None
    assert said in printed and printed.count("error:") == 1


def test_an_unknown_row_is_told_as_the_lowering_program_tells_it(run):
    code, _, _, printed = run("--topology=v3", experiment="table1/lamb")
    assert code == cli.MISTAKE and printed == "error: unknown experiment 'table1/lamb'\n"


def test_a_missing_or_empty_environment_is_an_error_with_the_command_that_makes_it(
    run, tmp_path, monkeypatch
):
    code, _, _, printed = run("--topology=v3", environment=tmp_path / "none")
    assert code == cli.MISTAKE and "make tpu-compile-environment" in printed
    monkeypatch.setenv("NO_JAX", "1")
    code, _, _, printed = run("--topology=v3")
    assert code == cli.MISTAKE and "No module named 'jax'" in printed
    makefile = (FAKE.parents[3] / "Makefile").read_text()
    assert "\ntpu-compile-environment:" in makefile


def test_a_compilers_own_failure_is_not_taken_for_a_step_that_does_not_fit(run):
    code, _, _, printed = run("--topology=v3", "--batch_per_core=13", "--nosearch")
    assert code == cli.FAILED and "a compiler's own fault" in printed
    assert run("--topology=v3", "--batch_per_core=13", "--nosearch")[2] == ["compile 13 v3:2x2"]


@pytest.mark.parametrize("bits", [1, 2, 3, 4])
def test_bisection_finds_the_largest_of_few_digits_and_tries_nothing_twice(bits):
    for limit in range(100):
        for start in (1, 5, 16, 64):
            tried = []
            found = largest_batch(lambda n, k=limit, t=tried: t.append(n) or n <= k, start, bits)
            known = [size(index, bits) for index in range(40)]
            above = [number for number in known if number > limit]
            assert found == (max([0, *(n for n in known if n <= limit)]), above[0])
            assert len(tried) == len(set(tried)) <= 14


def test_sizes_have_few_binary_digits():
    assert [size(index, 3) for index in range(13)] == [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20]


def test_the_compilers_word_on_memory_is_understood_and_any_other_error_is_one():
    said = (
        "RESOURCE_EXHAUSTED: XLA:TPU compile permanent error. Ran out of memory in memory space "
        "hbm. Used 15.95G of 15.48G hbm. Exceeded hbm capacity by 479.5M."
    )
    assert compile_client.out_of_memory(said) == {
        "fits": False,
        "total_bytes": round(15.95 * GIB),
        "limit_bytes": round(15.48 * GIB),
    }
    said = (
        "RESOURCE_EXHAUSTED: Ran out of memory on HBM, the total memory required for HLO "
        "temporaries (19.97G) exceeds available HBM (15.48G)."
    )
    found = compile_client.out_of_memory(said)
    assert found["temporaries_bytes"] == round(19.97 * GIB) and found["total_bytes"] is None
    with pytest.raises(RuntimeError, match="UNIMPLEMENTED"):
        compile_client.out_of_memory("UNIMPLEMENTED: no such operation")


def test_a_generation_alone_is_one_host_of_it():
    assert topology("v3") == ("v3:2x2", "v3") and topology("v4").name == "v4:2x2x1"
    assert topology("v5litepod:4x4") == ("v5e:4x4", "v5e")


def test_a_tpus_own_generation_is_read_from_its_environment():
    assert generation_here({"LARGEBATCH_ACCELERATOR": "v3-2048"}) == "v3"
    assert generation_here({"TPU_ACCELERATOR_TYPE": "v5litepod-16"}) == "v5e"
    assert generation_here({"TPU_ACCELERATOR_TYPE": "a100"}) is generation_here({}) is None


def test_the_programs_have_one_list_of_names():
    assert lowering.PROGRAMS == PROGRAMS == compile.PROGRAMS


def test_the_cache_is_under_the_users_cache_folder(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", os.sep + "cache")
    assert compile.default_cache() == Path(os.sep, "cache", "largebatch", "tpu_compile")
