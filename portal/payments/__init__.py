"""My payments."""
