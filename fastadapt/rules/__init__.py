"""The catalogue: one file a family, two pure functions a rule."""
