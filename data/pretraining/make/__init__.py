"""Makes pre-training shards."""
