"""Flask furniture that both doors use."""
