"""What providers pay to the company, and their fees."""
