"""Deciding: accepted with a credit, rejected with grounds, taken back, opened again."""
