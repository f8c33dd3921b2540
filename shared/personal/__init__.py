"""What is held about persons: for how long, what a person may have and have erased, and the daily sweep."""
