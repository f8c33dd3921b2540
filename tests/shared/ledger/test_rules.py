"""Spreading money, and when too much of an invoice is reserved."""

from __future__ import annotations

import uuid
from datetime import date

from shared.ledger.rules import OpenItem, Part, allocate, is_too_much, oldest_first, total

ONE, TWO, THREE = (uuid.UUID(int=number) for number in (1, 2, 3))


def item(identity: uuid.UUID, day: int, minor: int) -> OpenItem:
    return OpenItem(identity, date(2031, 3, day), minor)


def test_the_oldest_is_settled_first_and_the_rest_is_left_over():
    items = [item(THREE, 3, 100), item(ONE, 1, 50), item(TWO, 2, 70)]

    assert allocate(items, 120) == ([Part(ONE, 50), Part(TWO, 70)], 0)
    assert allocate(items, 121) == ([Part(ONE, 50), Part(TWO, 70), Part(THREE, 1)], 0)
    assert allocate(items, 230) == ([Part(ONE, 50), Part(TWO, 70), Part(THREE, 100)], 10)
    assert allocate(items, 0) == ([], 0)


def test_what_is_due_on_one_day_goes_by_identity():
    assert [each.invoice_id for each in oldest_first([item(TWO, 1, 1), item(ONE, 1, 1)])] == [ONE, TWO]


def test_what_has_nothing_available_is_passed_over():
    assert allocate([item(ONE, 1, 0), item(TWO, 2, 5)], 3) == ([Part(TWO, 3)], 0)


def test_a_sum_of_parts():
    assert total([Part(ONE, 1), Part(TWO, 2)]) == 3


def test_contested_money_alone_is_never_reserved_too_much():
    assert not is_too_much(open_minor=10, held_minor=0, contested_minor=11)


def test_too_much_begins_above_what_is_open():
    assert not is_too_much(open_minor=10, held_minor=4, contested_minor=6)
    assert is_too_much(open_minor=10, held_minor=5, contested_minor=6)
    assert is_too_much(open_minor=10, held_minor=1, contested_minor=10)
