"""Addresses that take no message, and trying them again."""
