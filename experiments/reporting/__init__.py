"""The report: its model, its figures, its pages."""
