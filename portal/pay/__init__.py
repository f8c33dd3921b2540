"""Paying: what, how, and what became of it."""
