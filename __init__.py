"""largebatch: the experiments of the LAMB paper, rerun, checked and extended in TensorFlow."""

__version__ = "0.1.0"
