"""What a company lets debtors contest, by when it answers, and the replies it keeps ready."""
