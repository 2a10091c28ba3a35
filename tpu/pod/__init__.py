"""Runs a row on a Cloud TPU pod."""
