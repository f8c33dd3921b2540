"""Payouts as the bank sees them: booked to the cent, found however old, given back and paid again."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.models import Payout, Provider
from payments.payouts.take import take_payouts
from payments.reconcile.parity import mend
from payments.reconcile.proof import Difference
from payments.reconcile.verify import verify
from shared.kit.db import reading
from shared.kit.seals import renew
from tests.support.spoil import spoiling

CLEARING = {"stripe": "clearing_stripe", "gocardless": "clearing_gocardless"}


def balance(account: str) -> int:
    """What stands on an account, in minor units."""
    with reading() as session:
        return int(
            session.execute(
                text(
                    "SELECT coalesce(sum(CASE WHEN debit_account = :a THEN amount_minor ELSE -amount_minor END), 0)"
                    " FROM ledger_transfer WHERE phase IN ('posted', 'post')"
                    " AND (debit_account = :a) <> (credit_account = :a)"
                ),
                {"a": account},
            ).scalar_one()
        )


def paid_out(counter, provider: str):
    kind = "payout" if provider == "stripe" else "payouts"
    return counter.twins.objects(provider, kind)


def rows() -> list[tuple[str, int, int, bool]]:
    with reading() as session:
        return [
            (one.provider.value, one.amount_minor, one.fee_minor, one.returned_at is not None)
            for one in session.query(Payout).order_by(Payout.id)
        ]


def unbook(session: Session) -> None:
    """As if no payout had ever been booked; the ledger's seals know it, else each row would be missed as taken out."""
    session.execute(text("DELETE FROM payout"))
    gone = session.scalars(text("DELETE FROM ledger_transfer WHERE kind IN ('payout', 'fee') RETURNING id")).all()
    renew(session, "ledger_transfer", gone)


@pytest.fixture
def collected(counter):
    """Three debits whose fees have tenths of a cent, paid out."""
    counter.open_account((1_050, 1_050, 1_050))
    mandate = counter.give_mandate()
    for number in ("F-1", "F-2", "F-3"):
        counter.pay_by_debit(mandate, counter.part(number, 1_050))
    counter.days(8, bank=True)
    return counter


@pytest.fixture
def charged(counter):
    """A card payment of 120.00 that was paid out, and one that is not yet."""
    counter.open_account((12_000, 8_000))
    counter.twins.pay(counter.pay_by_card(counter.part("F-1", 12_000)).url)
    counter.days(6)
    return counter


def test_a_payout_with_tenths_of_a_cent_is_booked_at_what_it_is(collected):
    (payout,) = paid_out(collected, "gocardless")
    assert payout["amount"] == 3_150 - 91  # three times 30.5 is 91.5, and their sum is rounded once

    take_payouts(Provider.GOCARDLESS)

    assert rows() == [("gocardless", 3_059, 91, False)]
    assert (balance("bank"), balance("fees"), balance("clearing_gocardless")) == (3_059, 91, 0)
    assert verify().differences == []


def test_a_payout_is_found_however_old(collected):
    with reading() as session:
        assert session.query(Payout).count() == 1  # the webhook's work
    with spoiling() as session:
        unbook(session)
        session.execute(text("DELETE FROM payout_watermark"))
    collected.twins.advance(200)

    assert take_payouts(Provider.GOCARDLESS) == 1

    assert rows() == [("gocardless", 3_059, 91, False)]


def differences() -> list[Difference]:
    """What verify finds, but for the seals of the rows that a test took away."""
    return [one for one in verify().differences if one.check != "ledger_transfer row gone"]


def test_a_payout_that_is_not_booked_is_a_difference_and_is_booked_by_night(collected):
    with spoiling() as session:
        unbook(session)
    collected.twins.advance(200)
    take_payouts(Provider.GOCARDLESS)
    with spoiling() as session:
        unbook(session)

    assert take_payouts(Provider.GOCARDLESS) == 0  # long before the watermark
    (difference,) = differences()
    assert (difference.check, difference.expected, difference.found) == ("gocardless payout not booked", 3_059, 0)
    mend()
    assert differences() == []


def test_a_failed_payout_is_with_the_provider_again_and_no_negative_fee(charged):
    (payout,) = paid_out(charged, "stripe")
    assert rows() == [("stripe", 12_000 - 205, 205, False)]

    charged.twins.fault("payout_fails", object=payout["id"])
    charged.deliver()

    assert rows() == [("stripe", 12_000 - 205, 205, True)]
    assert (balance("bank"), balance("fees"), balance("clearing_stripe")) == (0, 205, 11_795)
    assert verify().differences == []

    charged.days(4)  # the next payout brings it again

    assert rows() == [("stripe", 11_795, 205, True), ("stripe", 11_795, 0, False)]
    assert (balance("bank"), balance("fees"), balance("clearing_stripe")) == (11_795, 205, 0)
    assert verify().differences == []


def test_a_failed_payout_beside_new_payments_leaves_the_fees_of_these(charged):
    charged.twins.pay(charged.pay_by_card(charged.part("F-2", 8_000)).url)
    (payout,) = paid_out(charged, "stripe")
    charged.twins.fault("payout_fails", object=payout["id"])
    charged.days(6)

    fees = [fee for _provider, _amount, fee, _returned in rows()]
    assert sum(fees) == 205 + 145
    assert min(fees) >= 0
    assert balance("bank") == 20_000 - 350
    assert verify().differences == []


def test_a_payout_that_failed_before_it_was_seen_is_booked_and_given_back(charged):
    with spoiling() as session:
        unbook(session)
    (payout,) = paid_out(charged, "stripe")
    charged.twins.fault("webhook_drop", times=0)
    charged.twins.fault("payout_fails", object=payout["id"])
    charged.twins.advance(4)

    assert take_payouts(Provider.STRIPE) == 2

    assert rows() == [("stripe", 11_795, 205, True), ("stripe", 11_795, 0, False)]
    assert differences() == []


def test_a_payout_that_bounced_and_was_sent_again_is_one_payout(collected):
    (payout,) = paid_out(collected, "gocardless")
    for _round in range(2):
        collected.twins.fault("payout_fails", object=payout["id"])
        collected.deliver()
        assert rows() == [("gocardless", 3_059, 91, True)]
        assert (balance("bank"), balance("clearing_gocardless")) == (0, 3_059)
        assert verify().differences == []

        collected.twins.fault("payout_retried", object=payout["id"])
        collected.days(2, bank=True)
        assert rows() == [("gocardless", 3_059, 91, False)]
        assert (balance("bank"), balance("fees"), balance("clearing_gocardless")) == (3_059, 91, 0)
        assert verify().differences == []
