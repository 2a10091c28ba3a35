"""A row's training as portable programs: `python -m largebatch.experiments.export_program`."""
