"""What a bank's reason calls for."""

from __future__ import annotations

import pytest

from payments.labels import REASONS, why_failed
from payments.reasons import (
    CAUSES,
    POLICIES,
    TRIES_AGAIN_AFTER_BANK_DAYS,
    Advice,
    may_present_again,
    policy_of,
    sepa_code,
)
from payments.twins.gocardless_twin.banks import FATES
from payments.twins.stripe_twin.disputes import REASONS as DISPUTE_REASONS


@pytest.mark.parametrize(
    ("code", "presented", "again"),
    [
        ("AM04", 1, True),
        ("AM04", 2, True),
        ("AM04", 3, False),
        ("insufficient_funds", 2, True),
        ("MS03", 1, True),
        ("MS03", 2, False),
        *((code, 1, False) for code in POLICIES if code not in ("AM04", "MS03")),
        ("a code that nobody knows", 1, False),
        (None, 1, False),
    ],
)
def test_only_some_reasons_are_presented_again(code, presented, again):
    assert may_present_again(code, presented=presented) is again


def test_which_reasons_end_the_mandate():
    ending = {code for code, policy in POLICIES.items() if policy.ends_mandate}

    assert ending == {"AC01", "RC01", "AC04", "AC06", "AG01", "MD01", "MD07"}


def test_which_reasons_freeze_the_money_until_somebody_has_spoken_with_the_debtor():
    assert {code for code, policy in POLICIES.items() if policy.is_contested} == {"MD06", "MS02"}


def test_only_a_death_stops_everything_and_it_is_for_people():
    assert [code for code, policy in POLICIES.items() if policy.stops_everything] == ["MD07"]
    assert policy_of("MD07").advice is Advice.DECEASED


def test_a_reason_that_will_be_presented_again_asks_nothing_of_staff():
    assert {code for code, policy in POLICIES.items() if not policy.needs_staff} == {"AM04", "MS03"}


def test_a_cause_without_a_code_means_the_same_as_the_code():
    for cause, code in CAUSES.items():
        assert sepa_code(cause) == code
        assert policy_of(cause) == policy_of(code)


def test_every_reason_of_the_table_and_of_the_twins_has_words():
    unknown = str(why_failed("a code that nobody knows"))
    for code in {*POLICIES, *DISPUTE_REASONS, *(fate.reason_code for fate in FATES if fate.reason_code)}:
        assert code in REASONS
    for cause in CAUSES:
        assert sepa_code(cause) == "MS03" or str(why_failed(cause)) != unknown


WHAT_FOLLOWS = """
AM04  3  -                         nothing
MS03  2  -                         nothing
AC01  1  ends                      new_details
RC01  1  ends                      new_details
AC04  1  ends                      new_details
AC06  1  ends                      new_details
AG01  1  ends                      new_details
MD01  1  ends                      proof
MD06  1  contested                 contact
MS02  1  contested                 contact
MD07  1  ends,everything           deceased
SL01  1  -                         unblock
AM05  1  -                         twice
AG02  1  -                         mending
FF01  1  -                         mending
BE05  1  -                         mending
RR01  1  -                         mending
RR02  1  -                         mending
RR03  1  -                         mending
RR04  1  -                         mending
"""
"""Code, how often the money is asked for in all, what stops, and what staff are asked to do."""

SAME_AS = """
insufficient_funds        AM04
refer_to_payer            MS03
invalid_bank_details      AC01
bank_account_closed       AC04
bank_account_transferred  AC04
direct_debit_not_enabled  AG01
mandate_cancelled         MD01
mandate_expired           MD01
authorisation_disputed    MD01
refund_requested          MD06
payment_stopped           MS02
"""


def test_what_follows_from_each_reason_is_what_the_table_of_the_house_says():
    rows = {
        (code, int(times), frozenset(stops.split(",")) - {"-"}, advice)
        for code, times, stops, advice in (line.split() for line in WHAT_FOLLOWS.splitlines() if line)
    }
    found = set()
    for code, policy in POLICIES.items():
        flags = {"ends": policy.ends_mandate, "contested": policy.is_contested, "everything": policy.stops_everything}
        stops = frozenset(name for name, is_so in flags.items() if is_so)
        found.add((code, policy.presentations, stops, policy.advice.value))
    assert found == rows


def test_a_providers_cause_means_the_banks_code():
    assert dict(line.split() for line in SAME_AS.splitlines() if line) == CAUSES


def test_a_reason_that_nobody_knows_stops_nothing_and_asks_nothing():
    assert sepa_code(None) == sepa_code("") == ""
    assert sepa_code("RR99") == "RR99"
    nothing = policy_of("RR99")
    assert (nothing.presentations, nothing.ends_mandate, nothing.is_contested) == (1, False, False)
    assert (nothing.stops_everything, nothing.advice) == (False, Advice.NOTHING)
    assert may_present_again("RR99", presented=0)


def test_the_same_money_is_asked_for_again_after_five_bank_days():
    assert TRIES_AGAIN_AFTER_BANK_DAYS == 5
