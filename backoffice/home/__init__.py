"""Today's work, and the search over everything."""
