"""The QR code that a banking app reads as a SEPA transfer (European Payments Council, EPC069-12 version 2)."""

from __future__ import annotations

import io
import unicodedata

import segno
from segno.helpers import make_epc_qr

from shared.documents.facts import BankFacts
from shared.kit.money import Money

_SPELT = str.maketrans({"œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE", "ß": "ss", "°": "o", "’": "'", "–": "-", "—": "-"})
_LARGEST = 99_999_999_999  # 999 999 999.99 €


def transfer_code(bank: BankFacts, *, holder: str, amount: Money, text: str) -> segno.QRCode | None:
    """A QR code that asks for a transfer of `amount` with an unstructured remittance `text`.

    None when the scheme cannot say it: no IBAN, another currency, nothing to pay. Letters that banks do not take
    are written without their accents, so that what the app shows is what the account statement will say.
    """
    if not bank.iban or amount.currency != "EUR" or not 1 <= amount.minor <= _LARGEST:
        return None
    name = latin(bank.holder or holder)[:70].strip()
    label = latin(text)[:140].strip()
    if not name or not label:
        return None
    code: segno.QRCode = make_epc_qr(
        name=name,
        iban=bank.iban.replace(" ", ""),
        amount=amount.decimal,
        text=label,
        bic=bank.bic if len(bank.bic) in {8, 11} else None,
        encoding="utf-8",
    )
    return code


def as_svg(code: segno.QRCode) -> bytes:
    """The code as an SVG of dark modules without a quiet zone (the page leaves it)."""
    out = io.BytesIO()
    code.save(out, kind="svg", border=0, xmldecl=False, svgns=True, omitsize=True, dark="#211e1a")
    return out.getvalue()


def latin(text: str) -> str:
    """In the SEPA character set: letters without accents, figures, space and / - ? : ( ) . , ' + (EPC217-08)."""
    plain = unicodedata.normalize("NFKD", text.translate(_SPELT))
    letters = (c for c in plain if not unicodedata.combining(c))
    kept = (c if c.isascii() and (c.isalnum() or c in " /-?:().,'+") else " " for c in letters)
    return " ".join("".join(kept).split())
