"""The runs of BERT's largest batch, each setting a line, whatever its rate and length."""

from largebatch.experiments.documents import bert_largest_batch
from largebatch.experiments.records.reader import find_runs

LAMB, LARS = "table1/lamb-32768", "table2/lars-32768"


def lines(tmp_path):
    found = bert_largest_batch.tried(find_runs(str(tmp_path))[0])
    return bert_largest_batch.sheet(found).rows


def test_each_rate_and_length_is_a_line_and_the_rows_own_is_marked(make_run, tmp_path):
    for seed, accuracy in enumerate((0.10, 0.20)):
        metrics = {"masked_lm_accuracy": accuracy, "masked_lm_loss": 6.0}
        make_run(LAMB, scale="laptop", seed=seed, metrics=metrics)
    metrics = {"masked_lm_accuracy": 0.3, "masked_lm_loss": 5.0}
    settings = {"total_steps": "608", "stage2_steps": "32"}
    make_run(LAMB, scale="laptop", settings=settings, metrics=metrics)
    make_run(LARS, scale="laptop", status="diverged")
    make_run(LARS, scale="laptop", settings={"dataset": "python_text"}, metrics=metrics)
    make_run("table1/lamb-512", scale="laptop", metrics=metrics)
    assert lines(tmp_path) == [
        ["LAMB", "0.04 *", "152", "10.5 million", "0.1500", "6.0000", "2"],
        ["LAMB", "0.04", "608", "41.9 million", "0.3000", "5.0000", "1"],
        ["LARS", "0.16 *", "152", "10.5 million", "diverged", "diverged", "1"],
    ]
