"""Many runs: planned, run side by side, watched."""
