"""The tables of states: complete, reachable, worded, and equal to the database's checks."""

from __future__ import annotations

import pytest

from payments.status import (
    COLLECTED,
    GIVEN_UP,
    IN_FLIGHT,
    MANDATE_EDGES,
    PAYMENT_EDGES,
    REFUND_EDGES,
    MandateStatus,
    PaymentStatus,
    RefundStatus,
)


@pytest.mark.parametrize(
    ("edges", "states", "first"),
    [
        (PAYMENT_EDGES, PaymentStatus, PaymentStatus.CREATED),
        (MANDATE_EDGES, MandateStatus, MandateStatus.CREATED),
        (REFUND_EDGES, RefundStatus, RefundStatus.ASKED),
    ],
)
def test_every_state_is_named_and_can_be_reached(edges, states, first) -> None:
    reached = {first}
    while more := {after for before, after in edges if before in reached} - reached:
        reached |= more

    assert reached == set(states)
    assert all(topic.count(".") == 1 for topic in edges.values())


def test_every_payment_is_in_flight_collected_given_up_or_charged_back() -> None:
    groups = [IN_FLIGHT, COLLECTED, GIVEN_UP, {PaymentStatus.CHARGED_BACK}]

    assert set().union(*groups) == set(PaymentStatus)
    assert sum(map(len, groups)) == len(PaymentStatus)


def test_from_every_state_that_gave_up_late_money_finds_a_way() -> None:
    assert all((state, PaymentStatus.CONFIRMED) in PAYMENT_EDGES for state in GIVEN_UP)


def test_collected_money_can_always_go_back() -> None:
    for state in COLLECTED:
        assert (state, PaymentStatus.FAILED) in PAYMENT_EDGES
        assert (state, PaymentStatus.CHARGED_BACK) in PAYMENT_EDGES
