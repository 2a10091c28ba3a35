"""A row: one run of the paper, its settings and where each is from."""
