"""What debt is: companies, debtors, invoices, ledger, documents, messages, and the tools below them."""
