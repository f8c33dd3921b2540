"""Stateful local twins of Stripe and GoCardless, for the demo and the tests.

They run in a process of their own, keep their own durable state (one SQLite file and a clock offset), and are spoken
to by the real SDKs over real HTTP. They know nothing of Guichet: what they need is told to them at start.

Where to look: `world` (what belongs together), `store` (durable state), `clock` (virtual time), `agenda` (what happens
by itself), `webhooks` (news to the outside), `faults` (misbehaviour on command), `stripe_twin/` and
`gocardless_twin/` (the two providers), `inbox` (the demo's mail), `control` (for people and programs), `server`.
"""
