"""News from the providers: kept first, answered, handled later."""
