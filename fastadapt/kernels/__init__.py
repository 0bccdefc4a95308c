"""Compiled loops around a rule: the only folder that says njit, prange and cuda.jit."""
