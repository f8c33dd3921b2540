"""Contested payments at the desk: the queue, one case, and what becomes of it."""
