"""Minimizing functions with the rules: one, under SciPy too, or thousands at once; and checking their gradients."""
