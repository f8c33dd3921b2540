"""The company's settings that staff may change while the program runs."""
