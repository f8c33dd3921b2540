"""The tables on which everything stands."""

from __future__ import annotations

import itertools

import pytest

from payments.labels import (
    FOR_DEBTOR,
    FOR_STAFF,
    MANDATE_FOR_DEBTOR,
    MANDATE_FOR_STAFF,
    MEANS,
    REFUND_FOR_DEBTOR,
    REFUND_FOR_STAFF,
)
from payments.models import Means
from payments.status import (
    COLLECTED,
    GIVEN_UP,
    IN_FLIGHT,
    MANDATE_EDGES,
    MANDATE_ENDS,
    PAYMENT_EDGES,
    REFUND_EDGES,
    MandateStatus,
    PaymentStatus,
    RefundStatus,
    mandate_way,
    way,
)

S = PaymentStatus


def test_every_state_is_reachable_and_every_edge_has_a_topic():
    for edges, states, first in (
        (PAYMENT_EDGES, PaymentStatus, PaymentStatus.CREATED),
        (MANDATE_EDGES, MandateStatus, MandateStatus.CREATED),
        (REFUND_EDGES, RefundStatus, RefundStatus.ASKED),
    ):
        reached = {first}
        for _ in states:
            reached |= {after for before, after in edges if before in reached}
        assert reached == set(states)
        assert all("." in topic for topic in edges.values())


def test_every_state_belongs_to_one_family():
    families = [IN_FLIGHT, COLLECTED, GIVEN_UP, {S.CHARGED_BACK}]
    assert sorted(status.value for family in families for status in family) == sorted(status.value for status in S)


def test_every_state_has_a_word_for_debtors_and_one_for_staff():
    for words, states in (
        (FOR_DEBTOR, PaymentStatus),
        (FOR_STAFF, PaymentStatus),
        (MANDATE_FOR_DEBTOR, MandateStatus),
        (MANDATE_FOR_STAFF, MandateStatus),
        (REFUND_FOR_DEBTOR, RefundStatus),
        (REFUND_FOR_STAFF, RefundStatus),
        (MEANS, Means),
    ):
        assert set(words) == set(states)


@pytest.mark.parametrize(("before", "seen"), list(itertools.product(S, S)))
def test_a_way_walks_edges_of_the_table_and_ends_where_the_provider_is(before, seen):
    try:
        steps = way(before, seen)
    except LookupError:
        return
    here = before
    for step in steps:
        assert (here, step) in PAYMENT_EDGES
        here = step
    if steps:
        assert here is seen


@pytest.mark.parametrize("before", [S.CONFIRMED, S.SETTLED, S.CHARGED_BACK])
@pytest.mark.parametrize("seen", sorted(IN_FLIGHT, key=lambda one: one.value))
def test_money_counted_as_received_never_becomes_on_its_way_again(before, seen):
    assert way(before, seen) == ()


@pytest.mark.parametrize("before", sorted(GIVEN_UP | IN_FLIGHT, key=lambda one: one.value))
def test_money_that_came_is_always_taken_in(before):
    assert way(before, S.CONFIRMED) == (S.CONFIRMED,)
    assert way(before, S.SETTLED) == (S.CONFIRMED, S.SETTLED)
    assert way(before, S.CHARGED_BACK) == (S.CONFIRMED, S.CHARGED_BACK)


@pytest.mark.parametrize("before", [S.CONFIRMED, S.SETTLED])
def test_confirmed_is_never_final(before):
    assert way(before, S.FAILED) == (S.FAILED,)
    assert way(before, S.CHARGED_BACK) == (S.CHARGED_BACK,)


@pytest.mark.parametrize(("before", "seen"), list(itertools.product(MandateStatus, MandateStatus)))
def test_a_mandates_way_walks_its_table_too(before, seen):
    try:
        steps = mandate_way(before, seen)
    except LookupError:
        return
    here = before
    for step in steps:
        assert (here, step) in MANDATE_EDGES
        here = step


def test_a_mandate_that_we_blocked_stays_blocked():
    assert {mandate_way(MandateStatus.BLOCKED, seen) for seen in MandateStatus} == {()}
    assert MandateStatus.BLOCKED in MANDATE_ENDS
