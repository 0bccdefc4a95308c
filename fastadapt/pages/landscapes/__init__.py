"""Page 1: how rules descend on functions of two variables."""
