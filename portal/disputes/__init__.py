"""My questions and disputes: say what is wrong, follow what becomes of it."""
