"""The staff window onto automatic collections."""
