"""SEPA mandates: given on the provider's page, followed, cancelled; and debits made under them."""
