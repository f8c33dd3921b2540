"""Passwords: Argon2id, and one cost for known and unknown people."""

from __future__ import annotations

import secrets
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from shared.kit.errors import Invalid
from shared.kit.words import gettext as _

MINIMUM_LENGTH = 12
MAXIMUM_LENGTH = 200

_hasher = PasswordHasher()  # RFC 9106, second recommendation: 64 MiB, three passes


def hash_password(password: str) -> str:
    """The stored form; raises Invalid for a password that is too short (ASVS 6.2.1) or beyond reason."""
    if not MINIMUM_LENGTH <= len(password) <= MAXIMUM_LENGTH:
        raise Invalid("staff.password", _("A password has at least %(least)s characters.", least=MINIMUM_LENGTH))
    return _hasher.hash(password)


def fits(stored: str | None, password: str) -> bool:
    """Whether a password is the one stored; without a stored one the same work is done, and the answer is no."""
    try:
        return _hasher.verify(stored or _nobody(), password[:MAXIMUM_LENGTH]) and stored is not None
    except (Argon2Error, InvalidHashError):
        return False


def new_password() -> str:
    """A password to hand over once: twenty characters in groups, about 100 bits."""
    alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(alphabet) for _i in range(5)) for _g in range(4))


@lru_cache(maxsize=1)
def _nobody() -> str:
    return _hasher.hash(secrets.token_hex(16))
