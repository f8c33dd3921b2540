"""The staff window onto invoices."""
