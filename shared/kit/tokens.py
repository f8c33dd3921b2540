"""Secrets in links and cookies: 256 random bits, of which only the SHA-256 is kept."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import unicodedata


def new_token() -> str:
    """43 URL-safe characters holding 256 bits."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> bytes:
    """What is stored of a token. A plain hash suffices above 112 bits of entropy (OWASP ASVS 5.0, 6.5.2)."""
    return hashlib.sha256(token.encode()).digest()


def new_code() -> str:
    """A one-time code of eight digits."""
    return f"{secrets.randbelow(10**8):08d}"


def digits_of(code: str) -> str:
    """The digits of a code as a person types it, whatever script they are in; all else is left out."""
    return "".join(str(unicodedata.decimal(c)) for c in code if c.isdecimal())


def code_digest(code: str, *, salt: bytes, key: str) -> bytes:
    """What is stored of a short code: keyed, since eight digits could be tried out."""
    return hmac.new(key.encode() + salt, code.encode(), hashlib.sha256).digest()
