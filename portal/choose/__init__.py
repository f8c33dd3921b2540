"""Choosing invoices of a large account: searched, page by page, all or none, kept under a short name."""
