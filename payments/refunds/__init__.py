"""Money going back on purpose."""
