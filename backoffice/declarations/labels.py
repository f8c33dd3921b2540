"""Ready answers to debtors whose transfer was not found; each in the language of its reader."""

from __future__ import annotations

from typing import Any

from shared.kit.words import lazy_gettext as _l
from shared.kit.words import speaking

REPLIES: dict[str, Any] = {
    "not_arrived": _l(
        "We looked through our bank statements and did not find this transfer. Please check with your bank that it has left."
    ),
    "other_account": _l(
        "This transfer seems to have gone to another account. Our account number stands on every invoice and on your account page."
    ),
    "no_proof": _l("We could not read a transfer in what you sent us. Please send us your bank's confirmation."),
}


def answer(reply: str, own: str, language: str) -> str:
    """What a debtor reads: a ready answer in its language, staff's own words below it."""
    ready = REPLIES.get(reply)
    with speaking(language):
        return "\n\n".join(part for part in (str(ready) if ready else "", own.strip()) if part)
