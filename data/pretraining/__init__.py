"""Pre-training shards: made and read."""
