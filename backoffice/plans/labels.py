"""Why a plan is not granted by itself, in staff words."""

from __future__ import annotations

from typing import Any

from payments.plans.rules import Limit
from shared.kit.words import lazy_gettext as _l

LIMITS: dict[Limit, Any] = {
    Limit.NOTHING_LEFT: _l("nothing is left to plan"),
    Limit.NOT_OFFERED: _l("plans are not offered to debtors of this kind"),
    Limit.TOO_MANY_PLANS: _l("there is a plan already"),
    Limit.NO_MANDATE: _l("no mandate to debit under"),
    Limit.MANDATE_NEEDED: _l("must be paid by direct debit"),
    Limit.ONE_INSTALMENT: _l("one instalment is no plan"),
    Limit.TOO_MANY_INSTALMENTS: _l("too many instalments"),
    Limit.TOO_SMALL_TO_SPLIT: _l("too small to be divided"),
    Limit.FIRST_TOO_EARLY: _l("the first day lies in the past"),
    Limit.FIRST_WITHIN_NOTICE: _l("the first debit would come before its notice"),
    Limit.FIRST_TOO_LATE: _l("the first instalment comes too late"),
    Limit.TOO_LONG: _l("too long"),
    Limit.INSTALMENT_TOO_SMALL: _l("instalments too small"),
    Limit.SHARE_UP_FRONT: _l("too little at first"),
    Limit.TOTAL_TOO_LARGE: _l("the sum is above the limit"),
    Limit.SCORE_TOO_LOW: _l("earlier plans, promises or debits were not kept"),
}

CAUSES: dict[str, Any] = {
    "withdrawn": _l("taken back"),
    "superseded": _l("another proposal took its place"),
    "replaced": _l("a new schedule took its place"),
    "nothing_left": _l("nothing was left"),
    "money_went_back": _l("money went back"),
    "missed": _l("an instalment was missed"),
}


def cause_word(cause: str) -> str:
    """Why a step was taken: a word of ours, a limit of the policy, or what somebody wrote."""
    if cause in CAUSES:
        return str(CAUSES[cause])
    return str(next((word for limit, word in LIMITS.items() if limit.value == cause), cause))
