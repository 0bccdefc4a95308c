"""Checkpoints: state dicts, taken and loaded strictly, and files."""
