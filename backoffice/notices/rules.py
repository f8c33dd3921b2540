"""Who hears of what, and when: pure."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from backoffice.access.permissions import PERMISSIONS, Role
from backoffice.notices.models import Delivery, NoticeGroup, Scope

DIGEST_FROM = time(8)
MAILS_AN_HOUR = 30
"""So many single mails an hour at most reach one member; what is more waits for the digest."""

TOPICS: dict[str, NoticeGroup] = {
    "dispute.raised": NoticeGroup.DISPUTES,
    "dispute.said": NoticeGroup.DISPUTES,
    "dispute.resolved": NoticeGroup.DISPUTES,
    "dispute.reopened": NoticeGroup.DISPUTES,
    "dispute.withdrawn": NoticeGroup.DISPUTES,
    "dispute.overdue": NoticeGroup.DISPUTES,
    "dispute.assigned": NoticeGroup.DISPUTES,
    "dispute.file_refused": NoticeGroup.DISPUTES,
    "plan.asked": NoticeGroup.PLANS,
    "plan.accepted": NoticeGroup.PLANS,
    "plan.declined": NoticeGroup.PLANS,
    "plan.offered": NoticeGroup.PLANS,
    "plan.missed": NoticeGroup.PLANS,
    "plan.defaulted": NoticeGroup.PLANS,
    "plan.resumed": NoticeGroup.PLANS,
    "plan.completed": NoticeGroup.PLANS,
    "plan.cancelled": NoticeGroup.PLANS,
    "promise.made": NoticeGroup.PROMISES,
    "promise.changed": NoticeGroup.PROMISES,
    "promise.kept": NoticeGroup.PROMISES,
    "promise.broken": NoticeGroup.PROMISES,
    "promise.cancelled": NoticeGroup.PROMISES,
    "declaration.made": NoticeGroup.DECLARATIONS,
    "declaration.matched": NoticeGroup.DECLARATIONS,
    "declaration.refused": NoticeGroup.DECLARATIONS,
    "declaration.expired": NoticeGroup.DECLARATIONS,
    "declaration.file_refused": NoticeGroup.DECLARATIONS,
    "chargeback.opened": NoticeGroup.PAYMENTS,
    "chargeback.due": NoticeGroup.PAYMENTS,
    "chargeback.won": NoticeGroup.PAYMENTS,
    "chargeback.lost": NoticeGroup.PAYMENTS,
    "chargeback.give_up_asked": NoticeGroup.PAYMENTS,
    "invoice.cancel_asked": NoticeGroup.PAYMENTS,
    "payment.went_back": NoticeGroup.PAYMENTS,
    "payment.lost": NoticeGroup.PAYMENTS,
    "payment.debited_twice": NoticeGroup.PAYMENTS,
    "payment.holder_deceased": NoticeGroup.PAYMENTS,
    "payment.needs_details": NoticeGroup.PAYMENTS,
    "payment.needs_proof": NoticeGroup.PAYMENTS,
    "payment.blocked_at_bank": NoticeGroup.PAYMENTS,
    "payment.not_processed": NoticeGroup.PAYMENTS,
    "payment.refund_waits": NoticeGroup.PAYMENTS,
    "payment.refund_failed": NoticeGroup.PAYMENTS,
    "payment.asked_about": NoticeGroup.PAYMENTS,
    "mandate.lost": NoticeGroup.PAYMENTS,
    "mandate.suspended": NoticeGroup.PAYMENTS,
    "debit.withdrawn": NoticeGroup.PAYMENTS,
    "debit.left": NoticeGroup.PAYMENTS,
    "debit.unannounced": NoticeGroup.PAYMENTS,
    "debit.given_up": NoticeGroup.PAYMENTS,
}
"""What staff may hear of."""

PERMISSION: dict[NoticeGroup, str] = {
    NoticeGroup.DISPUTES: "disputes.write",
    NoticeGroup.PLANS: "plans.write",
    NoticeGroup.PROMISES: "promises.write",
    NoticeGroup.DECLARATIONS: "declarations.write",
    NoticeGroup.PAYMENTS: "chargebacks.write",
}
"""Who may act on it: nobody else is told."""

DECIDES: dict[str, str] = {
    "plan.asked": "plans.decide",
    "chargeback.give_up_asked": "giving.approve",
    "invoice.cancel_asked": "giving.approve",
    "payment.refund_waits": "giving.approve",
}
"""What only those who may decide need to hear."""


NEEDS_SECOND = frozenset({"chargeback.give_up_asked", "invoice.cancel_asked", "payment.refund_waits"})
"""What one of the staff asks of another: everybody hears of it who may agree, but not the one who asked."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a member wants to hear of one group, and how."""

    delivery: Delivery
    scope: Scope


DEFAULTS: dict[NoticeGroup, Wish] = {
    NoticeGroup.DISPUTES: Wish(Delivery.IMMEDIATE, Scope.MINE),
    NoticeGroup.PLANS: Wish(Delivery.IMMEDIATE, Scope.MINE),
    NoticeGroup.PROMISES: Wish(Delivery.DAILY, Scope.MINE),
    NoticeGroup.DECLARATIONS: Wish(Delivery.DAILY, Scope.MINE),
    NoticeGroup.PAYMENTS: Wish(Delivery.IMMEDIATE, Scope.MINE),
}


@dataclass(frozen=True, slots=True)
class Event:
    """What happened: to whom it is assigned, who did it, and which member of staff if one did."""

    topic: str
    by: str
    """"contact", "staff", or anything else for the system."""
    assignee: uuid.UUID | None
    doer: uuid.UUID | None

    @property
    def group(self) -> NoticeGroup:
        return TOPICS[self.topic]


def may_hear(role: Role, group: NoticeGroup) -> bool:
    """Whether a role acts on these affairs."""
    return role in PERMISSIONS[PERMISSION[group]]


def may_hear_of(role: Role, topic: str) -> bool:
    """Whether a role can do something about an event."""
    return may_hear(role, TOPICS[topic]) and role in PERMISSIONS[DECIDES.get(topic, PERMISSION[TOPICS[topic]])]


def concerns(event: Event, member_id: uuid.UUID, scope: Scope) -> bool:
    """Whether a member is to hear of an event.

    Nobody hears of his own acts. What staff did concerns only the one to whom the affair is assigned; what a debtor or
    the clock did concerns him too, and while nobody has taken it everybody; besides him those who want to hear of all.
    """
    if event.topic in NEEDS_SECOND:
        return member_id != event.doer
    if event.by == "staff":
        return event.doer is not None and event.assignee == member_id != event.doer
    return scope is Scope.ALL or event.assignee in (None, member_id)


def last_digest_moment(now: datetime, zone: str) -> datetime:
    """The latest eight o'clock in the morning of a company's zone that has come."""
    local = now.astimezone(ZoneInfo(zone))
    moment = datetime.combine(local.date(), DIGEST_FROM, ZoneInfo(zone))
    return moment if moment <= local else moment - timedelta(days=1)
