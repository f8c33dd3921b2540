"""My language, and what was written to me."""
