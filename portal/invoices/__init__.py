"""My invoices."""
