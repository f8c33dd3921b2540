"""Accounting files in: CSV, XLSX and FEC become debtors, invoices and open amounts, with a certificate."""
