"""Card payments on the provider's page."""
