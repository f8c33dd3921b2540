"""What a plan may become: one table of named edges, on one screen, pure.

A key is (from, to); its value is the topic that the step publishes.
"""

from __future__ import annotations

import enum


class PlanStatus(enum.Enum):
    """The states of a plan. Money is frozen in ACTIVE and PAUSED, and in no other state."""

    PROPOSED = "proposed"
    """Written down; the policy answers in the same transaction, so that nobody ever sees it rest here."""
    NEEDS_PERSON = "needs_person"
    """Above the policy: a member of staff decides."""
    OFFERED = "offered"
    """Terms that the company stands by until a day: the debtor may acknowledge his debt and accept them."""
    ACTIVE = "active"
    """Accepted, and followed by its instalments."""
    PAUSED = "paused"
    """Staff stopped the clock: nothing is debited, nothing is missed, nothing is reminded."""
    IN_DEFAULT = "in_default"
    """An instalment was missed: the rest fell due at once, by the clause that was accepted."""
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    DECLINED = "declined"
    EXPIRED = "expired"


S = PlanStatus

PLAN_EDGES: dict[tuple[PlanStatus, PlanStatus], str] = {
    (S.PROPOSED, S.OFFERED): "plan.offered",
    (S.PROPOSED, S.NEEDS_PERSON): "plan.asked",
    (S.PROPOSED, S.DECLINED): "plan.declined",
    (S.NEEDS_PERSON, S.OFFERED): "plan.offered",
    (S.NEEDS_PERSON, S.DECLINED): "plan.declined",
    (S.NEEDS_PERSON, S.CANCELLED): "plan.cancelled",  # the debtor withdraws it
    (S.OFFERED, S.OFFERED): "plan.offered",  # other terms
    (S.OFFERED, S.ACTIVE): "plan.accepted",
    (S.OFFERED, S.NEEDS_PERSON): "plan.asked",  # the debtor prefers that a person looks at his own terms
    (S.OFFERED, S.DECLINED): "plan.declined",
    (S.OFFERED, S.EXPIRED): "plan.expired",
    (S.OFFERED, S.CANCELLED): "plan.cancelled",  # staff take the offer back
    (S.ACTIVE, S.PAUSED): "plan.paused",
    (S.ACTIVE, S.IN_DEFAULT): "plan.defaulted",
    (S.ACTIVE, S.COMPLETED): "plan.completed",
    (S.ACTIVE, S.CANCELLED): "plan.cancelled",
    (S.PAUSED, S.ACTIVE): "plan.resumed",
    (S.PAUSED, S.COMPLETED): "plan.completed",
    (S.PAUSED, S.CANCELLED): "plan.cancelled",
    (S.IN_DEFAULT, S.ACTIVE): "plan.resumed",
    (S.IN_DEFAULT, S.COMPLETED): "plan.completed",
    (S.IN_DEFAULT, S.CANCELLED): "plan.cancelled",
    (S.COMPLETED, S.ACTIVE): "plan.reopened",  # money that had completed it went back (I7)
    (S.COMPLETED, S.IN_DEFAULT): "plan.reopened",  # the same, of a plan that was in default before it was paid
}

UNANSWERED = frozenset({S.PROPOSED, S.NEEDS_PERSON, S.OFFERED})
"""Nothing is agreed yet."""

FREEZES = frozenset({S.ACTIVE, S.PAUSED})
"""States in which the rest of the plan is frozen on its invoices (I10)."""

FOLLOWED = frozenset({S.ACTIVE, S.PAUSED, S.IN_DEFAULT, S.COMPLETED})
"""States in which money that comes or goes back counts for the instalments."""

ENDED = frozenset({S.COMPLETED, S.CANCELLED, S.DECLINED, S.EXPIRED})


def plan_topic(before: PlanStatus, after: PlanStatus) -> str | None:
    """The topic of a step, or None when the table has no such edge."""
    return PLAN_EDGES.get((before, after))
