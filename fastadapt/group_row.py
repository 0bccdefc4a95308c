"""The row of a group: the float64 numbers in which compiled code reads its hyperparameters, where it always was."""

OWN_NORM = 0
"""1 if the group, not the optimizer, says `max_norm` itself; its gradients then have a norm of their own."""

MAX_NORM = 1
"""The `max_norm` in force; infinite where there is no limit."""

OWN_VALUE = 2
"""1 if the group, not the optimizer, says `max_value` itself."""

MAX_VALUE = 3
"""The `max_value` in force; infinite where there is no limit."""

NONFINITE = 4
"""The index of `nonfinite` in its choices: 0 propagates, 1 skips, 2 raises."""

LOWER, UPPER = 5, 6
"""What weights of float64 are at least and at most; infinite without."""

LOWER_SINGLE, UPPER_SINGLE = 7, 8
"""The same as numbers of float32, rounded inward."""

AVERAGE = 9
"""The index of `average` in its choices: 0 is without."""

AVERAGE_DECAY, AVERAGE_WARMUP, AVERAGE_FROM = 10, 11, 12
"""Decay of the average, 1 if it warms up, and the steps of an array before the first that is averaged."""

SIGN = 13
"""What gradients are multiplied by: -1 to maximize, else 1."""

DECAY = 14
"""The coupled decay: so much of a weight is added to its gradient."""

KEEP = 15
"""What decoupled decay keeps of a weight: `1 - lr * weight_decay`, or 1 without."""

FORGETS = 16
"""1 if a mean of squares is of the last gradient alone, which then has to have a finite square."""

VALUES = 17
"""From here on stand the hyperparameters that `coefficients` takes, in its order."""
