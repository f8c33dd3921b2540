"""Making sure: unanswered calls, missed news, payouts, and the proof that the ledger equals the providers."""
