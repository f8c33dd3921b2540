"""How a debtor gets in: magic links, one-time codes, portal sessions."""
