"""Passwords: Argon2id, and one cost for known and unknown people."""

from __future__ import annotations

import secrets
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from backoffice.access.rules import MAXIMUM_LENGTH, MINIMUM_LENGTH, Weakness, weakness
from shared.kit.errors import Invalid
from shared.kit.words import gettext as _

_hasher = PasswordHasher()  # RFC 9106, second recommendation: 64 MiB, three passes


def hash_password(password: str) -> str:
    """The stored form; raises Invalid for a password that is too short (ASVS 6.2.1) or beyond reason."""
    if not MINIMUM_LENGTH <= len(password) <= MAXIMUM_LENGTH:
        raise Invalid("staff.password", _("A password has at least %(least)s characters.", least=MINIMUM_LENGTH))
    return _hasher.hash(password)


def choose(password: str, *, known: tuple[str, ...] = ()) -> str:
    """The stored form of a password that a person chose; raises Invalid for one that is easy to guess.

    `known`: the person's address, name and companies, which everybody can guess.
    """
    said = {
        Weakness.COMMON: _(
            "Everybody tries such a password first. Take some words that belong together for you alone."
        ),
        Weakness.OWN: _("A password is not made of your own name, address or company."),
        Weakness.ROW: _("A password is not one character or one row of keys again and again."),
    }
    found = weakness(password, known)
    if found in said:
        raise Invalid("staff.password_weak", said[found])
    return hash_password(password)


def fits(stored: str | None, password: str) -> bool:
    """Whether a password is the one stored; without a stored one the same work is done, and the answer is no."""
    try:
        return _hasher.verify(stored or _nobody(), password[:MAXIMUM_LENGTH]) and stored is not None
    except (Argon2Error, InvalidHashError):
        return False


@lru_cache(maxsize=1)
def _nobody() -> str:
    return _hasher.hash(secrets.token_hex(16))
