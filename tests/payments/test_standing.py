"""The payment block of a paper that is handed out says what is true now, in every standing of an invoice."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from payments.collections.run import run as run_collections
from payments.declarations import service as declarations
from payments.declarations.service import DeclarationDraft
from payments.models import Means
from payments.receipts import service as receipts
from payments.standing import standing
from shared.company.queries import today_of
from shared.debtors.models import Debtor
from shared.disputes import service as disputes
from shared.disputes.service import Claim
from shared.invoices.models import Invoice
from shared.kit.db import reading, transaction
from shared.promises import service as promises
from shared.promises.service import PromiseDraft
from tests.support.counter import Counter
from tests.support.people import SYSTEM


@pytest.fixture
def shop(counter: Counter) -> Counter:
    return counter.open_account((12_000, 300_000))


def now(shop: Counter, number: str = "F-1"):
    found = standing(shop.invoices[number])
    assert found is not None
    facts, debit = found
    return [(part.kind, part.amount.minor) for part in facts.parts], facts.to_pay.minor, debit


def today(shop: Counter):
    with reading() as session:
        return today_of(session, session.get_one(Debtor, shop.debtor_id).company_id)


def autopay(shop: Counter, most: int | None = None) -> None:
    with transaction() as session:
        session.execute(update(Debtor).values(autopay=True, autopay_maximum_minor=most))


def test_an_open_invoice_is_asked_for(shop):
    assert now(shop) == ([], 12_000, None)


def test_above_the_maximum_nobody_is_told_that_it_will_be_debited(shop):
    shop.give_mandate()
    autopay(shop, most=100_000)
    assert now(shop, "F-2") == ([], 300_000, None)
    parts, to_pay, debit = now(shop, "F-1")
    assert (parts, to_pay) == ([("debit", 12_000)], 0)
    assert debit is not None


def test_an_announced_debit_names_its_day_and_its_mandate(shop):
    shop.give_mandate()
    autopay(shop)
    with reading() as session:
        company_id = session.get_one(Debtor, shop.debtor_id).company_id
    run_collections(company_id)
    found = standing(shop.invoices["F-1"])
    assert found is not None
    [part] = found[0].parts
    assert part.kind == "debit"
    assert part.on is not None
    assert found[1] is not None
    assert found[1].rum


def test_autopay_taken_back_is_no_debit_any_more(shop):
    shop.give_mandate()
    autopay(shop)
    with transaction() as session:
        session.execute(update(Debtor).values(autopay=False))
    assert now(shop) == ([], 12_000, None)


def test_an_invoice_left_out_is_to_be_paid_by_its_debtor(shop):
    shop.give_mandate()
    autopay(shop)
    with transaction() as session:
        session.execute(update(Invoice).values(autopay_excluded_at=Invoice.created_at))
    assert now(shop) == ([], 12_000, None)


def test_a_part_that_is_paid_is_said_and_the_rest_is_asked_for(shop):
    with transaction() as session:
        receipts.record_receipt(
            session,
            debtor=session.get_one(Debtor, shop.debtor_id),
            means=Means.TRANSFER,
            minor=5_000,
            received_on=today(shop),
            memo="",
            parts=[shop.part("F-1", 5_000)],
            attempt="by-hand",
            by=SYSTEM,
        )
    assert now(shop) == ([("paid", 5_000)], 7_000, None)


def test_what_is_on_its_way_is_not_asked_for_again(shop):
    shop.pay_by_card(shop.part("F-1", 12_000))
    assert now(shop) == ([("under_way", 12_000)], 0, None)


def test_contested_money_is_not_asked_for(shop):
    with transaction() as session:
        disputes.raise_dispute(
            session,
            debtor_id=shop.debtor_id,
            claims=[Claim(shop.invoices["F-1"], minor=2_000)],
            reason_code="price",
            text="Too much.",
            attempt="one",
            by=SYSTEM,
        )
    assert now(shop) == ([("contested", 2_000)], 10_000, None)


def test_a_promise_is_said_and_may_be_paid_sooner(shop):
    draft = PromiseDraft(
        attempt="p",
        parts=[shop.part("F-1", 12_000)],
        promised_on=today(shop) + timedelta(days=5),
        contact_id=None,
        note="",
    )
    with transaction() as session:
        promises.give(session, debtor_id=shop.debtor_id, draft=draft, by=SYSTEM)
    assert now(shop) == ([("promised", 12_000)], 12_000, None)


def test_a_transfer_that_is_looked_for_is_not_asked_for_again(shop):
    draft = DeclarationDraft(attempt="d", minor=12_000, paid_on=today(shop), parts=[shop.part("F-1", 12_000)])
    with transaction() as session:
        declarations.declare(session, debtor_id=shop.debtor_id, draft=draft, by=SYSTEM)
    assert now(shop) == ([("told", 12_000)], 0, None)
