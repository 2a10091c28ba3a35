"""A run's record: written, read, compared, the best of a grid."""
