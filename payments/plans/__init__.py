"""Payment plans: proposed, answered at once by the company's policy, acknowledged, collected, followed to their end."""
