"""The tables of steps and the ways through them, written once more and whole: other rooms and the database know these words."""

from __future__ import annotations

import pytest

from payments.status import (
    MANDATE_EDGES,
    PAYMENT_EDGES,
    REFUND_EDGES,
    USABLE_MANDATES,
    MandateStatus,
    PaymentStatus,
    RefundStatus,
    mandate_topic,
    mandate_way,
    payment_topic,
    way,
)

STEPS = """
created        submitted      payment.submitted
created        confirmed      payment.confirmed
created        failed         payment.failed
created        cancelled      payment.cancelled
created        expired        payment.expired
submitted      action_needed  payment.action_needed
submitted      confirmed      payment.confirmed
submitted      failed         payment.failed
submitted      cancelled      payment.cancelled
submitted      expired        payment.expired
action_needed  submitted      payment.submitted
action_needed  confirmed      payment.confirmed
action_needed  failed         payment.failed
action_needed  cancelled      payment.cancelled
action_needed  expired        payment.expired
confirmed      settled        payment.settled
confirmed      failed         payment.failed_late
confirmed      charged_back   payment.charged_back
confirmed      cancelled      payment.undone
settled        failed         payment.failed_late
settled        charged_back   payment.charged_back
charged_back   confirmed      payment.chargeback_won
failed         submitted      payment.resubmitted
failed         confirmed      payment.confirmed
cancelled      confirmed      payment.confirmed
expired        confirmed      payment.confirmed
"""

MANDATE_STEPS = """
created    pending    mandate.given
created    active     mandate.active
pending    active     mandate.active
active     suspended  mandate.ended
suspended  active     mandate.active
cancelled  pending    mandate.given
cancelled  active     mandate.active
expired    pending    mandate.given
expired    active     mandate.active
failed     pending    mandate.given
failed     active     mandate.active
""" + "\n".join(
    f"{start} {end} mandate.ended"
    for start in ("created", "pending", "active", "suspended")
    for end in ("failed", "cancelled", "expired", "blocked")
)

REFUND_STEPS = """
asked      approved   refund.approved
asked      declined   refund.declined
approved   submitted  refund.submitted
approved   failed     refund.failed
submitted  done       refund.done
submitted  failed     refund.failed
done       failed     refund.failed
"""

WAYS = """
               created  submitted  action_needed  confirmed  settled  failed  cancelled  expired  charged_back
created        stays    1          2              1          2        1       1          1        2
submitted      stays    stays      1              1          2        1       1          1        2
action_needed  stays    1          stays          1          2        1       1          1        2
confirmed      stays    stays      stays          stays      1        1       1          never    1
settled        stays    stays      stays          stays      stays    1       never      never    1
failed         never    1          2              1          2        stays   stays      stays    2
cancelled      never    never      never          1          2        stays   stays      stays    2
expired        never    never      never          1          2        stays   stays      stays    2
charged_back   stays    stays      stays          1          2        never   never      never    stays
"""

MANDATE_WAYS = """
           created  pending  active  suspended  failed  cancelled  expired  blocked
created    stays    1        1       2          1       1          1        1
pending    never    stays    1       2          1       1          1        1
active     stays    stays    stays   1          1       1          1        1
suspended  stays    stays    1       stays      1       1          1        1
failed     stays    1        1       2          stays   stays      stays    stays
cancelled  stays    1        1       2          stays   stays      stays    stays
expired    stays    1        1       2          stays   stays      stays    stays
blocked    stays    stays    stays   stays      stays   stays      stays    stays
"""
"""By row the state we are in, by column what the provider shows; the number of steps between them."""


@pytest.mark.parametrize(
    ("edges", "written"),
    [(PAYMENT_EDGES, STEPS), (MANDATE_EDGES, MANDATE_STEPS), (REFUND_EDGES, REFUND_STEPS)],
    ids=["payments", "mandates", "refunds"],
)
def test_a_step_publishes_its_own_topic_and_no_step_is_missing(edges, written):
    rows = {tuple(line.split()) for line in written.splitlines() if line.strip()}
    assert {(before.value, after.value, topic) for (before, after), topic in edges.items()} == rows


def cells(grid: str) -> list[tuple[str, str, str]]:
    head, *rows = (line.split() for line in grid.splitlines() if line.strip())
    return [(row[0], seen, cell) for row in rows for seen, cell in zip(head, row[1:], strict=True)]


def length(find, before, seen) -> str:
    try:
        steps = find(before, seen)
    except LookupError:
        return "never"
    return str(len(steps)) if steps else "stays"


@pytest.mark.parametrize(
    ("grid", "states", "find"),
    [(WAYS, PaymentStatus, way), (MANDATE_WAYS, MandateStatus, mandate_way)],
    ids=["payments", "mandates"],
)
def test_no_way_is_longer_or_shorter_than_it_must_be_and_none_is_invented(grid, states, find):
    found = [(before, seen, length(find, states(before), states(seen))) for before, seen, _cell in cells(grid)]
    assert found == cells(grid)
    assert len(found) == len(states) ** 2


@pytest.mark.parametrize(
    ("seen", "through"), [("settled", "confirmed"), ("charged_back", "confirmed"), ("action_needed", "submitted")]
)
def test_two_steps_go_through_the_state_between(seen, through):
    assert way(PaymentStatus.CREATED, PaymentStatus(seen)) == (PaymentStatus(through), PaymentStatus(seen))


def test_a_mandate_that_was_suspended_while_we_looked_away_was_active_before():
    assert mandate_way(MandateStatus.PENDING, MandateStatus.SUSPENDED) == (
        MandateStatus.ACTIVE,
        MandateStatus.SUSPENDED,
    )


def test_a_step_that_the_table_has_not_has_no_topic():
    assert payment_topic(PaymentStatus.SUBMITTED, PaymentStatus.FAILED) == "payment.failed"
    assert payment_topic(PaymentStatus.SETTLED, PaymentStatus.CREATED) is None
    assert mandate_topic(MandateStatus.PENDING, MandateStatus.ACTIVE) == "mandate.active"
    assert mandate_topic(MandateStatus.BLOCKED, MandateStatus.ACTIVE) is None


def test_debits_are_created_under_mandates_that_are_given_and_not_ended():
    assert {status.value for status in USABLE_MANDATES} == {"pending", "active"}


def test_a_refund_is_known_to_the_database_by_these_words():
    assert [status.value for status in RefundStatus] == ["asked", "approved", "submitted", "done", "failed", "declined"]
