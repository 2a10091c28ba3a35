"""What the first author's public code and logs show of the printed results, fact by fact.

Read from snapshots of the repositories; nothing of their code is here. "(inferred)" marks what is
deduced, not read. A fact names the repository, the commit and the file or folder.
"""

from __future__ import annotations

from typing import NamedTuple

from largebatch.experiments.rows.author_code import DAVIDNET, MNIST, NOTEBOOK, RESNET50


class Fact(NamedTuple):
    about: str  # the table that it belongs to
    printed: str  # what the paper says
    shown: str  # what code or logs show
    source: str


_SEARCH = f"{DAVIDNET}: lamb_correct/ (nohup.out, 2 to 12 May 2019)"
_OLDER = f"{DAVIDNET}: adam/, adamw/, adagard/, lamb/"

FACTS = (
    Fact(
        "Table 6",
        "learning rates 0.0001 to 50",
        "The loss is summed over the 512 images and the schedule divides the rate by 512, so a "
        "printed rate r is r / 512 on a mean loss; that the other optimizers' rates are in the "
        "same units is inferred from adam2/, which walks the same grid.",
        f"{DAVIDNET}: lamb_correct/lamb_davidnet_cifar10.py, adam2/run.sh",
    ),
    Fact(
        "Table 6",
        "LAMB 0.9408; learning rate tuned, default decay 0.01",
        "The best of 1,645 runs over rate, decay (0.01 to 3) and warm-up (2 to 9 epochs): rate "
        "10, decay 1.0, warm-up 6, 0.940875, cut off after four digits. Five more runs of that "
        "setting: mean 0.93598, standard deviation 0.0014. All runs with decay 0.01 at rates 6 to "
        "12: mean 0.93284, best 0.936625.",
        _SEARCH,
    ),
    Fact(
        "Table 6",
        "test accuracy",
        "The evaluation stops after the first 8,000 of the 10,000 test images: all 1,645 results "
        "are multiples of 1/8000, and 1,244 of them are no multiple of 1/10000. The older logs are "
        "multiples of 1/10000.",
        _SEARCH,
    ),
    Fact(
        "Table 6",
        "momentum 0.9372, TensorFlow on TPU",
        "The stored output of a notebook: one run on a single device, without cutout, all 10,000 "
        "test images. The TPU notebook beside it shows 0.9302.",
        f"{NOTEBOOK}; tutorial2 beside it",
    ),
    Fact(
        "Table 6",
        "AdamW 0.9271, LAMB better than the other adaptive optimizers",
        "0.9271 is in no log. AdamW's best is 0.9340, at the largest rate that was tried; the best "
        "of LAMB's 144 runs in the same older code is 0.9338.",
        _OLDER,
    ),
    Fact(
        "Table 6",
        "Adam 0.9225, AdaGrad 0.9074",
        "In no log. The logs of the folder adam/ are of LAMB's code; AdaGrad's best log is 0.9044.",
        _OLDER,
    ),
    Fact(
        "Table 6",
        "24 epochs for all",
        "The logs of AdamW and AdaGrad ran 30 epochs, without cutout; AdaGrad and one set of AdamW "
        "at a constant rate.",
        _OLDER,
    ),
    Fact(
        "Table 7",
        "LeNet",
        "TensorFlow's tutorial network: 5 x 5 convolutions of 32 and 64 channels, a dense layer of "
        "1,024, dropout 0.4: 3,274,634 parameters.",
        f"{MNIST}: mnist_tpu.py in every folder that has a log",
    ),
    Fact(
        "Table 7",
        "AdamW 0.9941 and LAMB 0.9945, means of 5 runs",
        "adamw/optimization.py is byte for byte LAMB's earlier file, trust ratio included, and the "
        "four logs of AdamW were made by it: 0.9938 0.9935 0.9947 0.9940, mean 0.9940. LAMB's five "
        "of that setting: mean 0.99372. The best mean of five runs in any log is 0.99404.",
        f"{MNIST}: adamw/ (@2af406c, @b90a737), lamb/ (@2c4e496, @3128fc9)",
    ),
    Fact(
        "Table 7",
        "the same warm-up and decay for all, rates 0.0001, 0.001, 0.01, 0.1",
        "LAMB (and AdamW): one epoch of warm-up, then (1 - t/T)^0.5, rate 0.004. Adam: a constant "
        "0.004, no warm-up. Momentum: 0.08, no warm-up, 34 epochs. None of these rates is on the "
        "printed grid.",
        f"{MNIST}: lamb/, adam/ (@2c4e496), momentum_poly/",
    ),
    Fact("Table 7", "AdaGrad 0.9928", "There is neither a script nor a log.", MNIST),
    Fact(
        "Table 5",
        "default settings: decay 0.01; eta_0 (1 - t/T)",
        "LAMB at 32K: decay 1.5, label smoothing 0.1, no bias correction, gradients clipped on "
        "each core, the decay of the rate counted from the end of warm-up: top-1 0.76337, top-5 "
        "0.93018 on 49,152 images. That the printed 0.7642 and 0.9308 are of such a run is "
        "inferred.",
        f"{RESNET50}: run.sh, log.out",
    ),
    Fact(
        "Tables 13 to 25",
        "L2 regularization 'default (0.01)'",
        "The flag for L2 in the loss has another default, 1e-3 there and 1e-4 in fastalgo/tpu-1 "
        "@9bdbbc2; that this flag is meant is inferred.",
        RESNET50,
    ),
)
