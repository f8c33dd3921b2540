"""My language, how often I am written to, and what was written to me and why."""
