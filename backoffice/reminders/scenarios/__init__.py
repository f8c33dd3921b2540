"""Scenarios: the ladders by which debtors are reminded; who has which, and how their letters read."""
