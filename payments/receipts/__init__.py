"""Money that came another way and is recorded by hand; and what payers are told about their payments."""
