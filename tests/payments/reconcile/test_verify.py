"""The proof names every difference, and a clean house has none."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from payments.reconcile.commands import verify as command
from payments.reconcile.parity import mend
from payments.reconcile.verify import verify
from payments.status import PaymentStatus as S
from shared.kit import clock
from shared.kit.db import transaction
from shared.promises import service as promises
from shared.promises.service import PromiseDraft


@pytest.fixture
def busy(counter):
    """A card payment, a debit on its way, a chargeback whose money is contested, and a promise."""
    counter.open_account((12_000, 8_000, 5_000, 4_000))
    one = counter.pay_by_card(counter.part("F-1", 12_000))
    counter.twins.pay(one.url)
    two = counter.pay_by_card(counter.part("F-3", 5_000))
    counter.twins.pay(two.url)
    counter.pay_by_debit(counter.give_mandate(), counter.part("F-2", 8_000))
    counter.deliver()
    counter.twins.fault("chargeback", object=counter.payment(two.payment_id).provider_reference)
    counter.deliver()
    with transaction() as session:
        draft = PromiseDraft(attempt="form-1", parts=[counter.part("F-4", 4_000)], promised_on=clock.today())
        promises.give(session, debtor_id=counter.debtor_id, draft=draft, by=counter.by)
    counter.card_id = one.payment_id
    return counter


def test_a_clean_house_has_no_difference_and_says_what_was_compared(busy):
    proof = verify()

    assert proof.differences == []
    assert proof.compared["stripe payment"] == 2
    assert proof.compared["stripe chargeback"] == 1
    assert proof.compared["gocardless payment"] == 1
    assert proof.compared["invoice open"] == 4
    assert proof.totals["stripe EUR"] == {"provider": 12_000, "ledger": 12_000}


@pytest.mark.parametrize(
    ("spoil", "check"),
    [
        (
            "UPDATE invoice SET open_minor = open_minor + 1 WHERE number = 'F-3' AND open_minor < total_minor OR number = 'F-1'",
            "invoice open",
        ),
        ("UPDATE invoice SET held_minor = held_minor - 1 WHERE number = 'F-2'", "invoice held"),
        ("UPDATE debtor SET open_minor = open_minor - 1", "debtor open"),
        ("UPDATE debtor SET held_minor = held_minor + 1", "debtor held"),
        ("UPDATE debtor SET credit_minor = 1", "debtor credit"),
        ("UPDATE payment SET amount_minor = amount_minor + 1 WHERE status = 'confirmed'", "payment settled"),
        ("UPDATE payment SET refunded_minor = 1 WHERE status = 'confirmed'", "refunds of a payment"),
        ("UPDATE payment SET status = 'failed' WHERE means = 'debit'", "payment held"),
        ("UPDATE invoice SET frozen_minor = 1 WHERE number = 'F-1'", "invoice frozen"),
        ("UPDATE invoice SET paused_minor = 1 WHERE number = 'F-1'", "invoice paused"),
        ("UPDATE promise SET state = 'kept'", "frozen for what has ended"),
    ],
)
def test_a_single_cent_out_of_place_is_found_and_named(busy, spoil, check):
    with transaction() as session:
        session.execute(text(spoil))

    assert check in {difference.check for difference in verify(with_providers=False).differences}


def test_money_at_the_provider_that_the_ledger_does_not_know_is_found_and_mended(busy):
    busy.twins.fault("webhook_drop", times=0)
    debit = next(one for one in busy.payments() if one.means.value == "debit")
    busy.twins.advance(bank_days=4)
    found = {one.check: one for one in verify().differences}
    assert set(found) == {"gocardless payment", "stripe payout not booked"}
    difference = found["gocardless payment"]
    assert (difference.subject, difference.expected, difference.found) == (debit.provider_reference, 8_000, 0)

    assert mend().is_clean
    assert busy.payment(debit.id).status is S.CONFIRMED


def test_a_ledger_movement_that_the_provider_does_not_know_is_found(busy):
    with transaction() as session:
        session.execute(text("ALTER TABLE ledger_transfer DISABLE TRIGGER USER"))
        session.execute(
            text(
                "UPDATE ledger_transfer SET provider_reference = 'pi_nowhere' WHERE payment_id = :id AND phase = 'post'"
            ),
            {"id": busy.card_id},
        )
        session.execute(text("ALTER TABLE ledger_transfer ENABLE TRIGGER USER"))

    named = {(one.check, one.subject) for one in verify().differences}

    assert ("stripe has no such object", "pi_nowhere") in named
    assert any(check == "stripe payment" for check, _subject in named)


def test_the_command_exits_with_1_when_anything_differs(busy):
    clean = CliRunner().invoke(command, ["--json"])
    assert (clean.exit_code, json.loads(clean.output)["clean"]) == (0, True)

    with transaction() as session:
        session.execute(text("UPDATE debtor SET credit_minor = 1"))

    dirty = CliRunner().invoke(command, [])
    assert dirty.exit_code == 1
    assert "DIFFERENCE debtor credit: 411DORA should be 0, is 1 EUR" in dirty.output
