"""What was sent to whom, when and why."""
