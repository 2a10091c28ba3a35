"""experiments: what the paper ran: one row a run, a module a table; run, sweep and report.

Nothing here imports TensorFlow except where a run starts (`launch`)."""
