"""Who collects: the legal entity, its brand, its bank account and its rules."""
