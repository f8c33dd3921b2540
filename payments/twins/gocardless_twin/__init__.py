"""GoCardless's twin: customers, mandates by billing request, SEPA Core payments, refunds, payouts, events, simulators."""
