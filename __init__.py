"""largebatch: the experiments of the LAMB paper, rerun, checked and extended in TensorFlow."""

from largebatch import interrupts

if interrupts.starts_a_program():
    interrupts.settle()  # before anything else is imported

from largebatch import programs, stack

__version__ = "0.1.0"

stack.settle()
programs.settle()
