"""Loops over rows, compiled: each runs without the GIL and allocates nothing."""
