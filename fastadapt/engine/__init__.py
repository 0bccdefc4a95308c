"""A step: prepare, reduce, decide, apply, commit."""
