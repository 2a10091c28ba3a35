"""Every number that the paper prints is a row's, and every number that a row prints is the paper's.

The other side is printed_tables.txt, transcribed from the paper, not from the rows.
"""

from __future__ import annotations

import importlib.util
import struct
from pathlib import Path

import pytest

from largebatch.experiments.rows.author_code import AS_RUN
from largebatch.experiments.tables import registry


def _reader():
    path = Path(__file__).with_name("printed_tables.py")
    spec = importlib.util.spec_from_file_location("printed_tables", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PRINTED = _reader()
TABLES, SECTIONS = PRINTED.read()
TWINS = (AS_RUN, "-nvidia", "-real")  # endings of rows that stand beside a printed line's own
TUNING = range(9, 26)


def rows(number):
    """The rows of a table that stand for its printed lines, in order."""
    found = registry.module(f"table{number}").ROWS.values()
    return [row for row in found if not row.name.endswith(TWINS)]


def batch_sizes(row):
    return tuple(dict.fromkeys(stage.batch_size for stage in row.stages))


def printed_of(row, *metrics):
    """The row's printed values, of just these metrics and no others."""
    assert set(row.paper) == set(metrics), row.name
    return tuple(row.paper[metric] for metric in metrics)


def f1_of(row):
    """The F1 score, or 'diverged' in its place."""
    (metric,) = set(row.paper) & {"f1", "status"}
    return row.paper[metric]


def test_table_1():
    for line, row in zip(TABLES[1].lines, rows(1)):
        solver, batch, steps, f1, chips, time = line
        assert row.label.split()[0] == solver
        assert batch_sizes(row) == PRINTED.batches(batch)
        assert row.steps == PRINTED.steps(steps)
        assert printed_of(row, "f1", "chips", "time") == (float(f1), int(chips), time)
    assert len(rows(1)) == len(TABLES[1].lines) == 9


def test_table_2():
    wanted = []
    for place, solver in ((1, "LARS"), (2, "LAMB")):
        for column in TABLES[2].columns:
            value = "diverged" if column[place] == "diverge" else float(column[place])
            wanted.append((solver, PRINTED.batches(column[0]), value))
    found = [(row.label.split()[0], batch_sizes(row), f1_of(row)) for row in rows(2)]
    assert found == wanted and len(found) == 14
    assert all(set(row.paper) <= {"f1", "status"} for row in rows(2))


def test_table_3():
    wanted = {}
    for names, values in TABLES[3].columns:
        wanted.update(zip(names.split("/"), map(float, values.split("/"))))
    assert {row.label: printed_of(row, "top1")[0] for row in rows(3)} == wanted
    assert [row.label for row in rows(3)] == list(wanted) and len(wanted) == 8
    assert TABLES[3].caption == ["batch size of 16K", "(90 epochs)"]
    assert {(row.batch_size, row.epochs) for row in rows(3)} == {(16 * PRINTED.K, 90)}


def test_table_4():
    for (batch, rate, ratio, f1, exact), row in zip(TABLES[4].columns, rows(4)):
        assert batch_sizes(row) == PRINTED.batches(batch)
        assert row.learning_rate == PRINTED.fraction(rate)
        assert row.warmup_ratio == PRINTED.fraction(ratio)
        assert printed_of(row, "f1", "exact_match") == (float(f1), float(exact))
    assert len(rows(4)) == len(TABLES[4].columns) == 7
    last = rows(4)[-1]
    assert TABLES[4].caption == [f"{last.steps} iterations", f"{last.warmup_steps} iterations"]


def test_table_5():
    for (batch, rate, warmup, top5, top1), row in zip(TABLES[5].columns, rows(5)):
        assert batch_sizes(row) == PRINTED.batches(batch)
        assert row.learning_rate == PRINTED.fraction(rate)
        assert row.warmup_epochs == float(warmup)
        assert printed_of(row, "top5", "top1") == (float(top5), float(top1))
    assert len(rows(5)) == len(TABLES[5].columns) == 7
    assert TABLES[5].caption == ["(90 epochs)"] and {row.epochs for row in rows(5)} == {90}


@pytest.mark.parametrize(("number", "batch", "epochs"), [(6, 512, 24), (7, 1024, 30)])
def test_tables_6_and_7(number, batch, epochs):
    caption = TABLES[number].caption
    assert {f"batch size = {batch}", f"{epochs} epochs"} <= {text.lower() for text in caption}
    for (optimizer, accuracy), row in zip(TABLES[number].columns, rows(number)):
        assert row.label == optimizer
        assert printed_of(row, "accuracy") == (float(accuracy),)
        assert (row.batch_size, row.epochs) == (batch, epochs)
    assert len(rows(number)) == len(TABLES[number].columns) == 5


def test_the_tuning_spaces_of_tables_6_and_7():
    rates, decays = map(PRINTED.numbers, TABLES[6].caption[2:])
    for row in rows(6):
        if row.grid:
            # Table 6's rates are in units of the batch where the loss is a mean.
            factors = {a / b for a, b in zip(row.grid["learning_rate"], rates)}
            assert len(row.grid["learning_rate"]) == len(rates) == 34
            assert all(f == pytest.approx(1 / 512) for f in factors)
        assert list(row.grid.get("weight_decay", decays)) == decays
    (rates,) = (PRINTED.numbers(text) for text in TABLES[7].caption if text.startswith("{"))
    assert all(list(row.grid["learning_rate"]) == rates for row in rows(7))


def test_table_8():
    for line, row in zip(TABLES[8].lines, rows(8)):
        solver, batch, warmup, rate, last, f1 = line
        assert (row.optimizer, solver) == ("bert_adamw", "ADAMW")
        assert batch_sizes(row) == PRINTED.batches(batch)
        ratio, steps = warmup.split("×")
        assert (row.warmup_ratio, row.steps) == (float(ratio), int(steps))
        assert row.learning_rate == float(rate)
        assert f"loss={row.paper_last_loss:.5f}, step={row.paper_last_step}" == last
        assert str(f1_of(row)).ljust(len(f1), "0") == f1
        assert set(row.paper) - {"f1", "status"} == {"last_loss", "last_step"}
    assert len(rows(8)) == len(TABLES[8].lines) == 9


@pytest.mark.parametrize("number", TUNING)
def test_a_tuning_table(number):
    found = []
    for row in rows(number):
        settings = [row.learning_rate]
        if row.optimizer == "adamw":
            l2 = f"default ({row.l2_regularization:g})" if row.l2_regularization else "disable"
            settings += [row.weight_decay, l2]
        found.append((*settings, *printed_of(row, "top1")))
    wanted = [
        tuple(cell if cell[0] == "d" else float(cell) for cell in line)
        for line in TABLES[number].lines
    ]
    assert found == wanted
    assert TABLES[number].caption == ["batch size = 16384", "90 epochs", "7038 iterations"]
    assert {(row.batch_size, row.epochs, row.steps) for row in rows(number)} == {(16384, 90, 7038)}


def test_rows_beside_a_printed_line_print_the_same_values():
    beside = 0
    for number in TABLES:
        table = registry.module(f"table{number}").ROWS
        for row in table.values():
            if row.name.endswith(TWINS):
                base = next(row.name[: -len(end)] for end in TWINS if row.name.endswith(end))
                assert set(row.paper.items()) <= set(table[base].paper.items()), row.name
                beside += 1
    assert beside


def test_the_results_that_stand_in_the_text_alone():
    found = {row.name: row.paper for row in registry.matching("section4*")}
    lamb = found["section41/lamb-16384-finetuned"]["f1"]
    assert f"F1 score of {lamb} for the batch size of 16K" in SECTIONS["4.1"]
    for batch, sentence in (("32768", "32K, LAMB achieves"), ("2048", "2K, LAMB is able")):
        (text,) = (text for text in SECTIONS["4.2"] if sentence in text)
        for optimizer in ("lamb", "lars"):
            top1 = found[f"section42/{optimizer}-{batch}"].pop("top1")
            assert f"{100 * top1:.4g}%" in text
    assert found["section41/adamw-65536-32768"] == {"status": "no reasonable result"}
    assert found["section41/lamb-16384"] == {"f1": 91.345}
    printed = {name for name, values in found.items() if values}
    assert printed == {
        *("section41/adamw-65536-32768", "section41/lamb-16384", "section41/lamb-16384-finetuned"),
    }


def test_every_table_is_in_the_fixture_with_as_many_numbers_as_it_prints():
    assert list(TABLES) == list(range(1, 26)) == [int(t[5:]) for t in registry.PAPER_TABLES]
    assert [len(TABLES[n].lines) for n in TUNING] == [27, 27, 11, 19] + 13 * [20]
    for table in TABLES.values():
        assert {len(line) for line in table.lines} == {len(table.header)}


def test_the_digits_of_the_tuning_tables_are_those_of_counts_of_49152_images():
    """So a digit read wrong in the fixture would show: all but Table 11's have float32's digits."""

    def float32(value):
        return struct.unpack("f", struct.pack("f", value))[0]

    for number in TUNING:
        for *_, text in TABLES[number].lines:
            count = round(float(text) * 49152)
            if number == 11:
                assert len(text) == 6
            else:
                assert float32(float(text)) == float32(count / 49152), (number, text)


def test_the_reader_finds_the_same_in_a_text_of_the_paper(tmp_path, capsys):
    """The check against the paper itself, on a text made of the fixture."""
    parts = [" ".join(phrases) for phrases in SECTIONS.values()]
    for number, table in TABLES.items():
        lines = ["\t".join(line) for line in (table.header, *table.lines)]
        parts.append(f"Table {number}: {' '.join(table.caption)}\n\n" + "\n".join(lines))
    text = "\n\n".join(parts) + "\n"
    path = tmp_path / "paper.txt"
    path.write_text(text)
    assert PRINTED.main(str(path)) == 0
    assert "25 tables, 1414 cells: as in" in capsys.readouterr().out
    path.write_text(text.replace("0.73476154", "0.73476155").replace("91.688", "91.687"))
    assert PRINTED.main(str(path)) == 1
    said = capsys.readouterr().out
    assert "Table 12: ['0.002', '0.73476154'] here" in said and "section 4.1" in said
