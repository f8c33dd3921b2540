"""The staff window onto debtors: search, and one debtor's whole story."""
