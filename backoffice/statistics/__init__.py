"""How well the house does: claims, answers, promises, plans, declared transfers."""
