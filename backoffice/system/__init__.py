"""What goes on below: webhooks that came in, messages between rooms, duties of the clock, the audit trail."""
