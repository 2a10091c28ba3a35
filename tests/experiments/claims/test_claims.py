"""The table of claims, the program, docs/claims.md, and the top of a report."""

import dataclasses
import json
import math
import pathlib
import re

import pytest

from largebatch.experiments.claims import __main__ as program
from largebatch.experiments.claims import analysed, claims, evidence, prose, words
from largebatch.experiments.claims.claim import (
    AS_RUN,
    LOGS,
    NADO,
    PAPER,
    SCALES,
    THE_PAPER,
    judge,
)
from largebatch.experiments.claims.criteria import Every
from largebatch.experiments.claims.verdict import WORDS, decide
from largebatch.experiments.report import FORMATS
from largebatch.experiments.reporting.model.cells import gather
from largebatch.experiments.tables import registry

ROOT = pathlib.Path(__file__).resolve().parents[3]


def call(*arguments):
    return program.program(["claims", *arguments])


@pytest.mark.parametrize("claim", claims.CLAIMS, ids=lambda claim: claim.name)
def test_every_row_of_a_claim_exists_at_its_scale(claim):
    for test in claim.tests:
        for name in test.criterion.rows:
            scale = PAPER if test.scale == AS_RUN else test.scale
            assert registry.scaled(registry.run_of(registry.find(name)), scale).metric, name


@pytest.mark.parametrize("claim", claims.CLAIMS, ids=lambda claim: claim.name)
def test_what_the_paper_prints_meets_its_own_claim(claim):
    """A criterion that the printed values fail would be another claim than the paper's."""
    if claim.by != THE_PAPER:
        pytest.skip("not the paper's")
    for test in claim.tests:
        if test.scale in (PAPER, AS_RUN):
            for part in parts(test.criterion):
                printed = part.judge(evidence.Results(()), "paper").printed
                word = decide(printed, printed, *bounds(part))
                assert math.isnan(printed) or word == "holds", (part.text, printed)


def parts(criterion):
    return criterion.parts if isinstance(criterion, Every) else [criterion]


def bounds(criterion):
    verdict = criterion.judge(evidence.Results(()), "paper")
    # A mean that is to reach a printed value is printed as that value.
    slack = 1e-9
    return verdict.at_least - slack, verdict.at_most + slack


def test_names_are_unique_and_sentences_short():
    names = [claim.name for claim in claims.CLAIMS]
    assert len(set(names)) == len(names) and all(re.fullmatch(r"[a-z0-9-]+", n) for n in names)
    for claim in claims.CLAIMS:
        assert len(claim.sentence) <= 100 and not claim.sentence.endswith("."), claim.name


def test_each_part_of_the_paper_has_its_claims():
    told = " ".join(claim.place for claim in claims.CLAIMS if claim.by == THE_PAPER)
    places = ["abstract", "section 4.1", "section 4.2", "section 4.3"]
    places += [f"appendix {letter}" for letter in "ABCDEFGH"] + ["H.0.1", "H.0.2", "H.1"]
    places += [f"Table {number}" for number in (1, 2, 3, 4, 5, 6, 7, 8)]
    places += [f"Figure {number}" for number in (1, 2, 3, 4, 5, 6, 7, 8)]
    assert [place for place in places if place not in told] == []
    assert {claim.by for claim in claims.CLAIMS} == {THE_PAPER, LOGS, NADO, prose.STUDY}


def test_with_no_runs_everything_is_not_run():
    for one in judge(claims.CLAIMS, evidence.Results(())):
        assert {verdict.word for verdict in one.verdicts.values()} <= {"not run"}, one.claim.name
        assert all(verdict.why for verdict in one.verdicts.values())


def test_the_page_has_a_section_for_a_claim_with_runs_and_a_line_for_another(make_run, tmp_path):
    for seed in range(2):
        make_run("table7/lamb-as-run", seed=seed)
    judged = judge(claims.CLAIMS, evidence.find(str(tmp_path)))
    sections, lines = words.as_markdown(judged).split("## Claims that no run has tested")
    for one in judged:
        told = any(verdict.word != "not run" for verdict in one.verdicts.values())
        assert (f"### {one.claim.sentence}\n" in sections) == told
        assert (f"\n| {one.claim.sentence} (`{one.claim.name}`) |" in lines) == (not told)
    assert "### LAMB's mean accuracy on MNIST is 99.40 %" in sections


def test_json_has_every_verdict_of_the_text(capsys):
    assert call("--format=json", "--table=7", f"--runs={ROOT / 'results'}") == 0
    record = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert call("--table=7", f"--runs={ROOT / 'results'}") == 0
    text = capsys.readouterr().out
    for claim in record["claims"]:
        assert claim["sentence"] in text
        for scale, verdict in claim["verdicts"].items():
            assert scale in SCALES and verdict["word"] in WORDS
            assert f"\n  {scale}: {verdict['word']}" in text


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--runs=/nowhere/at/all"], "--runs=/nowhere/at/all: there is no such folder"),
        (["--table=lstm"], "--table=lstm: no claim is tested by its rows"),
        (["--table=77"], "unknown table '77'"),
        (["--format=xml"], "--format"),
    ],
)
def test_a_mistake_is_one_line(arguments, message, capsys):
    assert call(*arguments) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") <= 2


def test_without_committed_results_the_folder_has_to_be_named(monkeypatch, tmp_path):
    monkeypatch.setattr(program.checkout, "PACKAGE", tmp_path)
    with pytest.raises(ValueError, match="--runs is missing"):
        program.runs_folder(None)


def test_a_report_begins_with_the_claims_that_its_tables_test(make_run, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    for seed in range(3):
        make_run("table7/lamb-as-run", seed=seed, accuracy=0.9940 + 1e-4 * seed)
        make_run("table7/adamw", seed=seed, accuracy=0.9930 + 1e-4 * seed)
    report = gather(str(tmp_path), ["table7"])
    verdicts = {one.claim.name: one.verdicts for one in report.claims}
    assert verdicts["mnist-above-adamw"]["as run"].word == "holds"
    assert "bert-76-minutes" not in verdicts
    sentence = "LAMB is above AdamW on MNIST with LeNet"
    for made in (write(report) for write in FORMATS.values()):
        assert 0 < made.index(sentence) < made.index("Average accuracy over 5 runs")
    assert re.search(rf"{sentence} +not run +holds +not run", FORMATS["text"](report))
    assert "<span class='badge holds'>holds</span>" in FORMATS["html"](report)
    monkeypatch.setenv("COLUMNS", "90")
    assert re.search(r"mnist-above-adamw +not run +holds", FORMATS["text"](report))


def density(gain, curvature=0.7, noise=0.8, scale="laptop"):
    """What layer_density writes, of three seeds with a spread of 5 %."""
    spread = (0.95, 1.0, 1.05)
    psi = [{"curvature_factor": curvature * s, "noise_factor": noise * s} for s in spread]
    found = {
        name: {"stationarity": [value * s for s in spread], "psi": psi}
        for name, value in (("sgd", 1.0), ("lars", gain))
    }
    return {"scale": scale, "model": "m", "dataset": "d", "seeds": 3, "optimizers": found}


@pytest.mark.parametrize(
    "record, word",
    [
        (density(0.5), "holds"),
        (density(2.0), "fails"),
        (density(2.0, noise=1.5), "holds"),
        (density(0.5, curvature=1.5), "fails"),
        (density(1.0), "cannot tell"),
        (density(0.5, noise=1.01), "cannot tell"),
        (density(0.5, scale="paper"), "not run"),
    ],
)
def test_appendix_c_foretells_a_gain_where_both_factors_are_below_1(record, word):
    results = evidence.Results((), {"layer_density": record})
    found = analysed.Foretold().judge(results, "laptop")
    assert found.word == word
    assert word == "not run" or found.effect == pytest.approx(
        record["optimizers"]["lars"]["stationarity"][1], rel=1e-9
    )


def test_a_bound_is_kept_where_the_interval_of_every_point_is_below_it():
    point = {"theorem": "theorem 2, LARS", "steps": 4, "bound": 4.0, "squared": True}
    below = {**point, "values": [1.0, 1.1, 0.9]}
    near = {**point, "steps": 16, "values": [1.9, 2.2, 1.8]}
    results = evidence.Results((), {"theorem_rates": {"points": [below]}})
    found = analysed.UnderBound("theorem 2").judge(results, "paper")
    assert found.word == "holds" and found.effect == pytest.approx(0.25)
    results = evidence.Results((), {"theorem_rates": {"points": [below, near]}})
    found = analysed.UnderBound("theorem 2").judge(results, "paper")
    assert found.word == "cannot tell" and "T = 16" in found.sides[0].label
    assert analysed.UnderBound("theorem 3.1").judge(results, "paper").word == "not run"


def test_files_that_are_no_analysis_are_passed_over(tmp_path):
    for folder, text in (("a", "{"), ("b", "[]"), ("c", '{"points": []}')):
        (tmp_path / folder).mkdir()
        for name in evidence.ANALYSES:
            (tmp_path / folder / f"{name}.json").write_text(text)
    assert evidence.find_analyses(str(tmp_path)) == {"theorem_rates": {"points": []}}


def test_a_verdict_can_be_written_by_nothing_but_a_criterion():
    """The table names criteria; no claim has a field that a verdict could stand in."""
    fields = {field.name for field in dataclasses.fields(claims.CLAIMS[0])}
    assert fields == {"name", "sentence", "place", "tests", "by", "remark", "untested"}
