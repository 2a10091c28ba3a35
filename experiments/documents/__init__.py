"""The pages of docs/ that are generated from rows and results."""
