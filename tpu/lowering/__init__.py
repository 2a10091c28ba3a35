"""A task's step as HLO, and what a TPU would refuse in it."""
