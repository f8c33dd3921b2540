"""What became of payments that were under way over contested money, as the debtor and staff are told."""

from __future__ import annotations

from datetime import timedelta

import pytest

from payments.collections.contested import Fate, touching
from payments.models import Means
from payments.status import PaymentStatus
from shared.kit import clock
from shared.kit.money import Money
from tests.payments.collections.conftest import ask


def fates(desk, *numbers: str, since=None, debtor_id=None):
    found = ask(
        touching,
        debtor_id or desk.dora,
        [desk.ids[number] for number in numbers or ("F-1",)],
        since=since or clock.now(),
    )
    return [(one.numbers, one.fate) for one in found]


@pytest.mark.parametrize(
    ("facts", "fate"),
    [
        ({"reason": ""}, Fate.STOPPING),
        ({"reason": "frozen"}, Fate.STOPPING),
        ({"reason": "frozen", "to": PaymentStatus.CANCELLED}, Fate.STOPPED),
        ({"reason": "frozen_too_late"}, Fate.LEFT),
        ({"reason": "left_before"}, Fate.LEFT),
        ({"reason": "left_before", "to": PaymentStatus.CANCELLED}, Fate.LEFT),
        ({}, Fate.STOPPING),
        ({"by_himself": True}, Fate.UNDER_WAY),
        ({"means": Means.CARD, "by_himself": True}, Fate.UNDER_WAY),
        ({"means": Means.CARD}, Fate.UNDER_WAY),
    ],
)
def test_each_payment_has_its_own_end(desk, facts, fate):
    desk.pay(("F-1", 100), **facts)
    assert fates(desk) == [(("F-1",), fate)]


def test_what_ended_otherwise_is_not_spoken_of(desk):
    desk.pay(("F-1", 50), reason="", to=PaymentStatus.CANCELLED)
    desk.pay(("F-1", 50), by_himself=True, to=PaymentStatus.CANCELLED)
    assert fates(desk) == []


def test_only_payments_over_these_invoices_that_were_there_before_are_spoken_of(desk, frozen):
    first = desk.pay(("F-2", 40), ("F-1", 60), by_himself=True)
    second = desk.pay(("F-1", 10), by_himself=True)
    desk.pay(("F-2", 10), by_himself=True)
    desk.pay(("G-1", 10), by_himself=True)
    contested_at = clock.now()
    frozen.advance(seconds=1)
    desk.pay(("F-1", 10), by_himself=True)

    assert fates(desk, since=contested_at) == [(("F-1", "F-2"), Fate.UNDER_WAY), (("F-1",), Fate.UNDER_WAY)]
    assert fates(desk, since=contested_at - timedelta(seconds=1)) == []
    assert fates(desk, since=contested_at, debtor_id=desk.eve) == []
    one, two = ask(touching, desk.dora, [desk.ids["F-1"]], since=contested_at)
    assert (one.payment_id, two.payment_id) == (first, second)
    assert (one.money, one.means, one.is_automatic, one.charge_on) == (Money(100), Means.DEBIT, False, None)
    assert one.reference.startswith("PAY-")
