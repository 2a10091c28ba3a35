"""A run's folder: paths, lock, checkpoints."""
