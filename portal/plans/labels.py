"""Plans in the debtor's words: where one stands, and why something cannot be."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from payments.plans.queries import InstalmentState
from payments.plans.rules import Limit, Policy, Rhythm
from payments.plans.status import PlanStatus
from shared.kit.money import Money
from shared.kit.templating import money, percent
from shared.kit.words import gettext as _
from shared.kit.words import lazy_gettext as _l
from shared.kit.words import ngettext


@dataclass(frozen=True, slots=True)
class Words:
    """A word, the tone that its colour repeats, an icon."""

    word: Any
    tone: str = "neutral"
    icon: str = ""


S, IS = PlanStatus, InstalmentState

PLAN_WORDS: dict[PlanStatus, Words] = {
    S.PROPOSED: Words(_l("Proposed"), "wait"),
    S.NEEDS_PERSON: Words(_l("We are looking at it"), "wait"),
    S.OFFERED: Words(_l("Waits for your answer"), "wait"),
    S.ACTIVE: Words(_l("Under way"), "info", "plan"),
    S.PAUSED: Words(_l("Paused"), "info", "pause"),
    S.IN_DEFAULT: Words(_l("Stopped: everything is due"), "late"),
    S.COMPLETED: Words(_l("Paid"), "good"),
    S.CANCELLED: Words(_l("Ended"), "neutral", "stop"),
    S.DECLINED: Words(_l("Not agreed"), "neutral", "stop"),
    S.EXPIRED: Words(_l("The offer has ended"), "neutral", "clock"),
}

INSTALMENT_WORDS: dict[InstalmentState, Words] = {
    IS.COMING: Words(_l("To come"), "neutral"),
    IS.DUE: Words(_l("To pay now"), "wait"),
    IS.UNDER_WAY: Words(_l("On its way"), "wait"),
    IS.LATE: Words(_l("Late"), "late"),
    IS.SETTLED: Words(_l("Paid"), "good"),
    IS.VOID: Words(_l("No longer"), "neutral", "stop"),
}

EVERY: dict[Rhythm, Any] = {
    Rhythm.MONTHLY: _l("every month"),
    Rhythm.FORTNIGHTLY: _l("every two weeks"),
    Rhythm.WEEKLY: _l("every week"),
}


def why(limit: Limit, policy: Policy, currency: str) -> str:
    """What stands in the way of a proposal, and what would be possible."""

    def sum_of(minor: int) -> str:
        return money(Money(minor, currency))

    months = ngettext("%(n)s month", "%(n)s months", policy.longest_months)
    within = ngettext("%(n)s day", "%(n)s days", policy.first_within_days)
    said = {
        Limit.NOTHING_LEFT: _("Nothing is left to pay by instalments."),
        Limit.NOT_OFFERED: _("Payment plans cannot be agreed here by oneself. Please write or call us."),
        Limit.TOO_MANY_PLANS: _("You have a payment plan already. Please write to us if it should change."),
        Limit.NO_MANDATE: _("Direct debits need a mandate. Please sign one first."),
        Limit.MANDATE_NEEDED: _("Instalments are paid by direct debit here."),
        Limit.ONE_INSTALMENT: _("That is one payment, not a plan. You can simply pay it."),
        Limit.TOO_MANY_INSTALMENTS: _("The sum cannot be divided into so many instalments."),
        Limit.TOO_SMALL_TO_SPLIT: _(
            "This sum is too small to be divided: an instalment is at least %(least)s, and a plan lasts at most %(months)s.",
            least=sum_of(policy.smallest_instalment_minor),
            months=months,
        ),
        Limit.FIRST_TOO_EARLY: _("The first day lies in the past."),
        Limit.FIRST_WITHIN_NOTICE: _("A direct debit is announced before its day, so the first one cannot be so soon."),
        Limit.FIRST_TOO_LATE: _("The first instalment is due within %(days)s.", days=within),
        Limit.TOO_LONG: _("A plan lasts at most %(months)s.", months=months),
        Limit.INSTALMENT_TOO_SMALL: _(
            "An instalment is at least %(least)s.", least=sum_of(policy.smallest_instalment_minor)
        ),
        Limit.SHARE_UP_FRONT: _(
            "The first instalment is at least %(share)s of the sum.",
            share=percent(Decimal(policy.share_up_front) / 100),
        ),
        Limit.TOTAL_TOO_LARGE: _("A sum as large as this is looked at by a person."),
        Limit.SCORE_TOO_LOW: _("We would like to look at this one ourselves before we answer."),
    }
    return said[limit]


def reasons(limits: Any, policy: Policy, currency: str) -> list[str]:
    """Every reason once."""
    return list(dict.fromkeys(why(limit, policy, currency) for limit in limits))
