"""What a company lets debtors contest, and by when it answers."""
