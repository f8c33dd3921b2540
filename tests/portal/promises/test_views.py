"""Saying when I will pay, as a debtor does it: with links and forms alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from payments.collections.run import run as run_collections
from payments.queries import next_debits
from shared.company.models import Company
from shared.debtors.models import Debtor
from shared.invoices.models import Invoice
from shared.kit import clock
from shared.kit.actors import Actor
from shared.kit.db import reading, transaction
from shared.kit.outbox.relay import perform_due
from shared.ledger.rules import Part
from shared.promises import service
from shared.promises.models import Promise
from shared.promises.rules import Limits, PromiseState
from shared.promises.service import PromiseDraft
from tests.portal.conftest import rows
from tests.portal.shop import Shop
from tests.support.people import SYSTEM

BY = Actor.system("test")


def paused(number: str) -> int:
    with reading() as session:
        return session.scalars(select(Invoice.paused_minor).where(Invoice.number == number)).one()


def limit(company_id, **values) -> None:
    with transaction() as session:
        service.set_limits(session, company_id=company_id, limits=Limits(**values), by=SYSTEM)


def in_days(number: int) -> str:
    return (clock.today() + timedelta(days=number)).isoformat()


def promise(browser, invoice=None, days: int = 10, **values):
    page = browser.open("/promises/new" + (f"?invoice={invoice}" if invoice else ""))
    return page.submit("Promise to pay", promised_on=in_days(days), **values)


def test_one_tap_from_the_account_leads_to_a_promise_of_what_is_late(enter, dora):
    page = enter(dora).open("/").follow("Say when you will pay")
    assert page.form_of("Promise to pay").fields.getlist("invoice") == [str(dora.invoices["FA-1"])]
    said = page.submit("See first what it does", promised_on=in_days(10))
    assert "You promise €380.00 by 20 March 2026. Until 23 March 2026 we send no reminder" in said.text
    assert rows(Promise) == []
    kept = said.submit("Promise to pay")
    assert kept.heading == "Your promise for 20 March 2026"
    assert "Until 23 March 2026 we send no reminder" in kept.text
    assert paused("FA-1") == 38_000


def test_one_tap_from_an_invoice_leads_to_a_promise_of_that_invoice(enter, dora):
    page = enter(dora).open(f"/invoices/{dora.invoices['FA-3']}").follow("Say when you will pay")
    assert page.form_of("Promise to pay").fields.getlist("invoice") == [str(dora.invoices["FA-3"])]


def test_a_smaller_amount_counts_for_the_oldest_invoice_first(enter, dora):
    chosen = [dora.invoices["FA-1"], dora.invoices["FA-2"]]
    browser = enter(dora)
    page = browser.open(f"/promises/new?invoice={chosen[0]}&invoice={chosen[1]}")
    page = page.submit("Promise to pay", promised_on=in_days(5), amount="400,00")
    assert page.status == 200
    assert (paused("FA-1"), paused("FA-2")) == (38_000, 2_000)
    assert "€20.00" in page.text


def test_what_was_promised_may_still_be_paid(enter, dora):
    browser = enter(dora)
    page = promise(browser)
    assert page.follow("Pay now").heading == "Pay €380.00"
    assert "€380.00" in browser.open("/").text


@pytest.mark.parametrize(("days", "words"), [(-1, "This day is past."), (22, "the last possible day is 31 March 2026")])
def test_a_day_beyond_the_limits_is_refused_beside_the_field(enter, dora, days, words):
    browser = enter(dora)
    for button in ("Promise to pay", "See first what it does"):
        page = browser.open("/promises/new").submit(button, promised_on=in_days(days))
        assert page.status == 422
        assert words in page.text
    assert rows(Promise) == []


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"amount": "380.01"}, "At most €380.00 is open on what you ticked."),
        ({"amount": "0"}, "must be more than zero"),
        ({"amount": "plenty"}, "This is not an amount."),
        ({"promised_on": "soon"}, "This is not a day."),
        ({"promised_on": ""}, "Choose a day."),
        ({"invoice": []}, "Tick at least one invoice."),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(enter, dora, values, words):
    page = enter(dora).open("/promises/new")
    page = page.submit("Promise to pay", **({"promised_on": in_days(3), "note": "On payday"} | values))
    assert page.status == 422
    assert words in page.text
    assert page.form_of("Promise to pay").fields["note"].strip() == "On payday"


def test_more_promises_than_allowed_are_refused_with_the_reason(enter, dora):
    limit(dora.company_id, live_most=1)
    browser = enter(dora)
    promise(browser)
    page = browser.open("/promises/new")
    assert "A promise is open already" in page.text
    assert "Promise to pay" not in page.text


def test_a_company_that_takes_no_promises_offers_none(enter, dora):
    limit(dora.company_id, is_offered=False)
    browser = enter(dora)
    assert "Dates of payment cannot be announced here" in browser.open("/promises/new").text


def test_the_same_form_sent_twice_is_one_promise(enter, dora):
    page = enter(dora).open("/promises/new")
    first = page.submit("Promise to pay", promised_on=in_days(3))
    second = page.submit("Promise to pay", promised_on=in_days(3))
    assert first.address == second.address
    assert len(rows(Promise)) == 1


def test_a_promise_is_changed_and_the_former_one_is_gone_from_the_list(enter, dora):
    browser = enter(dora)
    page = promise(browser, days=3).follow("Change it")
    assert page.heading == "Change your promise"
    page = page.submit("Promise to pay", promised_on=in_days(12), invoice=[str(dora.invoices["FA-2"])], amount="")
    assert page.heading == "Your promise for 22 March 2026"
    assert (paused("FA-1"), paused("FA-2")) == (0, 12_450)
    listed = browser.open("/promises")
    assert "By 22 March 2026" in listed.text
    assert "By 13 March 2026" not in listed.text


def test_a_promise_is_taken_back(enter, dora):
    page = promise(enter(dora)).submit("Take it back")
    assert "Ended" in page.text
    assert paused("FA-1") == 0
    assert rows(Promise)[0].state is PromiseState.CANCELLED


def test_what_became_of_it_is_said_in_the_debtors_words(enter, dora, frozen):
    from payments.models import Means
    from payments.receipts import service as receipts

    page = promise(enter(dora), days=3)
    with transaction() as session:
        receipts.record_receipt(
            session,
            debtor=session.get_one(Debtor, dora.debtor_id),
            means=Means.TRANSFER,
            minor=10_000,
            received_on=clock.today(),
            memo="",
            parts=[Part(dora.invoices["FA-1"], 10_000)],
            attempt="part",
            by=SYSTEM,
        )
    perform_due()
    browser = enter(dora)
    assert "€100.00 of €380.00 has arrived." in browser.open(page.address).text
    frozen.advance(days=7)
    with transaction() as session:
        service.look(session, rows(Promise)[0].id)
    page = enter(dora).open(page.address)
    assert "Not kept" in page.text
    assert "€100.00 of €380.00 has arrived. The money did not arrive in time" in page.text


def test_what_is_live_is_told_on_the_first_page_and_on_the_invoice(enter, dora):
    browser = enter(dora)
    promise(browser)
    assert "You promised €380.00 by 20 March 2026" in browser.open("/").text
    assert "You promised to pay by 20 March 2026" in browser.open(f"/invoices/{dora.invoices['FA-1']}").text


def test_another_debtors_promise_and_invoices_do_not_exist(enter, dora, octave):
    browser = enter(dora)
    mine = promise(browser).address
    other = enter(octave)
    for address in (
        mine,
        f"{mine}/change",
        f"/promises/new?invoice={dora.invoices['FA-1']}",
        "/promises/new?invoice=x",
    ):
        assert other.open(address).status == 404, address
    with transaction() as session:
        theirs = session.scalars(select(Debtor).where(Debtor.id == octave.debtor_id)).one()
        assert session.get_one(Company, theirs.company_id).id == octave.company_id
    token = other.open("/profile").tree.xpath("//input[@name='csrf_token']/@value")[0]
    for act in ("change", "cancel"):
        answer = other.client.post(
            f"{mine}/{act}",
            data={"csrf_token": token, "promised_on": in_days(3), "act": "give", "attempt": "x"},
            headers=other.headers,
            base_url=other.base_url,
        )
        assert answer.status_code == 404
    answer = other.client.post(
        "/promises/new",
        data={"csrf_token": token, "promised_on": in_days(3), "act": "give", "invoice": str(dora.invoices["FA-2"])},
        headers=other.headers,
        base_url=other.base_url,
    )
    assert answer.status_code == 404
    assert len(rows(Promise)) == 1
    assert paused("FA-2") == 0


def test_it_speaks_french(enter, dora):
    page = enter(dora).speak("fr").open("/promises/new?language=fr")
    assert page.heading == "Dire quand vous paierez"


def test_a_draft_of_staff_is_shown_like_any_other(enter, dora):
    with transaction() as session:
        draft = PromiseDraft("staff", [Part(dora.invoices["FA-1"], 38_000)], clock.today() + timedelta(days=2))
        made = service.give(session, debtor_id=dora.debtor_id, draft=draft, by=Actor.staff(dora.contact_id, "Inès"))
    assert "Inès" in enter(dora).open(f"/promises/{made.id}").text


def test_the_pages_say_that_an_announced_debit_does_not_take_place(shop: Shop):
    shop.counter.give_mandate()
    with transaction() as session:
        session.query(Debtor).update({"autopay": True})
        company_id = session.query(Company).one().id
    run_collections(company_id)
    browser = shop.enter()

    page = browser.open(f"/promises/new?invoice={shop.counter.invoices['F-1']}")
    said = page.submit("See first what it does", promised_on=in_days(10))
    assert "What was announced for 26 March 2031 is then not debited." in said.text
    kept = said.submit("Promise to pay")
    assert "The debit announced for 26 March 2031 does not take place" in kept.text
    assert "at least 14 days before" in kept.text
    shop.counter.deliver()
    assert "The debit announced for 26 March 2031 does not take place" in browser.open(kept.address).text
    assert [one.numbers for one in debits_of(shop)] == [("F-2",)]
    kept = browser.open(kept.address).follow("Change it").submit("Promise to pay", promised_on=in_days(12))
    assert "The debit announced for 26 March 2031 does not take place" in kept.text
    ended = browser.open(kept.address).submit("Take it back")
    assert "does not take place" not in ended.text


def debits_of(shop: Shop):
    with reading() as session:
        return next_debits(session, shop.counter.debtor_id)
