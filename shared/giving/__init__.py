"""What a company gives away by hand, and when a second person must agree."""
