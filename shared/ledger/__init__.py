"""Where the money stands: double entry, two phases, append-only."""
