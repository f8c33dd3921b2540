"""The staff window onto mandates."""
