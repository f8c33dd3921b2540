"""The seeded world of the demo: the same people, each in a situation of his own, at every first start."""
