"""What every program shares: flags, mistakes in one line, a quiet start."""
