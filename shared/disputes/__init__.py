"""Disputes: what a debtor contests, what is frozen for it, the conversation, and what became of it."""
