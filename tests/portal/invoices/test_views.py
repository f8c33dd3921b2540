"""My invoices: list, story, PDF."""

from __future__ import annotations

import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import Engine, event

from payments.declarations import service as declarations
from payments.declarations.service import DeclarationDraft
from shared.debtors.models import Contact, Debtor
from shared.invoices.models import Invoice, InvoiceKind, InvoiceLine
from shared.kit import clock
from shared.kit.db import transaction
from shared.kit.ids import new_id
from shared.ledger import service as ledger
from shared.ledger.models import Account
from shared.ledger.rules import Part
from shared.messages.models import Message, MessageStatus
from shared.promises import service
from shared.promises.service import PromiseDraft
from tests.portal.conftest import Dora
from tests.support.browser import Browser, Page
from tests.support.people import SYSTEM, an_invoice


def numbers(page) -> list[str]:
    return [a.text_content() for a in page.tree.xpath("//td[contains(@class, 'invoices-number')]/a")]


def when() -> ledger.Occasion:
    return ledger.Occasion(at=clock.now(), value_on=clock.today())


@pytest.fixture
def history(dora: Dora) -> Dora:
    """Beside the open ones a paid invoice and a credit note."""
    with transaction() as session:
        debtor = session.get_one(Debtor, dora.debtor_id)
        paid = an_invoice(session, debtor, "FB-9", 5_000, due_in=-60)
        paid.title = "Garden bench"
        ledger.settle_directly(
            session, debtor, account=Account.BANK, minor=5_000, parts=[Part(paid.id, 5_000)], occasion=when()
        )
        note = an_invoice(session, debtor, "AV-1", 2_000, kind=InvoiceKind.CREDIT_NOTE)
        dora.invoices |= {"FB-9": paid.id, "AV-1": note.id}
    return dora


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", {"FA-1", "FA-2", "FA-3", "AV-1"}),
        ("state=late", {"FA-1"}),
        ("state=paid", {"FB-9"}),
        ("state=credits", {"AV-1"}),
        ("state=all", {"FA-1", "FA-2", "FA-3", "FB-9", "AV-1"}),
        ("q=bench", {"FB-9"}),
        ("q=fa-", {"FA-1", "FA-2", "FA-3"}),
        ("q=%25", set()),
        ("q=_A-", set()),
        ("state=all&since=01/03/2026", {"FA-3"}),
        ("state=all&until=31/12/2025", {"FB-9"}),
        ("state=all&since=nonsense", {"FA-1", "FA-2", "FA-3", "FB-9", "AV-1"}),
        ("state=nonsense&after=nonsense&before=nonsense", {"FA-1", "FA-2", "FA-3", "AV-1"}),
    ],
)
def test_the_address_says_what_the_list_shows(enter, history: Dora, query: str, shown: set[str]) -> None:
    page = enter(history).open(f"/invoices?{query}")

    assert page.status == 200
    assert {number.removeprefix("Credit note ") for number in numbers(page)} == shown


def test_a_long_list_is_paged_by_key_there_and_back(enter, dora: Dora) -> None:
    with transaction() as session:
        debtor = session.get_one(Debtor, dora.debtor_id)
        for n in range(57):
            an_invoice(session, debtor, f"FB-{n:02d}", 100, due_in=60)
    browser = enter(dora)

    first = browser.open("/invoices?state=open&q=F")
    second = first.follow("Next")
    third = second.follow("Next")
    back = third.follow("Previous")

    assert [len(numbers(page)) for page in (first, second, third)] == [25, 25, 10]
    assert not set(numbers(first)) & set(numbers(second))
    assert numbers(back) == numbers(second)
    assert "60 invoices, €1,291.50 open" in first.text
    assert "Next" not in [a.text_content() for a in third.tree.xpath("//a[@rel='next']")]


def test_an_invoice_tells_its_story_in_true_words(enter, dora: Dora, world: clock.FrozenClock) -> None:
    one = dora.invoices["FA-1"]
    with transaction() as session:
        debtor = session.get_one(Debtor, dora.debtor_id)
        contact = session.get_one(Contact, dora.contact_id)
        for text, status in (
            ("FA-1", MessageStatus.SENT),
            ("FA-1", MessageStatus.WAITING),
            ("FX-9", MessageStatus.SENT),
        ):
            session.add(
                Message(
                    company_id=dora.company_id,
                    debtor_id=dora.debtor_id,
                    contact_id=contact.id,
                    kind="reminder",
                    language="en",
                    to_name="Dora",
                    to_address=contact.email,
                    subject="Reminder",
                    text_body=f"Invoice {text} is open",
                    html_body="",
                    reason="",
                    dedupe_key=str(uuid.uuid4()),
                    status=status,
                    created_at=clock.now(),
                    sent_at=clock.now() if status is MessageStatus.SENT else None,
                )
            )
        ledger.settle_directly(
            session, debtor, account=Account.BANK, minor=8_000, parts=[Part(one, 8_000)], occasion=when()
        )
        ledger.hold(session, debtor, [Part(one, 10_000)], account=Account.STRIPE, occasion=when())

    page = enter(dora).open(f"/invoices/{one}")
    titles = [" ".join(p.text_content().split()) for p in page.tree.xpath("//p[@class='timeline-title']")]

    assert titles[:2] == ["Invoice issued €380.00", "Due"]
    assert titles.count("Reminder sent") == 1
    assert any(title.startswith("Payment received") and "€80.00" in title for title in titles)
    assert "Payment on its way €100.00" in titles
    assert titles[-1] == "Still to pay €200.00"
    assert page.form_of  # the page has its acts
    assert page.follow("Pay €200.00").heading == "Pay €200.00"


def test_money_that_went_back_is_told_as_it_was(enter, dora: Dora) -> None:
    from payments.models import Means, Provider
    from payments.service import Facts, PaymentDraft, advance, start
    from payments.status import PaymentStatus
    from shared.kit.actors import Actor

    one, by = dora.invoices["FA-1"], Actor.provider("gocardless")
    with transaction() as session:
        debtor = session.get_one(Debtor, dora.debtor_id)
        draft = PaymentDraft(attempt="a", means=Means.DEBIT, provider=Provider.GOCARDLESS, parts=[Part(one, 38_000)])
        payment = start(session, debtor, draft, by=by)
        for status in (PaymentStatus.SUBMITTED, PaymentStatus.CONFIRMED, PaymentStatus.FAILED):
            facts = Facts(provider_reference="PM1", failure_code="AM04" if status is PaymentStatus.FAILED else None)
            advance(session, payment.id, status, by=by, facts=facts)
    browser = enter(dora)

    page = browser.open(f"/invoices/{one}")
    shown = page.follow("Your bank returned the payment")

    assert "Paid: Direct debit" in page.text
    assert "Your bank returned the payment: open again" in page.text
    assert page.follow("Pay €380.00")
    assert "not enough money in the account" in shown.text
    assert "Taken back by your bank" in shown.text
    assert "Thank you" not in shown.text


def test_lines_taxes_and_sums_are_shown(enter, dora: Dora) -> None:
    with transaction() as session:
        invoice = session.get_one(Invoice, dora.invoices["FA-1"])
        invoice.net_minor, invoice.vat_minor, invoice.order_reference = 31_667, 6_333, "BC <4471>"
        session.add(
            InvoiceLine(
                id=new_id(),
                invoice_id=invoice.id,
                position=1,
                description="<script>alert(1)</script> Linen",
                quantity=Decimal("2.5"),
                unit_price=Decimal("126.668"),
                vat_rate=Decimal(20),
                net_minor=31_667,
            )
        )

    page = enter(dora).open(f"/invoices/{dora.invoices['FA-1']}")

    assert "<script>alert(1)</script> Linen" in page.text
    assert not page.tree.xpath("//script[contains(text(), 'alert')]")
    assert "BC <4471>" in page.text
    for figure in ("2.5", "€126.668", "20\u00a0%", "€316.67", "€63.33"):
        assert figure in page.text.replace(" %", "\u00a0%"), figure


def test_the_pdf_is_a_download_and_is_made_once(enter, dora: Dora) -> None:
    browser = enter(dora)

    first = browser.open(f"/invoices/{dora.invoices['FA-1']}/pdf")
    second = browser.open(f"/invoices/{dora.invoices['FA-1']}/pdf")

    assert first.content.startswith(b"%PDF-")
    assert first.content == second.content
    assert first.response.headers["Content-Type"] == "application/pdf"
    assert "attachment" in first.response.headers["Content-Disposition"]
    assert first.response.headers["X-Content-Type-Options"] == "nosniff"


def test_a_credit_note_is_never_due_and_says_what_it_is_for(enter, history: Dora) -> None:
    page = enter(history).open(f"/invoices/{history.invoices['AV-1']}")

    assert page.heading == "Credit note AV-1"
    assert "Can still be used" in page.text
    assert "late" not in page.text
    assert "Pay €" not in page.text


def test_a_paid_invoice_is_thanked_for_and_never_late(enter, history: Dora) -> None:
    browser = enter(history)

    assert "Settled on 10 March 2026. Thank you." in browser.open(f"/invoices/{history.invoices['FB-9']}").text
    assert "late" not in browser.open("/invoices?state=paid").text.replace("Late", "")


def test_anothers_invoice_is_not_there(enter, dora: Dora, octave: Dora) -> None:
    browser = enter(octave)

    for path in (f"/invoices/{dora.invoices['FA-1']}", f"/invoices/{dora.invoices['FA-1']}/pdf"):
        assert browser.open(path).status == 404


def test_promised_invoices_are_not_called_late_and_their_days_are_one_question(enter, dora: Dora) -> None:
    browser = enter(dora)
    assert "days late" in browser.open("/invoices").text
    before, _page = _asked(browser)
    with transaction() as session:
        service.give(
            session,
            debtor_id=dora.debtor_id,
            draft=PromiseDraft(
                attempt="both",
                parts=[Part(dora.invoices["FA-1"], 38_000), Part(dora.invoices["FA-2"], 1_000)],
                promised_on=clock.today() + timedelta(days=10),
            ),
            by=SYSTEM,
        )

    after, page = _asked(browser)

    assert after == before + 1
    (row,) = page.tree.xpath("//tr[.//a[text()='FA-1']]")
    assert "Promised for 20 March 2026" in row.text_content()
    assert "late" not in row.text_content()
    (row,) = page.tree.xpath("//tr[.//a[text()='FA-2']]")
    assert "€10.00 of it promised for 20 March 2026" in row.text_content()
    (row,) = browser.open("/").tree.xpath("//tr[.//a[text()='FA-1']]")
    assert "Promised for 20 March 2026" in row.text_content()
    page = browser.open(f"/invoices/{dora.invoices['FA-1']}")
    assert "Promised for 20 March 2026" in page.text
    assert "late" not in page.text


def test_an_invoice_that_is_said_to_be_paid_is_not_called_late(enter, dora: Dora) -> None:
    with transaction() as session:
        draft = DeclarationDraft(
            attempt="told", minor=38_000, paid_on=clock.today(), parts=[Part(dora.invoices["FA-1"], 38_000)]
        )
        declarations.declare(session, debtor_id=dora.debtor_id, draft=draft, by=SYSTEM)

    (row,) = enter(dora).open("/invoices").tree.xpath("//tr[.//a[text()='FA-1']]")

    assert "Your transfer is looked for" in row.text_content()
    assert "late" not in row.text_content()


def _asked(browser: Browser) -> tuple[int, Page]:
    """How many questions the list of invoices asks the database."""
    asked: list[str] = []

    def count(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        asked.append(statement)

    event.listen(Engine, "before_cursor_execute", count)
    try:
        page = browser.open("/invoices")
    finally:
        event.remove(Engine, "before_cursor_execute", count)
    return len(asked), page
