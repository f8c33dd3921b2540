"""A dispute that staff open for a debtor who telephoned or wrote."""
