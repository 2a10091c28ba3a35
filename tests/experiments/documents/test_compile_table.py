"""The page of ahead-of-time compilations says what the committed reports say."""

import re

import pytest

from largebatch.checkout import PACKAGE
from largebatch.experiments.compile.lowered_step import batch_per_core
from largebatch.experiments.costs.compiled_batches import LARGEST
from largebatch.experiments.documents.compile_table import (
    GIB,
    POD,
    REPORTS,
    bounds,
    on_the_papers_tpu,
    read,
    table,
)
from largebatch.experiments.tables import registry

FOUND = read(REPORTS)


def compilation(batch, fits, gib):
    cost = {"flops": 1e12 * batch, "bytes_accessed": 1e9} if fits else {}
    return {"batch_per_core": batch, "fits": fits, "total_bytes": gib and gib * GIB, **cost}


def report(*compilations, topology="v3:2x2", **changes):
    found = {"topology": topology, "usable_bytes": 15 * GIB, "compilations": list(compilations)}
    of = {"model": "bert_large", "sequence_length": 512, "image_size": None, "program": "update"}
    of.update(precision="bfloat16", optimizer="lamb", topologies=[found], **changes)
    return of


def test_a_line_has_the_largest_that_fits_and_the_smallest_that_does_not():
    line = table([report(compilation(16, True, 14), compilation(32, False, 23))]).splitlines()[-1]
    assert "BERT-Large, sequences of 512, bfloat16, LAMB | v3 | 15.00 GiB" in line
    assert (
        "16 (32,768 on 2,048 cores) | 14.00 GiB | 32: 23.00 GiB | 16.0 Tflop, 1 GB | 0% |" in line
    )


def test_work_beyond_that_of_an_example_where_there_is_room_is_computed_twice():
    small, large = compilation(16, True, 8), compilation(32, True, 14)
    large["flops"] *= 1.25
    assert table([report(small, large)]).splitlines()[-1].endswith("| 40.0 Tflop, 1 GB | 20% |")


@pytest.mark.parametrize(
    "compilations, said",
    [
        ([compilation(8, True, 2)], "| not reached |"),
        ([compilation(1, False, 20)], "| none |  | 1: 20.00 GiB |  |  |"),
        ([compilation(8, True, 2), compilation(16, False, None)], "| 16 |"),
    ],
)
def test_a_search_that_ended_early_is_shown_as_far_as_it_came(compilations, said):
    assert said in table([report(*compilations, topology="v2:2x2")])


def test_each_compilation_for_the_papers_tpu_has_a_line_with_its_share_of_recomputing():
    small, large, none = (compilation(n, n < 64, n / 4) for n in (16, 32, 64))
    large["flops"] *= 1.25
    for one in (small, large):
        one["memory"] = {"temporaries": GIB}
    none["temporaries_bytes"] = 9 * GIB
    lines = on_the_papers_tpu([report(large, small, none)]).splitlines()[2:]
    assert [line.split(" | ")[1] for line in lines] == ["16", "32", "64"]
    assert lines[1].endswith("| 32 | 65,536 | 1.0 | 8.0 | 20% |")
    assert lines[2].endswith("| 64 | 131,072 | 9.0 | 16.0 | does not fit |")


def test_what_an_automatic_micro_batch_believes_is_what_was_compiled():
    compiled = {}
    for one in FOUND:
        side = one["sequence_length"] or one["image_size"]
        for found in one["topologies"]:
            fits, _ = bounds(found)
            if fits is not None:
                key = (one["model"], side, one["precision"])
                compiled.setdefault(key, {})[found["topology"].partition(":")[0]] = fits
        assert one["optimizer"] == "lamb" and not one["overrides"]
    assert compiled == LARGEST


def test_the_papers_statement_is_reproduced():
    """Section 4.1: on a TPU v3 pod at most 32,768 sequences of 512; of 128, 131,072 fit."""
    fits = {
        (one["sequence_length"], compiled["batch_per_core"] * POD): compiled["fits"]
        for one in FOUND
        for found in one["topologies"]
        for compiled in found["compilations"]
        if found["topology"] == "v3:2x2"
    }
    assert fits[512, 32_768] and not fits[512, 65_536]
    assert fits[128, 131_072] and not fits[128, 524_288]
    assert batch_per_core(registry.find("table1/lamb-32768"), "2") * POD == 32_768


def test_the_make_target_compiles_what_the_page_shows():
    makefile = (PACKAGE / "Makefile").read_text()
    outputs = re.findall(r"--output=(results/tpu_compile/\S+)", makefile)
    assert {PACKAGE / path for path in outputs} >= set(REPORTS.glob("*.json"))
