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
    Place("2", "Preliminaries: notation, smoothness, noise",
          "experiments/analyses/theorems.py:Quadratic"),
    Place("3", "The general strategy: unit updates, scaled by phi of the weights' norm",
          "optimizers/layerwise.py:LayerwiseOptimizer optimizers/norms.py:trust_ratio"),
    Place("3.1", "LARS", "optimizers/lars.py:LARS"),
    Place("3.2", "LAMB", "optimizers/lamb.py:LAMB"),
    Place("4", "Set-up: beta, decay of the rate, square-root scaling, linear-epoch warm-up",
          "optimizers/schedules.py:WarmupPolynomialDecay optimizers/scaling.py:sqrt_scaling "
          "experiments/tasks/schedule.py:learning_rate"),
    Place("4.1", "BERT: two stages, mixed batch with re-warm-up, fine-tuning on SQuAD",
          "experiments/recipes/bert.py:BERT_LARGE experiments/tables/table1.py:ROWS "
          "experiments/tasks/pretraining.py:Pretraining experiments/tasks/finetuning.py:run "
          "data/create_pretraining_data.py:main models/bert.py:bert_pretrainer "
          "experiments/tables/section41.py:ROWS"),
    Place("4.2", "ImageNet with ResNet-50",
          "experiments/recipes/imagenet.py:RESNET50 experiments/tables/section42.py:ROWS "
          "experiments/tasks/classification.py:ImageNetClassification models/resnet.py:resnet50 "
          "data/imagenet/files.py:find_imagenet"),
    Place("4.3", "Hyper-parameters for scaling the batch size",
          "experiments/tables/table4.py:ROWS experiments/tables/table5.py:ROWS "
          "optimizers/scaling.py:sqrt_scaling optimizers/scaling.py:legw_warmup_epochs"),
    Place("5, 6", "Conclusion, acknowledgement", ""),
    Place("A", "Proof of Theorem 2; its constants", "experiments/analyses/theorems.py:bound"),
    Place("B", "Proof of Theorem 3; its constants", "experiments/analyses/theorems.py:bound"),
    Place("C", "Comparison of convergence rates: psi, measured in training, and what it foretells",
          "experiments/analyses/psi.py:Psi experiments/analyses/layer_looks.py:smoothness "
          "experiments/analyses/density_record.py:summary"),
    Place("D", "N-LAMB and NN-LAMB",
          "optimizers/nesterov_lamb.py:NLAMB optimizers/nesterov_lamb.py:NNLAMB "
          "optimizers/nadam.py:Nadam experiments/tables/figure1.py:ROWS"),
    Place("E", "LAMB without adam-correction",
          "optimizers/lamb.py:bias_correction experiments/tables/figure2.py:ROWS"),
    Place("F", "LAMB with other norms",
          "optimizers/norms.py:norm experiments/tables/figure3.py:ROWS"),
    Place("G", "MNIST and CIFAR-10 at regular batch sizes",
          "experiments/tables/table6.py:ROWS experiments/tables/table7.py:ROWS "
          "models/dawnbench.py:davidnet "
          "models/lenet.py:lenet5 data/images/training.py:train_dataset "
          "data/images/augment.py:draw"),
    Place("H", "Details: default settings, the validation loss",
          "experiments/recipes/bert.py:LAMB_SETTINGS "
          "experiments/claims/statistics.py:disagreeing"),
    Place("H.0.1", "BERT with AdamW, loss curves, scaling efficiency",
          "experiments/tables/table8.py:ROWS optimizers/bert_adamw.py:BertAdamW "
          "experiments/reporting/figures/bert_loss.py:batch_sizes "
          "experiments/reporting/figures/efficiency.py:efficiency"),
    Place("H.0.2", "Trust ratios of the layers",
          "optimizers/base.py:Statistics experiments/reporting/figures/trust_ratios.py:iterations"),
    Place("H.1", "Tuning of the baselines",
          "experiments/recipes/imagenet.py:tuning experiments/reporting/figures/tuning.py:SETS"),
)  # fmt: skip

FORMULAS = (
    Place("Equation 1", "The objective f", "experiments/analyses/theorems.py:Quadratic"),
    Place("Equation 2", "Smoothness by layers; L(x, g) along the gradient as an estimate",
          "experiments/analyses/theorems.py:Quadratic "
          "experiments/analyses/curvature.py:along_gradient"),
    Place("SGD (unnumbered)", "The update of SGD, with its regularization",
          "optimizers/keras_baselines.py:SGD"),
    Place("Equation 3", "The layer-wise normalised update",
          "optimizers/layerwise.py:LayerwiseOptimizer optimizers/norms.py:phi"),
    Place("Equations 4 to 6", "Steps of the proof of Theorem 2: its bound in full",
          "experiments/analyses/theorems.py:bound"),
    Place("Equations 7 to 10", "Steps of the proof of Theorem 3: its bound in full",
          "experiments/analyses/theorems.py:bound"),
    Place("Algorithm 1", "LARS", "optimizers/lars.py:LARS"),
    Place("Algorithm 2", "LAMB", "optimizers/lamb.py:LAMB"),
    Place("Algorithm 3", "N-LAMB", "optimizers/nesterov_lamb.py:NLAMB"),
    Place("Algorithm 4", "NN-LAMB", "optimizers/nesterov_lamb.py:NNLAMB"),
    Place("psi_g, psi_L, psi_sigma (unnumbered)", "Appendix C: densities over the layers",
          "experiments/analyses/psi.py:of_training experiments/analyses/layer_looks.py:noise"),
    Place("Theorem 1", "SGD",
          "experiments/analyses/theorems.py:THEOREMS experiments/analyses/theorems.py:bound"),
    Place("Theorem 2", "LARS",
          "experiments/analyses/theorems.py:THEOREMS experiments/analyses/theorems.py:bound"),
    Place("Theorem 3", "LAMB",
          "experiments/analyses/theorems.py:THEOREMS experiments/analyses/theorems.py:bound"),
)  # fmt: skip

# The tables' rows are in the modules named after them; here, what else the figures need.
FIGURES = (
    Place("Figure 1", "LAMB, N-LAMB, NN-LAMB, momentum, Nadam",
          "experiments/tables/figure1.py:ROWS "
          "experiments/reporting/figures/batches.py:by_optimizer"),
    Place("Figure 2", "adam-correction and warm-up",
          "experiments/tables/figure2.py:ROWS "
          "experiments/reporting/figures/batches.py:by_optimizer"),
    Place("Figure 3", "Norms", "experiments/tables/figure3.py:ROWS "
          "experiments/reporting/figures/batches.py:by_optimizer"),
    Place("Figure 4", "CIFAR-10: LAMB and the other solvers",
          "experiments/tables/table6.py:ROWS "
          "experiments/reporting/figures/batches.py:by_optimizer"),
    Place("Figure 5", "Validation loss against accuracy",
          "experiments/reporting/figures/loss_accuracy.py:clouds "
          "experiments/reporting/figures/loss_accuracy.py:draw"),
    Place("Figure 6", "BERT's loss by batch size",
          "experiments/reporting/figures/bert_loss.py:batch_sizes "
          "experiments/reporting/figures/bert_loss.py:draw"),
    Place("Figure 7", "BERT's loss with the mixed batch",
          "experiments/reporting/figures/bert_loss.py:mixed_batch "
          "experiments/reporting/figures/bert_loss.py:draw"),
    Place("Figure 8", "Scaling efficiency",
          "experiments/reporting/figures/efficiency.py:draw experiments/costs/step_time.py:fit"),
    Place("Figures 9 to 14", "Trust ratios by layer",
          "experiments/tables/figure9.py:ROWS experiments/reporting/figures/trust_ratios.py:draw"),
)  # fmt: skip

LECTURE = (
    Place("Sharpness of a minimum (Keskar et al.)",
          "The formula, on the lecture's box and on Keskar et al.'s",
          "experiments/analyses/sharpness.py:half_widths experiments/analyses/box_maximum.py"),
    Place("|w| / |g| of AlexNet's layers", "The ratios at the first iteration",
          "experiments/analyses/layer_ratios.py:measure"),
    Place("Method of Goyal et al. on AlexNet; effects of LARS", "AlexNet and AlexNet-BN",
          "experiments/tables/alexnet.py:ROWS models/caffe_alexnet.py:alexnet "
          "models/caffe_alexnet.py:alexnet_bn"),
    Place("LARS of 2017", "Its form, beside the paper's", "optimizers/lars.py:LARS"),
    Place("Iterations at a fixed number of epochs", "With their communication",
          "experiments/costs/scaling_tables.py:iterations "
          "experiments/costs/all_reduce.py:tree_seconds"),
    Place("Table 2", "Messages and bytes by batch size",
          "experiments/costs/scaling_tables.py:messages"),
    Place("Table 3", "Computation against communication",
          "experiments/costs/scaling_tables.py:ratios"),
    Place("Table 6", "Speed-up of AlexNet", "experiments/tables/lecture6.py:ROWS"),
    Place("Table 7", "Speed-up of ResNet-50", "experiments/tables/lecture7.py:ROWS"),
    Place("Efficient global summation", "1-D ring, 2-D torus",
          "experiments/costs/all_reduce.py:span "
          "experiments/costs/all_reduce.py:all_reduce_seconds"),
    Place("Distributed batch normalization", "Groups of replicas share statistics",
          "models/grouped_norm.py:GroupedBatchNormalization"),
    Place("LEGW", "sqrt(k) times the rate, k times the epochs of warm-up",
          "optimizers/scaling.py:legw_warmup_epochs experiments/tables/lstm.py:ROWS "
          "models/lstm.py:lstm_classifier"),
    Place("Why LEGW works", "The curvature along the gradient over the first epochs",
          "experiments/analyses/curvature.py:along_gradient "
          "experiments/analyses/lipschitz.py:summary"),
    Place("The limit of the batch size (abstract)", "Up to all of ImageNet; ultra-slow diffusion",
          "experiments/tables/limit.py:ROWS experiments/analyses/distance.py:fits"),
)  # fmt: skip

# Where the docstring of a class says how a printed formula was read, and how the paragraph begins.
READINGS = (
    ("Algorithm 1", "optimizers/lars.py:LARS", "Where φ or the denominator"),
    ("Algorithm 2", "optimizers/lamb.py:LAMB", "Reading of the printed box"),
    ("Algorithms 3 and 4", "optimizers/nesterov_lamb.py:NLAMB", "How the printed formulas"),
)
