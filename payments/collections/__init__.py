"""Automatic collection on the due date: announced in time, charged no earlier, never twice."""
