"""I have paid: a debtor tells of a transfer and sees what became of it."""

from __future__ import annotations

import io
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import select

from payments.declarations import service
from payments.declarations.models import Declaration
from payments.declarations.rules import DeclarationState, Terms
from shared.attachments.models import Attachment
from shared.invoices.models import Invoice
from shared.kit import clock
from shared.kit.actors import Actor
from shared.kit.db import reading, transaction
from shared.ledger.rules import Part
from tests.portal.conftest import rows
from tests.support.people import SYSTEM

CLARA = Actor.staff(uuid.uuid4(), "Clara")


def paused(number: str) -> int:
    with reading() as session:
        return session.scalars(select(Invoice.paused_minor).where(Invoice.number == number)).one()


def in_days(number: int) -> str:
    return (clock.today() + timedelta(days=number)).isoformat()


def send(browser, page, *files: tuple[str, bytes], **values):
    """Press "Tell us" with files."""
    form = page.form_of("Tell us")
    data = {name: form.fields.getlist(name) for name in form.fields if name != "files"}
    data |= {name: value if isinstance(value, list) else [value] for name, value in values.items()}
    data["files"] = [(io.BytesIO(content), name) for name, content in files]
    return browser.client.post(
        form.action, data=data, content_type="multipart/form-data", headers=browser.headers, base_url=browser.base_url
    )


def tell(browser, **values):
    """A declared transfer of what is late, and its page."""
    answer = send(browser, browser.open("/declarations/new"), paid_on=in_days(-2), **values)
    assert answer.status_code == 303, answer.text
    return browser.open(answer.headers["Location"])


def test_one_tap_from_the_account_tells_of_a_transfer_with_its_proof(enter, dora):
    browser = enter(dora)
    page = browser.open("/").follow("I have paid")
    answer = send(
        browser, page, ("statement.txt", b"Transfer of 380.00 on 9 March"), paid_on=in_days(-1), bank_reference="FA-1"
    )
    page = browser.open(answer.headers["Location"])
    assert page.heading == "Your transfer of 9 March 2026"
    assert "Being looked for" in page.text
    assert "We look for it until 17 March 2026." in page.text
    assert paused("FA-1") == 38_000
    proof = browser.open(next(link for link in page.links if "/files/" in link))
    assert proof.content == b"Transfer of 380.00 on 9 March"
    assert proof.response.headers["Content-Disposition"].startswith("attachment")


def test_more_than_the_invoices_is_told_as_it_was_paid(enter, dora):
    page = tell(enter(dora), amount="500")
    assert "€500.00" in page.text
    assert rows(Declaration)[0].amount_minor == 50_000
    assert paused("FA-1") == 38_000


def test_one_tap_from_an_invoice_names_that_invoice(enter, dora):
    page = enter(dora).open(f"/invoices/{dora.invoices['FA-2']}").follow("I have paid")
    assert page.form_of("Tell us").fields.getlist("invoice") == [str(dora.invoices["FA-2"])]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"paid_on": "2026-03-11"}, "This day is still to come."),
        ({"paid_on": "2026-01-01"}, "This transfer is more than 30 days old."),
        ({"paid_on": ""}, "Choose a day."),
        ({"amount": "0"}, "must be more than zero"),
        ({"invoice": []}, "Tick at least one invoice."),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(enter, dora, values, words):
    browser = enter(dora)
    answer = send(browser, browser.open("/declarations/new"), **({"bank_reference": "VIR 42"} | values))
    assert answer.status_code == 422
    assert words in answer.text
    assert "VIR 42" in answer.text
    assert rows(Declaration) == []


def test_a_file_that_is_not_taken_is_named_and_nothing_is_kept(enter, dora):
    browser = enter(dora)
    answer = send(browser, browser.open("/declarations/new"), ("virus.exe", b"MZ\0\0"), paid_on=in_days(-1))
    assert answer.status_code == 422
    assert "virus.exe: programs are not taken." in answer.text
    assert rows(Declaration) == rows(Attachment) == []


def test_the_same_form_sent_twice_is_one_declaration(enter, dora):
    browser = enter(dora)
    page = browser.open("/declarations/new")
    first, second = (send(browser, page, paid_on=in_days(-1)) for _ in range(2))
    assert first.headers["Location"] == second.headers["Location"]
    assert len(rows(Declaration)) == 1


def test_an_invoice_that_is_being_looked_for_is_not_offered_again(enter, dora):
    browser = enter(dora)
    tell(browser)
    fields = browser.open("/declarations/new").tree.xpath("//input[@name='invoice']/@value")
    assert set(fields) == {str(dora.invoices["FA-2"]), str(dora.invoices["FA-3"])}


def test_a_company_that_takes_no_declarations_says_so(enter, dora):
    with transaction() as session:
        service.set_terms(session, company_id=dora.company_id, terms=Terms(is_offered=False), by=SYSTEM)
    assert "Transfers cannot be announced here." in enter(dora).open("/declarations/new").text


def test_who_was_mistaken_takes_it_back(enter, dora):
    page = tell(enter(dora)).submit("It was a mistake")
    assert "Taken back" in page.text
    assert paused("FA-1") == 0


def test_what_became_of_it_is_said_in_the_debtors_words(enter, dora):
    browser = enter(dora)
    address = tell(browser).address
    identity = rows(Declaration)[0].id
    with transaction() as session:
        service.refuse(session, declaration_id=identity, answer="It went to another account.", by=CLARA)
    page = browser.open(address)
    assert "Not found" in page.text
    assert "It went to another account." in page.text
    with transaction() as session:
        service.record(
            session,
            declaration_id=identity,
            minor=38_000,
            received_on=clock.today(),
            memo="",
            parts=[Part(dora.invoices["FA-1"], 38_000)],
            by=CLARA,
        )
    page = browser.open(address)
    assert "Your transfer has arrived and is in our books." in page.text
    assert page.follow("See the payment").status == 200
    assert "Your transfer was found" in browser.open(f"/invoices/{dora.invoices['FA-1']}").text


def test_what_is_looked_for_is_told_on_the_first_page(enter, dora):
    browser = enter(dora)
    tell(browser)
    assert "You told us that €380.00 is paid" in browser.open("/").text
    assert "Transfer of 8 March 2026" in browser.open("/declarations").text


def test_another_debtors_declaration_proof_and_invoices_do_not_exist(enter, dora, octave):
    browser = enter(dora)
    answer = send(browser, browser.open("/declarations/new"), ("mine.txt", b"proof"), paid_on=in_days(-1))
    mine = answer.headers["Location"]
    proof = next(link for link in browser.open(mine).links if "/files/" in link)
    other = enter(octave)
    for address in (mine, proof, f"/declarations/new?invoice={dora.invoices['FA-2']}"):
        assert other.open(address).status == 404, address
    token = other.open("/profile").tree.xpath("//input[@name='csrf_token']/@value")[0]
    for address, data in (
        (f"{mine}/withdraw", {}),
        ("/declarations/new", {"paid_on": in_days(-1), "invoice": str(dora.invoices["FA-2"]), "attempt": "x"}),
    ):
        answer = other.client.post(
            address, data={"csrf_token": token, **data}, headers=other.headers, base_url=other.base_url
        )
        assert answer.status_code == 404, address
    assert [one.state for one in rows(Declaration)] == [DeclarationState.DECLARED]
    assert paused("FA-2") == 0


def test_a_proof_opens_only_under_its_own_declaration(enter, dora):
    browser = enter(dora)
    answer = send(browser, browser.open("/declarations/new"), ("mine.txt", b"proof"), paid_on=in_days(-1))
    proof = next(link for link in browser.open(answer.headers["Location"]).links if "/files/" in link)
    elsewhere = f"/declarations/{uuid.uuid4()}/files/{proof.rsplit('/', 1)[1]}"
    assert browser.open(elsewhere).status == 404
