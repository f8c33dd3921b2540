"""Direct debit: sign, see, cancel; automatic payment."""
