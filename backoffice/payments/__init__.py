"""The staff window onto payments."""
