"""What staff are told: who hears of what, by mail at once or once a day, and the list of it."""
