"""Table 5: untuned LAMB for ImageNet with ResNet-50, batch 512 to 32K (section 4.3).

python -m largebatch.experiments.sweep --table=5 --data_dir=TFDS
"""

from __future__ import annotations

from largebatch.experiments.recipes.imagenet import LAMB
from largebatch.experiments.recipes.small_scales import laptop, laptop_cifar10, smoke
from largebatch.experiments.rows.layout import Layout
from largebatch.experiments.rows.table import table, twins
from largebatch.experiments.tables import table5_as_run

__all__ = ["LAYOUT", "ROWS", "laptop", "laptop_cifar10", "smoke"]

LAYOUT = Layout(
    title="untuned LAMB for ImageNet with ResNet-50 across batch sizes (90 epochs)",
    measures="Top-1 Accuracy",
    seeds=1,
    corner="Batch size",
    settings=("batch size", "learning rate", "warm-up epochs"),
    labelled="batch size",
    halved_rates=(4, 2),
)

# fmt: off
_ROWS = table(
    "table5", LAMB, "{optimizer}-{batch_size}",
    "batch_size  learning_rate       warmup_epochs  norm_batch  label  paper_top5  paper_top1",
    (512,        4 / (2**3.0 * 100), 0.3125,        None,       "512", 0.9335,     0.7696),
    (1024,       4 / (2**2.5 * 100), 0.625,         None,       "1K",  0.9349,     0.7706),
    (2048,       4 / (2**2.0 * 100), 1.25,          None,       "2K",  0.9353,     0.7711),
    (4096,       4 / (2**1.5 * 100), 2.5,           None,       "4K",  0.9332,     0.7692),
    (8192,       4 / (2**1.0 * 100), 5,             None,       "8K",  0.9331,     0.7689),
    (16384,      4 / (2**0.5 * 100), 10,            None,       "16K", 0.9322,     0.7666),
    (32768,      4 / (2**0.0 * 100), 20,            128,        "32K", 0.9308,     0.7642),
)
# fmt: on
ROWS = twins({**_ROWS, **table5_as_run.rows(_ROWS)})
