"""Personal data at the desk: how long it is kept, what the next sweep removes, and what a person may have and have erased."""
