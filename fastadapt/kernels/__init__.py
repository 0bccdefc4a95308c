"""Compiled loops around a rule: the only folder of the core that says njit, prange and cuda.jit."""
