"""The paper's experiments: a row for each run, a module for each table; run, sweep and report.

TensorFlow is imported only where a run starts (`launching.launch`)."""
