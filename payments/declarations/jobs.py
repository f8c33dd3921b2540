"""Declared transfers whose time is over, and receipts that were undone."""
