"""The first author's public code and logs, as the sources of rows name them.

Each is a repository at the commit that was read. What is deduced from it, not read in it, a source
says itself: '(inferred)'.
"""

from __future__ import annotations

DAVIDNET = "fastalgo/davidnet-cifar @57a2b11"
NOTEBOOK = "fenwickslab/dl_tutorials @0e8088f tutorial3_cifar10_davidnet_fix.ipynb"
FENWICKS = "fenwickslab/fenwicks @366c4e9"
MNIST = "fastalgo/mnist_tpu @9d6ba7d"
RESNET50 = "fastalgo/imagenet_resnet50_lamb @b778c4c"
RESNET50_64K = "fastalgo/imagenet_resnet50_lamb @4d140ea"
TPU = "fastalgo/tpu-1 @9bdbbc2"
LARS_PYTORCH = "NUS-HPC-AI-Lab/LARS-ImageNet-PyTorch @a8222c6"
LAMB_PYTORCH = "NUS-HPC-AI-Lab/pytorch-lamb @638a309"

# Adam's and AdamW's in TensorFlow 1, and so in the paper's rows; Keras's is 1e-7.
ADAM_EPSILON = 1e-8
ADAM = f"TensorFlow 1's AdamOptimizer and its defaults, epsilon 1e-8: {MNIST}, adam/ at 2c4e496"

# Test images that the code scores, where it leaves the last of them out.
IMAGENET_SUBSET = 48 * 1024  # of 50,000
CIFAR10_SUBSET = 8 * 1000  # of 10,000
AS_RUN = "-as-run"  # ends the name of a row that follows the code where paper and code differ
