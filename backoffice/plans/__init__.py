"""Payment plans at the desk: what debtors propose, what runs, what is late; and what the company grants by itself."""
