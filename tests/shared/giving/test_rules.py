"""When a second person must agree: amounts add up, refusals are remembered."""

from __future__ import annotations

import pytest

from shared.giving.rules import Given, needs_second_person


@pytest.mark.parametrize(
    ("minor", "given", "must"),
    [
        (5_000, Given(), False),
        (5_001, Given(), True),
        (0, Given(), False),
        (1, Given(of_payment=5_000), True),
        (2_000, Given(of_payment=3_000), False),
        (2_001, Given(of_invoices=3_000), True),
        (2_001, Given(to_debtor=3_000), True),
        (2_000, Given(of_payment=1_000, of_invoices=2_000, to_debtor=3_000), False),
    ],
)
def test_what_was_given_before_counts(minor: int, given: Given, *, must: bool) -> None:
    assert needs_second_person(minor, given, limit_minor=5_000) is must


def test_with_a_limit_of_zero_everything_needs_two() -> None:
    assert needs_second_person(1, Given(), limit_minor=0)
