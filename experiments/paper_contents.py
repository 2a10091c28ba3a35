"""What the paper and the lecture contain, and where this suite has it: the map's own text.

A place is (what, its name there, references); a reference is 'folder/file.py' or, with a name that
the file defines, 'folder/file.py:name'.
"""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    where: str  # section 3.2, equation 3
    what: str
    references: str  # separated by spaces; '': nothing to implement


SECTIONS = (
    Place("1", "Introduction: linear scaling, warm-up, layer-wise rates", "optimizers/scaling.py"),
    Place("1.1", "Related work: Goyal et al.'s scheme", "optimizers/schedules.py:GoyalSchedule"),
    Place("2", "Preliminaries: notation, smoothness, noise", "experiments/theorems.py:Quadratic"),
    Place("3", "The general strategy: unit updates, scaled by phi of the weights' norm",
          "optimizers/rule.py:LayerwiseOptimizer optimizers/norms.py:trust_ratio"),
    Place("3.1", "LARS", "optimizers/lars.py:LARS"),
    Place("3.2", "LAMB", "optimizers/lamb.py:LAMB"),
    Place("4", "Set-up: beta, decay of the rate, square-root scaling, linear-epoch warm-up",
          "optimizers/schedules.py:WarmupPolynomialDecay optimizers/scaling.py:sqrt_scaling "
          "experiments/rates.py:learning_rate"),
    Place("4.1", "BERT: two stages, mixed batch with re-warm-up, fine-tuning on SQuAD",
          "experiments/bert.py:BERT_LARGE experiments/table1.py:ROWS "
          "experiments/pretraining.py:Pretraining experiments/finetuning.py:run "
          "data/create_pretraining_data.py:main models/bert.py:bert_pretrainer "
          "experiments/section41.py:ROWS"),
    Place("4.2", "ImageNet with ResNet-50",
          "experiments/imagenet.py:RESNET50 experiments/section42.py:ROWS "
          "experiments/classification.py:ImageNetClassification models/resnet.py:resnet50 "
          "data/imagenet.py:find_imagenet"),
    Place("4.3", "Hyper-parameters for scaling the batch size",
          "experiments/table4.py:ROWS experiments/table5.py:ROWS "
          "optimizers/scaling.py:sqrt_scaling optimizers/scaling.py:legw_warmup_epochs"),
    Place("5, 6", "Conclusion, acknowledgement", ""),
    Place("A", "Proof of Theorem 2; its constants", "experiments/theorems.py:bound"),
    Place("B", "Proof of Theorem 3; its constants", "experiments/theorems.py:bound"),
    Place("C", "Comparison of convergence rates: psi, measured in training, and what it foretells",
          "experiments/psi.py:Psi experiments/layer_looks.py:smoothness "
          "experiments/density_record.py:summary"),
    Place("D", "N-LAMB and NN-LAMB",
          "optimizers/nesterov_lamb.py:NLAMB optimizers/nesterov_lamb.py:NNLAMB "
          "optimizers/nadam.py:Nadam experiments/figure1.py:ROWS"),
    Place("E", "LAMB without adam-correction",
          "optimizers/lamb.py:bias_correction experiments/figure2.py:ROWS"),
    Place("F", "LAMB with other norms", "optimizers/norms.py:norm experiments/figure3.py:ROWS"),
    Place("G", "MNIST and CIFAR-10 at regular batch sizes",
          "experiments/table6.py:ROWS experiments/table7.py:ROWS models/dawnbench.py:davidnet "
          "models/lenet.py:lenet5 data/training.py:train_dataset data/augment.py:draw"),
    Place("H", "Details: default settings, the validation loss",
          "experiments/bert.py:LAMB_SETTINGS "
          "experiments/claims/statistics.py:disagreeing"),
    Place("H.0.1", "BERT with AdamW, loss curves, scaling efficiency",
          "experiments/table8.py:ROWS optimizers/bert_adamw.py:BertAdamW "
          "experiments/figures.py:batch_sizes experiments/figures_scaling.py:efficiency"),
    Place("H.0.2", "Trust ratios of the layers",
          "optimizers/rule.py:Statistics experiments/figures_trust.py:iterations"),
    Place("H.1", "Tuning of the baselines",
          "experiments/imagenet.py:tuning experiments/figures_tuning.py:SETS"),
)  # fmt: skip

FORMULAS = (
    Place("Equation 1", "The objective f", "experiments/theorems.py:Quadratic"),
    Place("Equation 2", "Smoothness by layers; L(x, g) along the gradient as an estimate",
          "experiments/theorems.py:Quadratic experiments/curvature.py:along_gradient"),
    Place("SGD (unnumbered)", "The update of SGD, with its regularization",
          "optimizers/keras_baselines.py:SGD"),
    Place("Equation 3", "The layer-wise normalised update",
          "optimizers/rule.py:LayerwiseOptimizer optimizers/norms.py:phi"),
    Place("Equations 4 to 6", "Steps of the proof of Theorem 2: its bound in full",
          "experiments/theorems.py:bound"),
    Place("Equations 7 to 10", "Steps of the proof of Theorem 3: its bound in full",
          "experiments/theorems.py:bound"),
    Place("Algorithm 1", "LARS", "optimizers/lars.py:LARS"),
    Place("Algorithm 2", "LAMB", "optimizers/lamb.py:LAMB"),
    Place("Algorithm 3", "N-LAMB", "optimizers/nesterov_lamb.py:NLAMB"),
    Place("Algorithm 4", "NN-LAMB", "optimizers/nesterov_lamb.py:NNLAMB"),
    Place("psi_g, psi_L, psi_sigma (unnumbered)", "Appendix C: densities over the layers",
          "experiments/psi.py:of_training experiments/layer_looks.py:noise"),
    Place("Theorem 1", "SGD", "experiments/theorems.py:THEOREMS experiments/theorems.py:bound"),
    Place("Theorem 2", "LARS", "experiments/theorems.py:THEOREMS experiments/theorems.py:bound"),
    Place("Theorem 3", "LAMB", "experiments/theorems.py:THEOREMS experiments/theorems.py:bound"),
)  # fmt: skip

# The tables' rows are in the modules named after them; here, what else the figures need.
FIGURES = (
    Place("Figure 1", "LAMB, N-LAMB, NN-LAMB, momentum, Nadam",
          "experiments/figure1.py:ROWS experiments/figures_points.py:by_optimizer"),
    Place("Figure 2", "adam-correction and warm-up",
          "experiments/figure2.py:ROWS experiments/figures_points.py:by_optimizer"),
    Place("Figure 3", "Norms", "experiments/figure3.py:ROWS "
          "experiments/figures_points.py:by_optimizer"),
    Place("Figure 4", "CIFAR-10: LAMB and the other solvers",
          "experiments/table6.py:ROWS experiments/figures_points.py:by_optimizer"),
    Place("Figure 5", "Validation loss against accuracy",
          "experiments/figures_loss.py:clouds experiments/figures_loss.py:draw"),
    Place("Figure 6", "BERT's loss by batch size",
          "experiments/figures.py:batch_sizes experiments/figures.py:draw"),
    Place("Figure 7", "BERT's loss with the mixed batch",
          "experiments/figures.py:mixed_batch experiments/figures.py:draw"),
    Place("Figure 8", "Scaling efficiency",
          "experiments/figures_scaling.py:draw experiments/step_time.py:fit"),
    Place("Figures 9 to 14", "Trust ratios by layer",
          "experiments/figure9.py:ROWS experiments/figures_trust.py:draw"),
)  # fmt: skip

LECTURE = (
    Place("Sharpness of a minimum (Keskar et al.)",
          "The formula, on the lecture's box and on Keskar et al.'s",
          "experiments/sharpness.py:half_widths experiments/box_maximum.py"),
    Place("|w| / |g| of AlexNet's layers", "The ratios at the first iteration",
          "experiments/layer_ratios.py:measure"),
    Place("Method of Goyal et al. on AlexNet; effects of LARS", "AlexNet and AlexNet-BN",
          "experiments/alexnet.py:ROWS models/caffe_alexnet.py:alexnet "
          "models/caffe_alexnet.py:alexnet_bn"),
    Place("LARS of 2017", "Its form, beside the paper's", "optimizers/lars.py:LARS"),
    Place("Iterations at a fixed number of epochs", "With their communication",
          "experiments/scaling_tables.py:iterations experiments/communication.py:tree_seconds"),
    Place("Table 2", "Messages and bytes by batch size",
          "experiments/scaling_tables.py:messages"),
    Place("Table 3", "Computation against communication", "experiments/scaling_tables.py:ratios"),
    Place("Table 6", "Speed-up of AlexNet", "experiments/lecture6.py:ROWS"),
    Place("Table 7", "Speed-up of ResNet-50", "experiments/lecture7.py:ROWS"),
    Place("Efficient global summation", "1-D ring, 2-D torus",
          "experiments/communication.py:span experiments/communication.py:all_reduce_seconds"),
    Place("Distributed batch normalization", "Groups of replicas share statistics",
          "models/grouped_norm.py:GroupedBatchNormalization"),
    Place("LEGW", "sqrt(k) times the rate, k times the epochs of warm-up",
          "optimizers/scaling.py:legw_warmup_epochs experiments/lstm.py:ROWS "
          "models/lstm.py:lstm_classifier"),
    Place("Why LEGW works", "The curvature along the gradient over the first epochs",
          "experiments/curvature.py:along_gradient experiments/lipschitz.py:summary"),
    Place("The limit of the batch size (abstract)", "Up to all of ImageNet; ultra-slow diffusion",
          "experiments/limit.py:ROWS experiments/distance.py:fits"),
)  # fmt: skip

# Where the docstring of a class says how a printed formula was read, and how the paragraph begins.
READINGS = (
    ("Algorithm 1", "optimizers/lars.py:LARS", "Where φ or the denominator"),
    ("Algorithm 2", "optimizers/lamb.py:LAMB", "Reading of the printed box"),
    ("Algorithms 3 and 4", "optimizers/nesterov_lamb.py:NLAMB", "How the printed formulas"),
)
