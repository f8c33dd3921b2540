"""What a bank's reason calls for."""

from __future__ import annotations

import pytest

from payments.labels import REASONS, why_failed
from payments.reasons import CAUSES, POLICIES, Advice, may_present_again, policy_of, sepa_code
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
