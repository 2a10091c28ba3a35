"""SQuAD v1.1: windows, datasets, answers."""
