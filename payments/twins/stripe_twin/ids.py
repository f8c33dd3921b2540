"""Identifiers in Stripe's fashion."""

from __future__ import annotations

import secrets
import string

_LETTERS = string.ascii_letters + string.digits


def new_stripe_id(prefix: str, length: int = 24) -> str:
    return f"{prefix}_{''.join(secrets.choice(_LETTERS) for _ in range(length))}"
