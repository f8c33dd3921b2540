"""The staff window onto transfers that debtors say they have made."""
