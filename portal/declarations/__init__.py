"""I have paid: declared transfers."""
