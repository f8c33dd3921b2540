"""Money recorded by hand, and unapplied credit put to use."""
