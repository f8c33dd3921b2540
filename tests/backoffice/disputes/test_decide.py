"""Deciding: credits to the cent, grounds, four eyes, and back again."""

from __future__ import annotations

import re
import uuid
from datetime import date

import pytest
from sqlalchemy import func, select, update

from backoffice.access.permissions import Role
from backoffice.disputes.models import CreditProposal, ProposalState
from shared.company.models import Company
from shared.disputes.models import DisputePart, PartOutcome
from shared.disputes.rules import Status
from shared.invoices.models import Freeze, Invoice, InvoiceKind, InvoiceVat
from shared.kit.audit import AuditLine
from shared.kit.db import reading, transaction
from shared.ledger.rules import Part
from tests.backoffice.disputes.conftest import Case
from tests.support.people import an_invoice


def invoice(invoice_id: uuid.UUID) -> Invoice:
    with reading() as session:
        return session.get_one(Invoice, invoice_id)


def notes() -> list[Invoice]:
    with reading() as session:
        return list(session.scalars(select(Invoice).where(Invoice.kind == InvoiceKind.CREDIT_NOTE)))


def wish(case: Case, amount: str = "50.00", **more: str) -> dict[str, object]:
    return {"credit": "new", "number": "AV-1", "rate": "20.00", f"part-{case.part}": amount, **more}


def limit(minor: int) -> None:
    with transaction() as session:
        session.execute(update(Company).values(four_eyes_minor=minor))


def test_the_form_suggests_all_of_it_and_a_number(ines, case: Case) -> None:
    text = ines.get(f"/disputes/{case.dispute}/accept").text

    assert 'value="€50.00"' in text
    assert 'value="AV-F-2026-001"' in text
    assert "The accounting file gave only the total" in text


def test_all_of_it_is_credited_and_the_rest_is_still_owed(ines, world, case: Case) -> None:
    answer = ines.post(f"/disputes/{case.dispute}/accept", wish(case))

    assert answer.status_code == 303
    assert case.read().status is Status.ACCEPTED
    [note] = notes()
    assert (note.number, note.total_minor, note.credits_invoice_id) == ("AV-1", 5_000, world.late)
    left = invoice(world.late)
    assert (left.open_minor, left.frozen_minor, left.collectable_minor) == (7_000, 0, 7_000)
    text = ines.get(f"/disputes/{case.dispute}").text
    assert "AV-1" in text
    assert "Credited" in text


def test_a_part_is_credited_and_the_debtor_is_told_why_not_all(ines, world, case: Case) -> None:
    page = f"/disputes/{case.dispute}/accept"
    silent = ines.post(page, wish(case, "20"))
    assert silent.status_code == 422
    assert "Please write a few words." in silent.text
    assert 'value="20"' in silent.text

    answer = ines.post(page, wish(case, "20", text="One chair was repaired.", owed_again_on="25/3"))
    assert answer.status_code == 303
    dispute = case.read()
    assert (dispute.status, dispute.credited_minor, dispute.owed_again_on) == (
        Status.ACCEPTED,
        2_000,
        date(2026, 3, 25),
    )
    left = invoice(world.late)
    assert (left.open_minor, left.frozen_minor, left.paused_minor) == (10_000, 0, 3_000)


def test_an_invoice_without_vat_asks_why_and_for_an_exemption_its_article(ines, world, case: Case) -> None:
    with transaction() as session:
        late = session.get_one(Invoice, world.late)
        late.net_minor, late.vat_minor = late.total_minor, 0
    page = f"/disputes/{case.dispute}/accept"
    shown = ines.get(page).text
    assert "Why there is no VAT" in shown
    assert 'name="rate"' not in shown
    assert "262 ter I" in " ".join(shown.split())

    silent = ines.post(page, wish(case, rate=""))
    assert silent.status_code == 422
    assert "bears no VAT and does not say why" in silent.text
    bare = ines.post(page, wish(case, rate="", category="E"))
    assert bare.status_code == 422
    assert "An exemption needs its article" in bare.text
    assert '<option value="E" selected>' in bare.text
    assert ines.post(page, wish(case, rate="", category="?")).status_code == 422
    assert notes() == []

    mention = "TVA non applicable, art. 293 B du CGI"
    assert ines.post(page, wish(case, rate="", category="E", mention=mention)).status_code == 303
    [note] = notes()
    with reading() as session:
        row = session.scalars(select(InvoiceVat).where(InvoiceVat.invoice_id == note.id)).one()
    assert (row.category, row.rate, row.exemption_reason) == ("E", 0, mention)


def test_the_reason_for_no_vat_waits_with_the_credit_for_the_second_person(ines, desk, world, case: Case) -> None:
    limit(1_000)
    page = f"/disputes/{case.dispute}/accept"
    ines.post(page, wish(case, rate="0.00", category="E", mention="Art. 261-4-4° du CGI"))
    with reading() as session:
        proposal = session.scalars(select(CreditProposal)).one()

    desk.add("mo@guichet.example", Role.MANAGER, "Mo")
    mo = desk.other()
    mo.sign_in("mo@guichet.example")
    assert mo.post(f"/disputes/{case.dispute}/credit/{proposal.id}/approve").status_code == 303

    [note] = notes()
    with reading() as session:
        row = session.scalars(select(InvoiceVat).where(InvoiceVat.invoice_id == note.id)).one()
    assert (row.category, row.exemption_reason) == ("E", "Art. 261-4-4° du CGI")


def test_a_note_that_is_there_is_used(ines, world, case: Case) -> None:
    with transaction() as session:
        debtor = session.get_one(Invoice, world.late).debtor_id
        from shared.debtors.models import Debtor

        old = an_invoice(session, session.get_one(Debtor, debtor), "AV-OLD", 6_000, kind=InvoiceKind.CREDIT_NOTE).id
    page = f"/disputes/{case.dispute}/accept"
    assert "AV-OLD" in ines.get(page).text

    assert ines.post(page, wish(case, credit="old", note_id="")).status_code == 422
    assert ines.post(page, wish(case, credit="old", note_id=str(uuid.uuid4()))).status_code == 422
    assert ines.post(page, wish(case, credit="old", note_id=str(old))).status_code == 303
    assert invoice(old).open_minor == 1_000
    assert invoice(world.late).open_minor == 7_000
    assert len(notes()) == 1


def test_nothing_may_be_credited_when_the_debtor_is_told_so(ines, world, case: Case) -> None:
    page = f"/disputes/{case.dispute}/accept"
    assert ines.post(page, {"credit": "none"}).status_code == 422
    assert ines.post(page, {"credit": "none", "text": "A corrected invoice is on its way."}).status_code == 303

    assert notes() == []
    assert case.read().status is Status.ACCEPTED
    assert invoice(world.late).open_minor == 12_000


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"amount": "60"}, "At most €50.00."),
        ({"amount": "-1"}, "At most €50.00."),
        ({"amount": "lots"}, "This is not an amount."),
        ({"amount": ""}, "Write beside at least one part"),
        ({"rate": "19.60"}, "Choose a VAT rate."),
        ({"rate": "a lot"}, "Choose a VAT rate."),
        ({"rate": ""}, "does not say its VAT"),
        ({"owed_again_on": "yesterday"}, "This is not a day."),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_lost_or_done(
    ines, case: Case, fields: dict[str, str], words: str
) -> None:
    fields = dict(fields)
    sent = wish(case, fields.pop("amount", "50.00"), **{"text": "Kept text", **fields})
    answer = ines.post(f"/disputes/{case.dispute}/accept", sent)

    assert answer.status_code == 422
    assert words in answer.text
    assert "Kept text</textarea>" in answer.text
    assert case.read().status is Status.OPEN
    assert notes() == []


def test_it_is_rejected_with_grounds_only(ines, world, case: Case) -> None:
    page = f"/disputes/{case.dispute}/reject"
    assert ines.get(page).status_code == 200
    assert ines.post(page, {"grounds": ""}).status_code == 422
    assert ines.post(page, {"grounds": "Signed for.", "owed_again_on": "1/1/2026"}).status_code == 422
    answer = ines.post(page, {"grounds": "The delivery note is signed without reserve."})

    assert answer.status_code == 303
    dispute = case.read()
    assert (dispute.status, dispute.decided_by_name) == (Status.REJECTED, "Inès Morel")
    assert invoice(world.late).frozen_minor == 0
    assert "signed without reserve" in ines.get(f"/disputes/{case.dispute}").text
    assert ines.get(page).status_code == 409


def test_it_is_withdrawn_and_opened_again(ines, world, case: Case) -> None:
    ines.post(f"/disputes/{case.dispute}/withdraw", {"text": "He found the chairs."})
    assert case.read().status is Status.WITHDRAWN
    assert invoice(world.late).collectable_minor == 12_000

    ines.post(f"/disputes/{case.dispute}/reopen", {"text": ""})
    assert case.read().status is Status.WITHDRAWN
    ines.post(f"/disputes/{case.dispute}/reopen", {"text": "They are broken after all."})
    assert case.read().status is Status.OPEN
    assert invoice(world.late).frozen_minor == 5_000


def test_a_credit_above_the_limit_waits_for_somebody_else(ines, desk, world, case: Case) -> None:
    limit(4_999)
    page = f"/disputes/{case.dispute}"
    assert ines.post(f"{page}/accept", wish(case)).status_code == 303

    assert case.read().status is Status.OPEN
    assert notes() == []
    with reading() as session:
        asked = session.scalars(select(CreditProposal)).one()
    text = ines.get(page).text
    assert "A credit of €50.00 waits for a second person" in text
    assert f"/credit/{asked.id}/approve" not in text  # not by who asked
    assert f"{page}/accept" not in text
    refused = ines.post(f"{page}/credit/{asked.id}/approve")
    assert refused.status_code == 303
    assert case.read().status is Status.OPEN
    assert "Somebody else must decide on this." in ines.get(page).text
    assert case.read().reference in ines.get("/disputes?state=credit").text

    desk.add("mo@guichet.example", Role.MANAGER, "Mo")
    mo = desk.other()
    mo.sign_in("mo@guichet.example")
    assert "Credits to approve" in mo.get("/").text
    assert mo.post(f"{page}/credit/{asked.id}/approve").status_code == 303
    assert case.read().status is Status.ACCEPTED
    assert [note.total_minor for note in notes()] == [5_000]
    assert invoice(world.late).open_minor == 7_000
    assert "somebody has decided" in _flash(mo, f"{page}/credit/{asked.id}/approve", page).lower()
    with reading() as session:
        told = session.scalars(select(AuditLine.action).where(AuditLine.subject_id == case.dispute)).all()
    assert {"dispute.credit_asked", "dispute.credit_approved"} <= set(told)


def _flash(browser, act: str, page: str) -> str:
    browser.post(act)
    return browser.get(page).text


def test_a_credit_above_the_limit_is_declined_or_taken_back(ines, desk, world, case: Case) -> None:
    limit(0)
    page = f"/disputes/{case.dispute}"
    ines.post(f"{page}/accept", wish(case, "20", text="Half."))
    again = ines.post(f"{page}/accept", wish(case))
    assert again.status_code == 409
    assert "A credit waits for a second person" in again.text
    assert ines.post(f"{page}/reject", {"grounds": "No."}).status_code == 409
    with reading() as session:
        asked = session.scalars(select(CreditProposal)).one().id
    ines.post(f"{page}/credit/{asked}/decline")

    assert case.read().status is Status.OPEN
    assert invoice(world.late).frozen_minor == 5_000
    with reading() as session:
        assert session.get_one(CreditProposal, asked).state is ProposalState.DECLINED
    assert ines.post(f"{page}/reject", {"grounds": "No."}).status_code == 303


def test_what_would_be_refused_later_is_refused_when_it_is_asked(ines, case: Case) -> None:
    limit(0)
    answer = ines.post(f"/disputes/{case.dispute}/accept", wish(case, rate=""))

    assert answer.status_code == 422
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(CreditProposal)) == 0
        assert session.scalars(select(DisputePart.outcome).where(DisputePart.id == case.part)).one() is PartOutcome.LIVE
        assert session.scalar(select(func.count()).select_from(Freeze).where(Freeze.lifted_at.is_(None))) == 2


def test_a_credit_of_another_company_is_not_there(ines, case: Case) -> None:
    for act in ("approve", "decline"):
        assert ines.post(f"/disputes/{case.dispute}/credit/{uuid.uuid4()}/{act}").status_code == 404
        assert ines.post(f"/disputes/{case.foreign}/credit/{uuid.uuid4()}/{act}").status_code == 404


def test_a_second_click_does_nothing_twice(ines, world, case: Case) -> None:
    page = f"/disputes/{case.dispute}/accept"
    first, second = ines.post(page, wish(case)), ines.post(page, wish(case))

    assert (first.status_code, second.status_code) == (303, 409)
    assert len(notes()) == 1
    assert re.search("closed", second.text)
    assert Part(world.late, 1)
