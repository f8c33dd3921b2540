"""What happened, in words for staff."""

from __future__ import annotations

from typing import Any

from backoffice.notices.models import Delivery, NoticeGroup, Scope
from shared.kit.words import lazy_gettext as _l

GROUPS: dict[NoticeGroup, Any] = {
    NoticeGroup.DISPUTES: _l("Disputes"),
    NoticeGroup.PLANS: _l("Payment plans"),
    NoticeGroup.PROMISES: _l("Promises"),
    NoticeGroup.DECLARATIONS: _l("Declared payments"),
}

DELIVERIES: dict[Delivery, Any] = {
    Delivery.IMMEDIATE: _l("A mail at once"),
    Delivery.DAILY: _l("One mail each working morning"),
    Delivery.NONE: _l("No mail, only in the list"),
}

SCOPES: dict[Scope, Any] = {
    Scope.MINE: _l("Mine, and what nobody has taken yet"),
    Scope.ALL: _l("Everybody's"),
}

ICONS: dict[NoticeGroup, str] = {
    NoticeGroup.DISPUTES: "flag",
    NoticeGroup.PLANS: "plan",
    NoticeGroup.PROMISES: "calendar",
    NoticeGroup.DECLARATIONS: "transfer",
}

_SENTENCES: dict[str, Any] = {
    "dispute.raised": _l("%(debtor)s disputes an invoice"),
    "dispute.said": _l("%(debtor)s wrote to you about a dispute"),
    "dispute.resolved": _l("A dispute of %(debtor)s is resolved"),
    "dispute.reopened": _l("%(debtor)s reopened a dispute"),
    "dispute.withdrawn": _l("%(debtor)s withdrew a dispute"),
    "dispute.overdue": _l("A dispute of %(debtor)s has passed its deadline"),
    "dispute.assigned": _l("A dispute of %(debtor)s is yours now"),
    "dispute.file_refused": _l("A file in a dispute of %(debtor)s did not pass the virus scanner"),
    "plan.asked": _l("%(debtor)s asks for a payment plan: please decide"),
    "plan.accepted": _l("%(debtor)s accepted a payment plan"),
    "plan.declined": _l("A payment plan of %(debtor)s was declined"),
    "plan.offered": _l("%(debtor)s was offered a payment plan"),
    "plan.missed": _l("%(debtor)s missed an instalment"),
    "plan.defaulted": _l("The payment plan of %(debtor)s is in default"),
    "plan.resumed": _l("The payment plan of %(debtor)s goes on"),
    "plan.completed": _l("%(debtor)s has paid the whole plan"),
    "plan.cancelled": _l("The payment plan of %(debtor)s is cancelled"),
    "promise.made": _l("%(debtor)s promised to pay"),
    "promise.changed": _l("%(debtor)s changed a promise"),
    "promise.kept": _l("%(debtor)s kept a promise"),
    "promise.broken": _l("%(debtor)s broke a promise"),
    "promise.cancelled": _l("%(debtor)s cancelled a promise"),
    "declaration.made": _l("%(debtor)s says that an invoice is paid"),
    "declaration.matched": _l("A payment that %(debtor)s declared has been found"),
    "declaration.refused": _l("A payment that %(debtor)s declared was not found"),
    "declaration.expired": _l("A payment that %(debtor)s declared did not arrive in time"),
    "declaration.file_refused": _l("A proof that %(debtor)s sent did not pass the virus scanner"),
}
_BY_STAFF: dict[str, Any] = {
    "dispute.said": _l("A colleague wrote to %(debtor)s about your dispute"),
    "dispute.raised": _l("A colleague entered a dispute of %(debtor)s for you"),
}


def sentence(topic: str, debtor: str, *, by: str = "contact") -> str:
    """What happened, in the language of the moment."""
    words = _BY_STAFF.get(topic, _SENTENCES[topic]) if by == "staff" else _SENTENCES[topic]
    return str(words % {"debtor": debtor})
