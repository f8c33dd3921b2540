"""What a payment and a mandate may become: one table of named edges each, on one screen, pure.

A key is (from, to); its value is the topic that the step publishes.
"""

from __future__ import annotations

import enum


class PaymentStatus(enum.Enum):
    """The states of one attempt to move money."""

    CREATED = "created"
    """Written down; the provider is not asked yet, or has not answered."""
    SUBMITTED = "submitted"
    """With the provider: a hosted page is open, or a debit is on its way to the bank."""
    ACTION_NEEDED = "action_needed"
    """The payer must do something more (3-D Secure, another card)."""
    CONFIRMED = "confirmed"
    """The provider says that the money is there. Not final (I7)."""
    SETTLED = "settled"
    """It was part of a payout."""
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    CHARGED_BACK = "charged_back"


S = PaymentStatus

PAYMENT_EDGES: dict[tuple[PaymentStatus, PaymentStatus], str] = {
    (S.CREATED, S.SUBMITTED): "payment.submitted",
    (S.CREATED, S.CONFIRMED): "payment.confirmed",  # a receipt recorded by hand, or a webhook faster than we
    (S.CREATED, S.FAILED): "payment.failed",
    (S.CREATED, S.CANCELLED): "payment.cancelled",
    (S.CREATED, S.EXPIRED): "payment.expired",
    (S.SUBMITTED, S.ACTION_NEEDED): "payment.action_needed",
    (S.SUBMITTED, S.CONFIRMED): "payment.confirmed",
    (S.SUBMITTED, S.FAILED): "payment.failed",
    (S.SUBMITTED, S.CANCELLED): "payment.cancelled",
    (S.SUBMITTED, S.EXPIRED): "payment.expired",
    (S.ACTION_NEEDED, S.SUBMITTED): "payment.submitted",
    (S.ACTION_NEEDED, S.CONFIRMED): "payment.confirmed",
    (S.ACTION_NEEDED, S.FAILED): "payment.failed",
    (S.ACTION_NEEDED, S.CANCELLED): "payment.cancelled",
    (S.ACTION_NEEDED, S.EXPIRED): "payment.expired",
    (S.CONFIRMED, S.SETTLED): "payment.settled",
    (S.CONFIRMED, S.FAILED): "payment.failed_late",
    (S.CONFIRMED, S.CHARGED_BACK): "payment.charged_back",
    (S.CONFIRMED, S.CANCELLED): "payment.undone",  # a receipt recorded by hand that was a mistake
    (S.SETTLED, S.FAILED): "payment.failed_late",
    (S.SETTLED, S.CHARGED_BACK): "payment.charged_back",
    (S.CHARGED_BACK, S.CONFIRMED): "payment.chargeback_won",
    # The provider's truth may come after we had given up: money that was taken is never ignored.
    (S.FAILED, S.SUBMITTED): "payment.resubmitted",
    (S.FAILED, S.CONFIRMED): "payment.confirmed",
    (S.CANCELLED, S.CONFIRMED): "payment.confirmed",
    (S.EXPIRED, S.CONFIRMED): "payment.confirmed",
}

IN_FLIGHT = frozenset({S.CREATED, S.SUBMITTED, S.ACTION_NEEDED})
"""States that hold their amount."""

COLLECTED = frozenset({S.CONFIRMED, S.SETTLED})
"""States in which the money counts as received."""

GIVEN_UP = frozenset({S.FAILED, S.CANCELLED, S.EXPIRED})


class MandateStatus(enum.Enum):
    """The states of a SEPA authorisation."""

    CREATED = "created"
    """The debtor was sent to the provider's page."""
    PENDING = "pending"
    """Given, and on its way to the bank: debits may already be created."""
    ACTIVE = "active"
    SUSPENDED = "suspended"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    BLOCKED = "blocked"


M = MandateStatus

MANDATE_ENDS = (M.FAILED, M.CANCELLED, M.EXPIRED, M.BLOCKED)

MANDATE_EDGES: dict[tuple[MandateStatus, MandateStatus], str] = {
    (M.CREATED, M.PENDING): "mandate.given",
    (M.CREATED, M.ACTIVE): "mandate.active",
    (M.PENDING, M.ACTIVE): "mandate.active",
    (M.ACTIVE, M.SUSPENDED): "mandate.ended",
    (M.SUSPENDED, M.ACTIVE): "mandate.active",
    **{
        (start, end): "mandate.ended" for start in (M.CREATED, M.PENDING, M.ACTIVE, M.SUSPENDED) for end in MANDATE_ENDS
    },
    # A mandate may be reinstated at the provider.
    (M.CANCELLED, M.PENDING): "mandate.given",
    (M.CANCELLED, M.ACTIVE): "mandate.active",
    (M.EXPIRED, M.PENDING): "mandate.given",
    (M.EXPIRED, M.ACTIVE): "mandate.active",
    (M.FAILED, M.PENDING): "mandate.given",
    (M.FAILED, M.ACTIVE): "mandate.active",
}

USABLE_MANDATES = frozenset({M.PENDING, M.ACTIVE})
"""Under these a debit may be created."""


class RefundStatus(enum.Enum):
    """The states of money going back on purpose."""

    ASKED = "asked"
    APPROVED = "approved"
    SUBMITTED = "submitted"
    DONE = "done"
    FAILED = "failed"
    DECLINED = "declined"


R = RefundStatus

REFUND_EDGES: dict[tuple[RefundStatus, RefundStatus], str] = {
    (R.ASKED, R.APPROVED): "refund.approved",
    (R.ASKED, R.DECLINED): "refund.declined",
    (R.APPROVED, R.SUBMITTED): "refund.submitted",
    (R.APPROVED, R.FAILED): "refund.failed",
    (R.SUBMITTED, R.DONE): "refund.done",
    (R.SUBMITTED, R.FAILED): "refund.failed",
    (R.DONE, R.FAILED): "refund.failed",
}


def way(before: PaymentStatus, seen: PaymentStatus) -> tuple[PaymentStatus, ...]:
    """The steps that lead from our state to the one that the provider shows; empty when there is nothing to do.

    What lies behind us is no step (I6): money counted as received does not become "on its way" again because an older
    answer says so, and a payment that was given up does not change the way it was. Raises LookupError when the table
    has no way: somebody must look.
    """
    behind = (
        before is seen
        or (before in COLLECTED | {S.CHARGED_BACK} and seen in IN_FLIGHT)
        or (before is S.SETTLED and seen is S.CONFIRMED)
        or (before in GIVEN_UP and seen in GIVEN_UP)
        or (before in IN_FLIGHT and seen is S.CREATED)
    )
    if behind:
        return ()
    if (before, seen) in PAYMENT_EDGES:
        return (seen,)
    through = {S.SETTLED: S.CONFIRMED, S.CHARGED_BACK: S.CONFIRMED, S.ACTION_NEEDED: S.SUBMITTED}.get(seen)
    if through is None or (before, through) not in PAYMENT_EDGES or (through, seen) not in PAYMENT_EDGES:
        raise LookupError(f"no way from {before.value} to {seen.value}")
    return (through, seen)


def mandate_way(before: MandateStatus, seen: MandateStatus) -> tuple[MandateStatus, ...]:
    """Like `way`, for a mandate. A mandate that we blocked stays blocked, whatever the provider says."""
    if before is seen or before is M.BLOCKED or (before is M.ACTIVE and seen in {M.PENDING, M.CREATED}):
        return ()
    if before is M.SUSPENDED and seen in {M.PENDING, M.CREATED}:
        return ()
    if before in MANDATE_ENDS and seen in {*MANDATE_ENDS, M.CREATED}:
        return ()
    if (before, seen) in MANDATE_EDGES:
        return (seen,)
    if seen is M.SUSPENDED and (before, M.ACTIVE) in MANDATE_EDGES:
        return (M.ACTIVE, M.SUSPENDED)
    raise LookupError(f"no way from {before.value} to {seen.value}")


def payment_topic(before: PaymentStatus, after: PaymentStatus) -> str | None:
    """The topic of a step, or None when the table has no such edge."""
    return PAYMENT_EDGES.get((before, after))


def mandate_topic(before: MandateStatus, after: MandateStatus) -> str | None:
    return MANDATE_EDGES.get((before, after))
