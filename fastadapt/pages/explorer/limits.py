"""Limits of the page and of the command alike; this file imports nothing, so that the command line can read it."""

BATCH = (8, 2048)
"""The fewest examples that a step is averaged over, and the most."""
