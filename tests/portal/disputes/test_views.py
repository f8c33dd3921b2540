"""Something is wrong: a debtor contests, follows, answers, takes back, opens again."""

from __future__ import annotations

import io
import re
import uuid
from decimal import Decimal

import pytest
from sqlalchemy import select

from payments.collections.models import Collection, CollectionState
from payments.models import Mandate, Means, Provider
from payments.service import PaymentDraft, advance, start
from payments.status import MandateStatus, PaymentStatus
from shared.attachments.models import Attachment
from shared.debtors.models import Debtor
from shared.debtors.service import lock_debtor
from shared.disputes import service
from shared.disputes.models import Dispute, DisputeEntry, DisputePart
from shared.disputes.rules import Status
from shared.disputes.service import Claim, CreditWish
from shared.invoices.models import Invoice
from shared.kit import clock
from shared.kit.actors import Actor
from shared.kit.db import reading, transaction
from shared.ledger.enter import InvoiceDraft, LineDraft, enter
from shared.ledger.rules import Part
from shared.messages.models import Message
from tests.portal.conftest import rows
from tests.support.people import SYSTEM, an_invoice

CLARA = Actor.staff(uuid.uuid4(), "Clara Petit")
PNG = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89\x00\x00\x00"
    b"\rIDATx\x9cc\xf8\xcf\xc0\xf0\x1f\x00\x05\x00\x01\xff\x89\x99=\x1d\x00\x00\x00\x00IEND\xaeB`\x82"
)


def invoice(number: str) -> Invoice:
    with reading() as session:
        return session.scalars(select(Invoice).where(Invoice.number == number)).one()


def send(browser, page, *files: tuple[str, bytes], button: str = "Send", **values):
    """Press a button of a form with files; gives the raw answer."""
    form = page.form_of(button)
    data = {name: form.fields.getlist(name) for name in form.fields if name != "files"}
    data |= {name: value if isinstance(value, list) else [value] for name, value in values.items()}
    data["files"] = [(io.BytesIO(content), name) for name, content in files]
    return browser.client.post(
        form.action, data=data, content_type="multipart/form-data", headers=browser.headers, base_url=browser.base_url
    )


def raise_one(browser, dora, number="FA-1", *files, **values):
    """A dispute through the form, and its page."""
    page = browser.open(f"/disputes/new?invoice={dora.invoices[number]}")
    facts = {"reason": "not_conform", "text": "The top is scratched."} | values
    answer = send(browser, page, *files, **facts)
    assert answer.status_code == 303, answer.text
    return browser.open(answer.headers["Location"])


def the_dispute() -> Dispute:
    (found,) = rows(Dispute)
    return found


def act(verb, **facts):
    with transaction() as session:
        verb(session, dispute_id=the_dispute().id, **({"by": CLARA} | facts))


def test_from_the_account_invoices_are_chosen_contested_and_followed(enter, dora):
    browser = enter(dora)
    page = browser.open("/").follow("Something is wrong")
    assert page.heading == "Something is wrong"
    page = page.submit("Continue", invoice=[str(dora.invoices["FA-1"]), str(dora.invoices["FA-2"])])
    assert "FA-1" in page.text
    assert "FA-2" in page.text

    amount = {f"how-{dora.invoices['FA-2']}": "amount", f"amount-{dora.invoices['FA-2']}": "24,50"}
    answer = send(browser, page, ("photo.png", PNG), reason="not_conform", text="Scratched.", **amount)
    page = browser.open(answer.headers["Location"])

    assert page.heading == "The goods or services are not as ordered"
    assert "Received" in page.text
    assert "€404.50" in page.text
    assert "Pay the rest: €100.00" in page.text
    assert (invoice("FA-1").frozen_minor, invoice("FA-2").frozen_minor) == (38_000, 2_450)
    photo = browser.open(next(link for link in page.links if "/files/" in link))
    assert photo.response.headers["Content-Disposition"].startswith("attachment")
    assert photo.content.startswith(b"\x89PNG")


def test_from_an_invoice_one_tap_leads_to_its_form(enter, dora):
    page = enter(dora).open(f"/invoices/{dora.invoices['FA-2']}").follow("Something is wrong")

    assert page.form_of("Send").fields.getlist("invoice") == [str(dora.invoices["FA-2"])]


def test_the_mail_leads_back_to_the_dispute(portal, dora):
    from tests.support.browser import Browser

    with transaction() as session:
        made = service.raise_dispute(
            session,
            debtor_id=dora.debtor_id,
            claims=[Claim(dora.invoices["FA-1"])],
            reason_code="price",
            text="No.",
            attempt="x",
            by=CLARA,
        )

    browser = Browser(portal)
    page = browser.open(f"/l/{dora.token}?next=/disputes/{made.id}").submit("Open my account")

    assert page.heading == "The price or the quantity is wrong"
    assert "/disputes/" in page.address


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example/", "/\\evil.example"])
def test_a_link_leads_to_no_other_site(portal, dora, target):
    from tests.support.browser import Browser

    page = Browser(portal).open(f"/l/{dora.token}?next={target}").submit("Open my account")

    assert page.heading == "Your account"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"reason": ""}, "Choose a reason."),
        ({"reason": "not_a_reason"}, "reason"),
        ({"text": "  "}, "Please write a few words."),
        ({"how": "amount", "amount": "9999"}, "The amount cannot exceed €380.00."),
        ({"how": "amount", "amount": ""}, "Write the amount that you contest."),
        ({"how": "amount", "amount": "0"}, "more than zero"),
        ({"how": "amount", "amount": "a lot"}, "This is not an amount."),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_lost(enter, dora, values, words):
    browser = enter(dora)
    identity = dora.invoices["FA-1"]
    page = browser.open(f"/disputes/new?invoice={identity}")
    facts = {"reason": "price", "text": "A long story of chairs."} | values
    facts = {f"{k}-{identity}" if k in ("how", "amount") else k: v for k, v in facts.items()}

    answer = send(browser, page, ("photo.png", PNG), **facts)

    assert answer.status_code == 422
    assert words in answer.text
    if "text" not in values:
        assert "A long story of chairs." in answer.text
    assert "photo.png" in answer.text
    assert rows(Dispute) == []


def test_a_photo_survives_a_form_that_comes_back(enter, dora):
    from tests.support.browser import Page

    browser = enter(dora)
    answer = send(
        browser, browser.open(f"/disputes/new?invoice={dora.invoices['FA-1']}"), ("photo.png", PNG), reason="price"
    )
    page = Page(answer, "/disputes/new", browser)

    answer = send(browser, page, text="Now with words.")

    assert answer.status_code == 303, answer.text
    (kept,) = rows(Attachment)
    assert (kept.name, kept.part_id) == ("photo.png", rows(DisputeEntry)[0].id)


def test_a_photo_kept_by_somebody_else_is_not_taken(enter, dora, octave):
    from portal.disputes.kept import recall

    browser = enter(dora)
    answer = send(
        browser, browser.open(f"/disputes/new?invoice={dora.invoices['FA-1']}"), ("photo.png", PNG), reason="price"
    )
    note = re.search(r'name="kept"\s+value="([^"]+)"', answer.text)[1]
    attempt = f"portal:{dora.debtor_id}:" + re.search(r'name="attempt"[^>]* value="([^"]+)"', answer.text)[1]

    class Other:
        debtor_id, contact_id = octave.debtor_id, octave.contact_id

    class Same:
        debtor_id, contact_id = dora.debtor_id, dora.contact_id

    assert recall(Other, attempt, [note]) == []
    assert recall(Same, "another form", [note]) == []
    assert recall(Same, attempt, [note + "x", "", "x" * 500]) == []
    assert [each.name for each in recall(Same, attempt, [note])] == ["photo.png"]


def test_a_file_that_is_not_taken_is_named(enter, dora):
    browser = enter(dora)
    page = browser.open(f"/disputes/new?invoice={dora.invoices['FA-1']}")

    answer = send(browser, page, ("virus.exe", b"MZ\0\0"), reason="price", text="x")

    assert answer.status_code == 422
    assert "virus.exe: programs are not taken." in answer.text
    assert rows(Dispute) == rows(Attachment) == []


def test_the_same_form_sent_twice_is_one_dispute(enter, dora):
    browser = enter(dora)
    page = browser.open(f"/disputes/new?invoice={dora.invoices['FA-1']}")

    first, second = (send(browser, page, reason="price", text="No.") for _ in range(2))

    assert first.headers["Location"] == second.headers["Location"]
    assert len(rows(Dispute)) == 1


def test_two_tabs_with_the_same_money_make_one_dispute(enter, dora):
    browser = enter(dora)
    address = f"/disputes/new?invoice={dora.invoices['FA-1']}"
    one, two = browser.open(address), browser.open(address)

    assert send(browser, one, reason="price", text="No.").status_code == 303
    answer = send(browser, two, reason="price", text="No.")

    assert answer.status_code == 422
    assert "Nothing of it is left to contest" in answer.text
    assert len(rows(Dispute)) == 1


def test_lines_are_ticked_by_name(enter, dora):
    with transaction() as session:
        debtor = lock_debtor(session, dora.debtor_id)
        draft = InvoiceDraft(
            number="FA-9",
            issued_on=clock.today(),
            due_on=clock.today(),
            lines=[LineDraft("Table", Decimal(400)), LineDraft("Chairs <4>", Decimal(200))],
        )
        dora.invoices["FA-9"] = enter_(session, debtor, draft)
    browser = enter(dora)
    identity = dora.invoices["FA-9"]
    page = browser.open(f"/disputes/new?invoice={identity}")
    assert "Chairs <4> €240.00" in page.text
    lines = page.tree.xpath(f"//input[@name='line-{identity}']/@value")

    values = {f"how-{identity}": "lines", f"line-{identity}": [lines[1]], "reason": "price", "text": "x"}
    page = browser.open(send(browser, page, **values).headers["Location"])

    assert "Chairs <4>" in page.text
    assert invoice("FA-9").frozen_minor == 24_000
    nothing = {f"how-{identity}": "lines", "reason": "price", "text": "x"}
    answer = send(browser, browser.open(f"/disputes/new?invoice={identity}"), **nothing)
    assert "Tick at least one line." in answer.text


def enter_(session, debtor, draft):
    return enter(session, debtor, draft, by=SYSTEM).id


def test_answers_go_to_and_fro(enter, dora):
    browser = enter(dora)
    page = raise_one(browser, dora)
    act(service.say, text="Which corner?", asks=True)
    page = browser.open(page.address)
    assert "Your turn" in page.text
    assert "Clara Petit" in page.text
    assert "Which corner?" in page.text

    answer = send(browser, page, ("corner.png", PNG), text="The left one.")
    page = browser.open(answer.headers["Location"])

    assert "The left one." in page.text
    assert "corner.png" in page.text
    assert the_dispute().status is Status.UNDER_REVIEW
    assert "Please write a few words." in send(browser, page, text=" ").text


def test_what_anybody_writes_is_text_and_nothing_else(enter, dora):
    browser = enter(dora)
    page = raise_one(browser, dora, text="<script>alert(1)</script>")
    act(service.say, text="<img src=x>")
    page = browser.open(page.address)

    assert "<script>alert(1)" not in page.response.text
    assert "<img src=x" not in page.response.text
    with reading() as session:
        for body in session.scalars(select(Message.html_body)):
            assert "<img src=x" not in body


def test_what_is_internal_is_on_no_page_and_in_no_mail(enter, dora):
    browser = enter(dora)
    page = raise_one(browser, dora)
    act(service.note, text="SECRET: he always complains")
    act(service.assign, assignee=service.Assignee(uuid.uuid4(), "SECRET Person"))
    act(service.set_deadline, due_on=clock.today().replace(month=12))
    act(service.say, text="We look into it.")

    for address in (page.address, "/disputes", "/", f"/invoices/{dora.invoices['FA-1']}", "/profile/messages"):
        assert "SECRET" not in browser.open(address).response.text
    act(service.reject, grounds="It was fine.")
    assert "SECRET" not in browser.open(page.address).response.text
    with reading() as session:
        for mail in session.scalars(select(Message)):
            assert "SECRET" not in mail.subject + mail.text_body + mail.html_body


def test_a_credit_note_ends_it_and_is_linked(enter, dora):
    browser = enter(dora)
    page = raise_one(
        browser, dora, **{f"how-{dora.invoices['FA-1']}": "amount", f"amount-{dora.invoices['FA-1']}": "80"}
    )
    with reading() as session:
        part = session.scalars(select(DisputePart.id)).one()

    act(service.accept, credit=CreditWish(minors={part: 8_000}, vat_rate=Decimal(20)), text="")
    page = browser.open(page.address)

    assert "Accepted" in page.text
    assert "AV-FA-1" in page.text
    assert "Pay the rest: €300.00" in page.text
    assert page.follow("AV-FA-1").heading == "Credit note AV-FA-1"


def test_a_rejected_dispute_says_why_from_when_on_it_is_owed_and_can_be_opened_again(enter, dora):
    browser = enter(dora)
    page = raise_one(browser, dora)
    act(service.reject, grounds="Delivered on 3 March\nand signed for.")
    page = browser.open(page.address)
    assert "Not accepted" in page.text
    assert "signed for." in page.text
    assert "€380.00 stays due. We ask for it again from 18 March 2026 on; you can pay it at any time." in page.text
    assert "Pay the rest: €380.00" in page.text

    answer = send(browser, page, ("proof.png", PNG), button="Open it again", text="Look at this.")
    page = browser.open(answer.headers["Location"])

    assert "Received" in page.text
    assert "Opened again" in page.text
    assert "proof.png" in page.text
    assert invoice("FA-1").frozen_minor == 38_000


def test_it_can_be_taken_back(enter, dora):
    browser = enter(dora)
    page = raise_one(browser, dora).submit("Take it back")

    assert "Withdrawn" in page.text
    assert invoice("FA-1").collectable_minor == 38_000


def test_whoever_acts_on_what_has_ended_meanwhile_is_told_so(enter, dora):
    browser = enter(dora)
    page = raise_one(browser, dora)
    act(service.reject, grounds="No.")

    answer = send(browser, page, text="And this?")
    assert "This dispute is closed." in browser.open(answer.headers["Location"]).text
    assert "This dispute is closed." in page.submit("Take it back").text
    closed = browser.open(page.address)
    send(browser, closed, button="Open it again", text="Again.")
    answer = send(browser, closed, button="Open it again", text="Again.")
    assert "This dispute is open." in browser.open(answer.headers["Location"]).text


def test_what_is_credited_whole_is_not_offered_to_be_opened_again(enter, dora):
    browser = enter(dora)
    page = raise_one(browser, dora)
    with reading() as session:
        part = session.scalars(select(DisputePart.id)).one()
    act(service.accept, credit=CreditWish(minors={part: 38_000}, vat_rate=Decimal(20)), text="")

    assert "Open the dispute again" not in browser.open(page.address).text


def test_the_account_and_the_invoice_say_what_is_contested(enter, dora):
    browser = enter(dora)
    raise_one(browser, dora)

    home = browser.open("/").text
    assert "Being clarified €380.00" in home
    assert "You contested €380.00" in home
    page = browser.open(f"/invoices/{dora.invoices['FA-1']}")
    assert "Contested" in page.text
    assert "Your dispute over €380.00" in page.text
    assert "The goods or services are not as ordered" in browser.open("/disputes").text


def test_an_account_whose_whole_debt_is_contested_does_not_say_that_all_is_settled(enter, dora):
    browser = enter(dora)
    page = browser.open("/disputes/new").submit("Continue", invoice=[str(one) for one in dora.invoices.values()])
    send(browser, page, reason="wrong_customer", text="This is not us.")

    home = browser.open("/").text
    assert "Nothing to pay for now" in home
    assert "Every invoice is settled" not in home


def test_with_nothing_open_there_is_nothing_to_contest(enter, octave):
    browser = enter(octave)

    assert "There is nothing to contest" in browser.open("/disputes/new").text
    assert "No dispute" in browser.open("/disputes").text


def test_the_only_open_invoice_needs_no_choosing(enter, octave):
    with transaction() as session:
        an_invoice(session, session.get_one(Debtor, octave.debtor_id), "O-1", 100)

    assert "O-1" in enter(octave).open("/disputes/new").text


def test_another_account_sees_nothing_of_it(enter, dora, octave):
    page = raise_one(enter(dora), dora, "FA-1", ("photo.png", PNG))
    photo = next(link for link in page.links if "/files/" in link)
    stranger = enter(octave)

    for address in (page.address, photo, f"/disputes/new?invoice={dora.invoices['FA-1']}", f"/disputes/{uuid.uuid4()}"):
        assert stranger.open(address).status == 404
    form = stranger.open("/disputes").tree
    assert form is not None
    token = re.search(r'name="csrf_token"[^>]* value="([^"]+)"', stranger.open("/").response.text)
    for end in ("answer", "withdraw", "reopen"):
        answer = stranger.client.post(
            f"/disputes/{the_dispute().id}/{end}",
            data={"csrf_token": token[1] if token else "", "text": "Mine!"},
            headers=stranger.headers,
            base_url=stranger.base_url,
        )
        assert answer.status_code == 404
    assert the_dispute().status is Status.OPEN


def test_it_is_all_there_in_french(portal, dora):
    from shared.debtors.models import Contact
    from tests.support.browser import Browser

    with transaction() as session:
        session.get_one(Contact, dora.contact_id).language = "fr"
    browser = Browser(portal, language="fr")
    browser.open(f"/l/{dora.token}").submit("Ouvrir mon compte")
    page = browser.open(f"/disputes/new?invoice={dora.invoices['FA-1']}")
    assert page.heading == "Quelque chose ne va pas"
    answer = send(browser, page, button="Envoyer", reason="price", text="Non.")
    page = browser.open(answer.headers["Location"])

    assert page.heading == "Prix ou quantité erronés"
    assert "Reçu" in page.text
    (mail,) = rows(Message)
    assert mail.subject.startswith("Nous avons bien reçu votre litige")


def fly(dora, *, is_his_own: bool, reason: str = "", to: PaymentStatus | None = None) -> None:
    """A debit over FA-1 that was under way before."""
    with transaction() as session:
        debtor = lock_debtor(session, dora.debtor_id)
        mandate = Mandate(
            id=uuid.uuid4(),
            company_id=dora.company_id,
            debtor_id=dora.debtor_id,
            reference="MDT-1",
            attempt="m",
            status=MandateStatus.ACTIVE,
            idempotency_key="m",
            created_at=clock.now(),
        )
        session.add(mandate)
        session.flush()
        draft = PaymentDraft(
            attempt="flight",
            means=Means.DEBIT,
            provider=Provider.GOCARDLESS,
            parts=[Part(dora.invoices["FA-1"], 38_000)],
            contact_id=dora.contact_id if is_his_own else None,
            mandate_id=mandate.id,
        )
        payment = start(session, debtor, draft, by=SYSTEM)
        if not is_his_own:
            session.add(
                Collection(
                    company_id=dora.company_id,
                    debtor_id=dora.debtor_id,
                    invoice_id=dora.invoices["FA-1"],
                    attempt_no=1,
                    mandate_id=mandate.id,
                    amount_minor=38_000,
                    announced_at=clock.now(),
                    charge_on=clock.today(),
                    state=CollectionState.CREATED,
                    reason=reason,
                    payment_id=payment.id,
                )
            )
        session.flush()
        if to is not None:
            advance(session, payment.id, to, by=SYSTEM)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"is_his_own": True}, "Your own payment of €380.00 for FA-1 is under way. It goes on unless you stop it."),
        ({"is_his_own": False}, "We are stopping the debit of €380.00 for FA-1."),
        ({"is_his_own": False, "reason": "frozen"}, "We are stopping the debit"),
        (
            {"is_his_own": False, "reason": "frozen", "to": PaymentStatus.CANCELLED},
            "is stopped: your bank was not asked",
        ),
        ({"is_his_own": False, "reason": "frozen_too_late"}, "had already left for your bank"),
    ],
)
def test_the_page_says_truthfully_what_of_a_payment_could_be_stopped(enter, dora, facts, words):
    fly(dora, **facts)
    page = raise_one(enter(dora), dora)

    assert words in page.text
    assert ("Stop it" in page.text) is facts["is_his_own"]
