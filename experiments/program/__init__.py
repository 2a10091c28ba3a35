"""What every program of the experiments shares: a user's mistake, tables of text."""
