"""What was sent, word by word."""
