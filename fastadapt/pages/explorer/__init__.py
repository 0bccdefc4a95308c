"""Page 2: the loss of a network around the paths that the rules took, on planes that say what they leave out."""
