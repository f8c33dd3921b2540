"""Transfers that debtors say they have made, until staff find them, miss them, or time runs out."""
