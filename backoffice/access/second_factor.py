"""The second factor: time-based codes (RFC 6238) and recovery codes. Pure but for the settings' secret key."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from datetime import datetime

import pyotp
import segno

from shared.kit.settings import get_settings
from shared.kit.tokens import digits_of

STEP_S = 30
RECOVERY_CODES = 10
_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def new_salt() -> bytes:
    return secrets.token_bytes(16)


def secret_of(salt: bytes) -> str:
    """The shared secret that belongs to a salt, in base 32 as authenticator applications want it (160 bits)."""
    return base64.b32encode(_keyed(b"staff totp", salt)[:20]).decode()


def find_step(salt: bytes, code: str, *, at: datetime, after: int) -> int | None:
    """The time step of a right code, one step of tolerance on either side; None for a wrong or already used one."""
    digits = digits_of(code)
    totp = pyotp.TOTP(secret_of(salt))
    now = int(at.timestamp()) // STEP_S
    found = None
    for step in (now - 1, now, now + 1):
        if hmac.compare_digest(totp.generate_otp(step), digits) and step > after:
            found = step
    return found


def address_of(salt: bytes, *, email: str) -> str:
    """The otpauth:// address that an authenticator application reads."""
    return str(pyotp.TOTP(secret_of(salt)).provisioning_uri(name=email, issuer_name="Guichet"))


def picture_of(salt: bytes, *, email: str) -> str:
    """The same address as an SVG image to scan."""
    code = segno.make(address_of(salt, email=email), error="m", micro=False)
    return str(code.svg_inline(scale=5, dark="#000", light="#fff", border=2, svgclass="qr", lineclass=None, title="QR"))


def new_recovery_codes() -> list[str]:
    """Ten single-use codes of 80 bits."""
    return [
        "-".join("".join(secrets.choice(_ALPHABET) for _i in range(4)) for _g in range(4))
        for _c in range(RECOVERY_CODES)
    ]


def recovery_digest(code: str) -> bytes:
    """What is stored of a recovery code."""
    plain = "".join(c for c in code.upper() if c.isalnum())
    return _keyed(b"staff recovery", plain.encode())


def _keyed(purpose: bytes, message: bytes) -> bytes:
    key = get_settings().secret_key.get_secret_value().encode()
    return hmac.new(key, purpose + b"\x00" + message, hashlib.sha256).digest()
