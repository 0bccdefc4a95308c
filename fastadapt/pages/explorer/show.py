"""The page in a browser or in files: our own networks, or one of the user's."""
