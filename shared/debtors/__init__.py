"""Who owes: customer accounts and the people who act for them."""
