"""Words that a company keeps ready for its debtors, in every room where debtors speak."""
