"""What debtors say they will pay, by which day, and whether they did."""
