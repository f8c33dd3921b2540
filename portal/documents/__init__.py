"""My papers: statement, archive of invoices."""
