"""The rows: a module a table, figure or study, and the registry of all."""
