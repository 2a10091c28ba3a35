"""Smaller programs: exports of trained weights, traces of rates."""
