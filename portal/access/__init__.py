"""How a debtor comes in, proves who it is, and lets others in."""
