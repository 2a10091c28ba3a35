"""Reads pre-training shards."""
