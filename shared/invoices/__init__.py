"""What is owed: invoices and credit notes, and what freezes them."""
