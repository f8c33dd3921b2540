"""The mark of a company."""
