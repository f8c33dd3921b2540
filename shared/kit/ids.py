"""Identities: time-ordered UUIDs, and references that people can read aloud."""

from __future__ import annotations

import os
import time
import uuid

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford base 32: no I, L, O, U
_CHECK_MODULUS = 31  # a prime below 32: catches every single wrong character and every swap of neighbours


def new_id() -> uuid.UUID:
    """A UUID version 7 (RFC 9562 §5.7): 48 bits of real time in milliseconds, then random bits.

    Real time on purpose, also in the demo: an identity orders rows for the index and says nothing of business days.
    """
    millis = time.time_ns() // 1_000_000
    chance = int.from_bytes(os.urandom(10), "big")
    value = (millis & (2**48 - 1)) << 80 | 0x7 << 76 | (chance >> 68) << 64 | 0b10 << 62 | chance & (2**62 - 1)
    return uuid.UUID(int=value)


def reference(prefix: str, identity: uuid.UUID) -> str:
    """A short human reference made from an identity's random bits, with a check character: "PAY-7F3K-2M9Q-4"."""
    number = identity.int & (2**40 - 1)
    body = "".join(_ALPHABET[number >> shift & 31] for shift in range(35, -1, -5))
    return f"{prefix}-{body[:4]}-{body[4:]}-{_check(body)}"


def is_reference(text: str) -> bool:
    """True when the check character fits (case, spaces, O for 0 and I for 1 are forgiven)."""
    return normalise_reference(text) is not None


def normalise_reference(text: str) -> str | None:
    """The canonical form of a typed reference, or None when its check character does not fit."""
    compact = "".join(c for c in text.upper() if c.isalnum())
    prefix, tail = compact[:-9], compact[-9:].translate(str.maketrans("OIL", "011"))
    if len(tail) != 9 or not prefix.isalpha() or any(c not in _ALPHABET for c in tail) or _check(tail[:8]) != tail[8]:
        return None
    return f"{prefix}-{tail[:4]}-{tail[4:8]}-{tail[8]}"


def _check(body: str) -> str:
    total = sum((i + 2) * _ALPHABET.index(c) for i, c in enumerate(body))
    return _ALPHABET[total % _CHECK_MODULUS]
