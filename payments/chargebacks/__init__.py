"""Money that the payer's bank contests: frozen until the case is closed."""
