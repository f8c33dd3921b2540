"""Why a promise took a step, in staff words."""

from __future__ import annotations

from typing import Any

from shared.kit.words import lazy_gettext as _l

CAUSES: dict[str, Any] = {
    "": "–",
    "changed": _l("changed"),
    "under_way": _l("a payment begun in time is on its way"),
    "nothing_came": _l("nothing came in time"),
    "partial": _l("only a part came in time"),
    "nothing_owed": _l("nothing is owed any more"),
    "frozen_otherwise": _l("frozen by a dispute, a plan or a hold"),
}


def cause(text: str) -> str:
    """A cause that the ledger gave in words; what a person wrote as it is."""
    return str(CAUSES.get(text, text))
