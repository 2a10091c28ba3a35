"""A row's step lowered, linted and compiled for machines that are not here."""
