"""Stripe's twin: the slice of its API that a portal with hosted Checkout needs, and the hosted card page."""
