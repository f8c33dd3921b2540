"""Who is reminded when, and why not: scenarios, runs, decisions."""
