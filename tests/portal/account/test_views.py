"""The account page: what is owed, in true words."""

from __future__ import annotations

import re

from flask import Flask
from sqlalchemy import Engine, event

from shared.company.models import Company
from shared.debtors.models import Contact, Debtor
from shared.invoices.models import Invoice, InvoiceKind
from shared.kit import clock
from shared.kit.db import transaction
from shared.kit.templating import day
from shared.ledger import service as ledger
from shared.ledger.models import Account
from shared.ledger.rules import Part
from tests.portal.conftest import Dora
from tests.support.browser import Browser
from tests.support.people import an_invoice


def test_the_amount_to_pay_is_large_and_what_is_late_is_said(enter, dora: Dora) -> None:
    page = enter(dora).open("/")

    assert page.heading == "Your account"
    assert "€1,234.50" in page.text
    assert "including €380.00 that is late" in page.text
    assert page.form_of("Pay €1,234.50").fields["what"] == "all"
    assert page.form_of("Pay what is late: €380.00").fields["what"] == "late"
    assert [a for a in page.links if "/invoices/" in a][:3] == [
        f"/invoices/{dora.invoices[number]}" for number in ("FA-1", "FA-2", "FA-3")
    ]


def test_a_printed_page_says_whose_account_it_is_and_as_of_when(enter, dora: Dora) -> None:
    page = enter(dora).open("/")

    with transaction() as session:
        debtor = session.get_one(Debtor, dora.debtor_id)
        company = session.get_one(Company, debtor.company_id).trade_name
    [head] = re.findall(r'<p class="print-head">(.*?)</p>', page.response.get_data(as_text=True), re.DOTALL)
    words = [" ".join(part.split()) for part in re.findall(r"<span>(.*?)</span>", head, re.DOTALL)]
    assert words == [company, f"{debtor.name} ({debtor.account_code})", f"As of {day(clock.today())}"]


def test_who_owes_nothing_is_thanked(enter, octave: Dora) -> None:
    page = enter(octave).open("/")

    assert "Nothing to pay" in page.text
    assert "Pay €" not in page.text


def test_credit_and_credit_notes_are_one_figure_and_never_part_of_what_is_owed(enter, dora: Dora) -> None:
    with transaction() as session:
        debtor = session.get_one(Debtor, dora.debtor_id)
        when = ledger.Occasion(at=clock.now(), value_on=clock.today())
        ledger.settle_directly(session, debtor, account=Account.BANK, minor=1_500, parts=[], occasion=when)
        an_invoice(session, debtor, "AV-1", 5_000, kind=InvoiceKind.CREDIT_NOTE)

    page = enter(dora).open("/")

    assert "€65.00" in page.text
    assert page.form_of("Pay €1,234.50")


def test_money_on_its_way_is_not_asked_for_again(enter, dora: Dora) -> None:
    with transaction() as session:
        debtor = session.get_one(Debtor, dora.debtor_id)
        when = ledger.Occasion(at=clock.now(), value_on=clock.today())
        ledger.hold(session, debtor, [Part(dora.invoices["FA-3"], 73_000)], account=Account.STRIPE, occasion=when)
        ledger.hold(session, debtor, [Part(dora.invoices["FA-1"], 8_000)], account=Account.STRIPE, occasion=when)

    page = enter(dora).open("/")

    assert page.form_of("Pay €424.50")
    assert "Part of it is on its way: €80.00" in page.text
    assert str(dora.invoices["FA-3"]) not in page.tree.xpath("//input[@type='checkbox']/@value")


def test_a_debtor_with_many_invoices_sees_the_oldest_and_the_whole_sum(enter, dora: Dora) -> None:
    with transaction() as session:
        debtor = session.get_one(Debtor, dora.debtor_id)
        for n in range(60):
            an_invoice(session, debtor, f"FB-{n:02d}", 100, due_in=60)

    page = enter(dora).open("/")

    assert page.form_of("Pay €1,294.50")
    assert len(page.tree.xpath("//tbody/tr")) == 20
    assert page.follow("Show all 63 open invoices").heading == "Your invoices"


def test_a_person_is_spoken_to_in_the_persons_language_until_another_is_chosen(portal: Flask, dora: Dora) -> None:
    with transaction() as session:
        session.get_one(Contact, dora.contact_id).language = "fr"
    browser = Browser(portal, language="fr")
    browser.open(f"/l/{dora.token}").submit("Ouvrir mon compte")

    page = browser.open("/")
    assert page.heading == "Votre compte"
    assert "Payer 1\u202f234,50\u00a0€" in page.response.get_data(as_text=True).replace("&nbsp;", "\u00a0")

    page = browser.open("/?language=en")
    assert page.heading == "Your account"
    assert "language" not in page.address
    assert browser.open("/invoices").heading == "Your invoices"


def test_the_page_asks_the_database_little(enter, dora: Dora) -> None:
    """The page that everybody opens: a session, a standing, and nothing more for whoever pays by hand."""
    browser = enter(dora)
    asked: list[str] = []

    def count(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.lstrip().upper().startswith("SELECT"):
            asked.append(statement)

    event.listen(Engine, "before_cursor_execute", count)
    try:
        browser.open("/")
    finally:
        event.remove(Engine, "before_cursor_execute", count)

    assert len(asked) == 2, asked


def test_frozen_invoices_are_shown_and_not_asked_for(enter, dora: Dora) -> None:
    with transaction() as session:
        session.get_one(Invoice, dora.invoices["FA-1"]).frozen_minor = 38_000

    page = enter(dora).open("/")

    assert page.form_of("Pay €854.50")
    assert "You need not pay this for now." in page.text
