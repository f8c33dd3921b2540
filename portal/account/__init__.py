"""What I owe."""
