"""largebatch: the experiments of the LAMB paper, rerun, checked and extended in TensorFlow."""

from largebatch import programs, stack

__version__ = "0.1.0"

stack.settle()
programs.settle()
