"""The scaling model: its fit, what it misses, and the program."""

import dataclasses
import subprocess
import sys

import pytest

from largebatch.experiments.costs import scaling_model, scaling_tables, step_time
from largebatch.experiments.costs.all_reduce import TOPOLOGIES
from largebatch.experiments.costs.step_time import FITTED, HELD_OUT, Constants, fit, machine
from largebatch.experiments.tables import registry

ROW = registry.find("table1/lamb-32768")
MIXED = registry.find("table1/lamb-65536-32768")
KNOWN = Constants(0.4, 20.0, 1e-6)


def call(*arguments):
    return scaling_model.program(["scaling_model", *arguments])


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_the_fit_finds_the_constants_that_made_the_times(monkeypatch, topology):
    def made(row):
        return step_time.run_seconds(row, step_time.paper_machine(row, topology), KNOWN)

    monkeypatch.setattr(step_time, "printed_seconds", made)
    assert fit(topology=topology) == pytest.approx(KNOWN, rel=1e-6)
    # Also from three rows: as many as constants.
    assert fit((FITTED[0], *FITTED[2:]), topology) == pytest.approx(KNOWN, rel=1e-6)


def test_the_weak_scaling_rows_alone_cannot_tell_compute_from_a_fixed_cost():
    """Why the mixed batch is fitted: 32 sequences a chip, in the same shares, in every other row.

    Another utilisation with another number of passes predicts the same times to 0.1 %.
    """
    other = Constants(0.3, 0.0, KNOWN.latency)
    parts = []
    for constants in (KNOWN, other):
        where = step_time.paper_machine(ROW)
        steps = [step_time.step(ROW, stage, where, constants) for stage in ROW.stages]
        shares = [0.9 * s.compute + 0.1 * t.compute for s, t in [steps]]
        parts.append((shares[0], steps[0].update))
    passes = KNOWN.passes - (parts[1][0] - parts[0][0]) / (parts[0][1] / KNOWN.passes)
    as_one = Constants(0.3, passes, KNOWN.latency)

    def times(constants, names):
        rows = [registry.find(name) for name in names]
        return [step_time.run_seconds(r, step_time.paper_machine(r), constants) for r in rows]

    names = step_time.WEAK_SCALING
    assert times(as_one, names) == pytest.approx(times(KNOWN, names), rel=1e-3)
    assert times(as_one, [MIXED.name]) != pytest.approx(times(KNOWN, [MIXED.name]), rel=0.05)


def test_table_1_is_predicted_within_the_errors_that_are_quoted():
    constants = fit()
    assert 0 < constants.utilisation < 1 and constants.passes > 0 and constants.latency > 0
    for name in FITTED:
        assert abs(step_time.error(registry.find(name), constants)) < 0.01, name
    errors = [step_time.error(registry.find(name), constants) for name in HELD_OUT]
    assert max(map(abs, errors)) < 0.11
    assert sum(map(abs, errors)) / len(errors) < 0.06
    assert set(FITTED).isdisjoint(HELD_OUT)


def test_a_bigger_batch_in_stage_1_saves_what_a_step_costs_at_any_batch():
    constants = fit()
    seconds = step_time.run_seconds(MIXED, step_time.paper_machine(MIXED), constants)
    assert seconds < step_time.run_seconds(ROW, step_time.paper_machine(ROW), constants)
    stage = MIXED.stages[0]
    small = step_time.step(MIXED, stage._replace(batch_size=32768), machine("tpu-v3", 1024), KNOWN)
    large = step_time.step(MIXED, stage, machine("tpu-v3", 1024), KNOWN)
    assert large.compute == pytest.approx(2 * small.compute)
    assert large.update == small.update and large.all_reduce == small.all_reduce


def test_what_the_model_misses_is_said():
    """The paper saw no speed-up from 65536 to 131072 in stage 1; the model predicts one."""
    doubled = scaling_tables.with_stage_1_doubled()
    assert [stage.batch_size for stage in doubled.stages] == [131072, 32768]
    assert [stage.steps for stage in doubled.stages] == [3519, 1562]
    notes = " ".join(scaling_tables.table1(fit(), "torus").notes)
    assert "'did not observe any speedup' over 65536, 63.7 m are predicted" in notes


def test_nodes_of_gpus_reduce_within_first_and_then_each_gpu_its_part():
    size = 4 * 336_226_108
    within = step_time.step(ROW, ROW.stages[0], machine("h100", 8), KNOWN)
    assert within.transfer == pytest.approx(2 * 7 / 8 * size / 450e9)
    across = step_time.step(ROW, ROW.stages[0], machine("h100", 32), KNOWN)
    assert across.transfer == pytest.approx(within.transfer + 2 * 3 / 4 * size / 8 / 50e9)
    assert across.latency == pytest.approx(398 * 2 * (3 + 2) * 0.7e-6)


def test_the_micro_batch_divides_and_fits():
    for kind in ("tpu-v2", "tpu-v3", "h100"):
        for stage in ROW.stages:
            where = machine(kind, 64)
            held = step_time.memory_of(ROW, stage, where)
            share = stage.batch_size // (64 * where.chip.cores)
            assert held.micro_batch * held.accumulation == share
            assert 0 < held.used < where.chip.memory
    images = registry.find("table6/lamb")
    held = step_time.memory_of(images, images.stages[0], machine("tpu-v3", 1))
    assert held == (256, 1, held.used) and held.used < 4e9


def test_the_lectures_tables_are_reproduced():
    iterations = [line[2] for line in scaling_tables.iterations().lines]
    assert iterations == ["250,000", "125,000", "62,500", "31,250", "15,625", "100"]
    ratios = scaling_tables.ratios().lines
    assert [line[3] for line in ratios] == ["24.6", "308"]
    small, large = scaling_tables.messages().lines
    assert small[2].startswith("3,600,000 ") and large[2].startswith("3,516 ")
    assert small[3].startswith("360 TB ")


def test_figure_8_is_the_speed_up_over_the_chips():
    sheet = scaling_tables.table1(fit(), "torus")
    printed = {line[0]: line[6] for line in sheet.lines}
    assert printed["LAMB 32k"] == "76.7 %"  # 49.1 times by 64 times the chips
    assert printed["LAMB 64k/32k"] == "101.9 %"  # 65.2 times


def test_the_program_prints_its_tables_without_tensorflow():
    program = (
        "import sys\n"
        "from largebatch.experiments import scaling_model\n"
        "calls = (['scaling_model'], ['scaling_model', '--lecture'])\n"
        "codes = [scaling_model.program(call) for call in calls]\n"
        "assert codes == [0, 0] and 'tensorflow' not in sys.modules\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert "LAMB 64k/32k" in ended.stdout and "held out" in ended.stdout
    assert "24.6 x B" in ended.stdout


def test_it_answers_for_a_row_on_other_chips(capsys):
    arguments = [f"--experiment={ROW.name}", "--chips=64", "--kind=h100"]
    assert call(*arguments) == 0
    answer = capsys.readouterr().out
    assert "on 64 x h100" in answer and "Total:" in answer and "assumed" in answer
    assert "prints 101.2 m on 1024 chips" in answer
    assert call(*arguments, "--utilisation=1") == 0
    assert capsys.readouterr().out != answer
    assert call(*arguments, "--format=markdown") == 0
    assert "| stage | length |" in capsys.readouterr().out
    assert call(f"--experiment={ROW.name}", "--set=batch_size=1024", "--chips=8") == 0
    assert "The paper prints" not in capsys.readouterr().out


def test_it_lists_the_chips_with_their_sources(capsys):
    assert call("--list_chips") == 0
    listed = capsys.readouterr().out
    assert "tpu-v6e\n    cloud.google.com" in listed and "h100" in listed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--experiment=table1/lamb-32k"], "unknown experiment 'table1/lamb-32k'"),
        ([f"--experiment={ROW.name}", "--kind=h10"], "did you mean h100?"),
        ([f"--experiment={ROW.name}", "--chips=0"], "want at least 1"),
        ([f"--experiment={ROW.name}", "--chips=2048"], "a pod of tpu-v3 has 1024"),
        ([f"--experiment={ROW.name}", "--chips=12", "--kind=a100"], "nodes of 8"),
        ([f"--experiment={ROW.name}", "--chips=1000"], "does not divide over 1000 chips x 2 cores"),
        ([f"--experiment={ROW.name}", "--utilisation=1.5"], "--utilisation=1.5"),
        ([f"--experiment={ROW.name}", "--passes=-1"], "--passes=-1"),
        ([f"--experiment={ROW.name}", "--topology=star"], "<ring|halving|torus|mesh>"),
        (["--experiment=table7/lamb"], "--chips is missing"),
        (["--chips=4"], "--chips needs --experiment"),
        (["--lecture", "--list_chips"], "one at a time"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(arguments, message, capsys):
    assert call(*arguments) == 2
    output = capsys.readouterr()
    assert message in output.err and output.err.count("\n") == 1 and not output.out


def test_a_model_that_no_device_holds_is_refused():
    row = dataclasses.replace(ROW, vocabulary_size=1_000_000)
    with pytest.raises(ValueError, match="alone take 27 GB and one device of tpu-v3 has 17 GB"):
        step_time.memory_of(row, row.stages[0], machine("tpu-v3", 16))
