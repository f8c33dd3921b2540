"""Accepted, rejected, withdrawn, settled, opened again: the money in the same commit as the word."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from shared.debtors.models import Debtor
from shared.debtors.service import lock_debtor
from shared.disputes import service, sheets
from shared.disputes.jobs import after_payment, after_return, watch
from shared.disputes.models import PartOutcome
from shared.disputes.rules import Policy, Status
from shared.disputes.service import Claim, CreditWish
from shared.documents import render
from shared.documents.service import attach_original
from shared.invoices.models import Freeze, Invoice, InvoiceKind, InvoiceLine, InvoiceVat
from shared.kit import clock
from shared.kit.db import reading, transaction
from shared.kit.errors import Conflict, Invalid, Refused
from shared.ledger import service as ledger
from shared.ledger.book import Book
from shared.ledger.enter import InvoiceDraft, LineDraft, enter
from shared.ledger.models import Account
from shared.ledger.rules import Part
from tests.shared.disputes.conftest import STAFF
from tests.support import papers
from tests.support.people import an_invoice

F = "F-1"
VAT = Decimal(20)


def pays(case, number: str, minor: int, *, begin: bool = True):
    """Money by bank that held nothing."""
    with transaction() as session:
        debtor = lock_debtor(session, case.debtor_id)
        occasion = ledger.Occasion(at=clock.now(), value_on=clock.today())
        ledger.settle_directly(
            session,
            debtor,
            account=Account.BANK,
            minor=minor,
            parts=[Part(case.invoices[number], minor)],
            occasion=occasion,
        )


def accept(case, dispute, minors=None, *, text="You are right.", **wish):
    parts = case.parts(dispute.id)
    wanted = minors if minors is not None else [part.amount_minor for part in parts]
    credit = CreditWish(minors={part.id: minor for part, minor in zip(parts, wanted, strict=True)}, **wish)
    case.act(service.accept, dispute.id, credit=credit, text=text)


def note_of(case) -> Invoice:
    with reading() as session:
        return session.scalars(select(Invoice).where(Invoice.kind == InvoiceKind.CREDIT_NOTE)).one()


def test_an_acceptance_makes_a_credit_note_and_uses_it_at_once(case) -> None:
    dispute = case.raises(Claim(case.invoices[F], minor=3_000))

    accept(case, dispute, vat_rate=VAT, text="")

    note, invoice = note_of(case), case.invoice(F)
    assert (note.number, note.total_minor, note.open_minor) == ("AV-F-1", 3_000, 0)
    assert (note.net_minor, note.vat_minor, note.credits_invoice_id) == (2_500, 500, invoice.id)
    assert (invoice.open_minor, invoice.frozen_minor, invoice.collectable_minor) == (9_000, 0, 9_000)
    after = case.dispute(dispute.id)
    assert (after.status, after.credited_minor, after.owed_again_on) == (Status.ACCEPTED, 3_000, None)
    assert case.parts(dispute.id)[0].outcome is PartOutcome.CREDITED


@pytest.mark.parametrize("minor", [1, 2, 3, 9, 3_333, 9_999, 11_999, 12_000])
def test_a_credit_is_exact_to_the_cent_whatever_the_rate(case, minor) -> None:
    dispute = case.raises(Claim(case.invoices[F], minor=minor))

    accept(case, dispute, vat_rate=VAT)

    assert note_of(case).total_minor == minor
    assert case.invoice(F).open_minor == 12_000 - minor


def test_a_partly_accepted_dispute_credits_a_part_and_asks_for_the_rest_later(case) -> None:
    dispute = case.raises(Claim(case.invoices[F], minor=6_000))

    accept(case, dispute, [2_000], vat_rate=VAT, text="One box was there.")

    invoice, after = case.invoice(F), case.dispute(dispute.id)
    assert (invoice.open_minor, invoice.frozen_minor, invoice.paused_minor) == (10_000, 0, 4_000)
    assert invoice.collectable_minor == 6_000
    assert after.owed_again_on == clock.today() + timedelta(days=8)
    assert case.parts(dispute.id)[0].outcome is PartOutcome.PARTLY_CREDITED
    [mail] = case.mails("dispute_decided")
    assert "€20.00" in mail.text_body
    assert "€40.00" in mail.text_body
    assert "One box was there." in mail.text_body


def test_whoever_leaves_something_owed_must_say_why(case) -> None:
    dispute = case.raises()

    with pytest.raises(Invalid, match="few words"):
        accept(case, dispute, [100], vat_rate=VAT, text=" ")
    with pytest.raises(Invalid, match="few words"):
        case.act(service.reject, dispute.id, grounds="")
    assert case.invoice(F).frozen_minor == 12_000


def test_an_acceptance_may_credit_nothing(case) -> None:
    dispute = case.raises(reason="order_number")

    accept(case, dispute, [0], text="The order number stands on it now.")

    assert case.dispute(dispute.id).status is Status.ACCEPTED
    assert case.invoice(F).paused_minor == 12_000


def test_no_more_is_credited_than_is_contested(case) -> None:
    dispute = case.raises(Claim(case.invoices[F], minor=3_000))

    for minors in ([3_001], [-1]):
        with pytest.raises(Invalid):
            accept(case, dispute, minors, vat_rate=VAT)
    with pytest.raises(Invalid):
        case.act(service.accept, dispute.id, credit=CreditWish(minors={dispute.id: 5}), text="x")


def test_an_invoice_that_does_not_say_its_vat_needs_the_rate(case) -> None:
    dispute = case.raises()

    with pytest.raises(Invalid, match="VAT"):
        accept(case, dispute)
    with reading() as session:
        assert sheets.staff_sheet(session, case.company_id, dispute.id, today=clock.today()).needs_vat_rate


def no_vat(case, number: str = F) -> None:
    """As an accounting file gives it: totals, and no VAT on them."""
    with transaction() as session:
        invoice = session.get_one(Invoice, case.invoices[number])
        invoice.net_minor, invoice.vat_minor = invoice.total_minor, 0


def vat_of(note: Invoice) -> list[tuple[str, Decimal, str]]:
    with reading() as session:
        rows = session.scalars(select(InvoiceVat).where(InvoiceVat.invoice_id == note.id).order_by(InvoiceVat.category))
        return [(row.category, row.rate, row.exemption_reason) for row in rows]


def test_an_invoice_without_vat_is_not_zero_rated_unless_somebody_says_so(case) -> None:
    no_vat(case)
    dispute = case.raises()

    with reading() as session:
        sheet = sheets.staff_sheet(session, case.company_id, dispute.id, today=clock.today())
    assert (sheet.needs_vat_rate, sheet.needs_vat_category) == (False, True)
    with pytest.raises(Invalid, match="does not say why"):
        accept(case, dispute)
    with pytest.raises(Invalid, match="does not say why"):
        accept(case, dispute, vat_rate=Decimal(0))
    assert case.invoice(F).frozen_minor == 12_000


@pytest.mark.parametrize("category", ["AE", "K", "G", "O", "Z"])
def test_the_reason_for_no_vat_stands_on_the_credit_note(case, category) -> None:
    no_vat(case)
    dispute = case.raises()

    accept(case, dispute, vat_category=category)

    assert vat_of(note_of(case)) == [(category, Decimal("0.00"), "")]
    assert note_of(case).total_minor == 12_000


def test_an_exemption_needs_its_article_and_no_other_reason_does(case) -> None:
    no_vat(case)
    dispute = case.raises()

    with pytest.raises(Invalid, match="needs its article"):
        accept(case, dispute, vat_category="E", exemption_reason=" ")
    with pytest.raises(Invalid, match="why there is no VAT"):
        accept(case, dispute, vat_category="X")
    accept(case, dispute, vat_category="E", exemption_reason="Exonération de TVA, art. 261-4-4° du CGI")

    assert vat_of(note_of(case)) == [("E", Decimal("0.00"), "Exonération de TVA, art. 261-4-4° du CGI")]


def test_a_rate_of_zero_that_somebody_gives_needs_its_reason_and_another_rate_takes_none(case) -> None:
    dispute = case.raises(Claim(case.invoices[F], minor=3_000))

    with pytest.raises(Invalid, match="does not say why"):
        accept(case, dispute, vat_rate=Decimal(0))
    accept(case, dispute, vat_rate=VAT, vat_category="AE")

    assert vat_of(note_of(case)) == [("S", Decimal("20.00"), "")]


def test_two_reasons_on_one_invoice_keep_their_own_words_and_taxed_lines_have_none(case) -> None:
    with transaction() as session:
        debtor = lock_debtor(session, case.debtor_id)
        today = clock.today()
        draft = InvoiceDraft(
            number="F-9",
            issued_on=today,
            due_on=today,
            lines=[
                LineDraft("Taxed", Decimal(10)),
                LineDraft("Abroad", Decimal(20), vat_rate=Decimal(0), vat_category="K"),
                LineDraft("Course", Decimal(30), vat_rate=Decimal(0), vat_category="E"),
            ],
            exemptions={"K": "Article 262 ter I", "E": "Article 261-4-4°"},
        )
        case.invoices["F-9"] = enter(session, debtor, draft, by=STAFF).id
    dispute = case.raises(Claim(case.invoices["F-9"]))

    accept(case, dispute)

    told = {category: words for category, _rate, words in vat_of(note_of(case))}
    assert told == {"S": "", "K": "Article 262 ter I", "E": "Article 261-4-4°"}


def test_the_vat_of_an_electronic_original_is_taken_and_nobody_is_asked(case) -> None:
    line = papers.line("Formation", "1", "120", rate="0", vat_category="E")
    facts = papers.invoice((line,), number=F)
    facts = replace(facts, vats=(replace(facts.vats[0], exemption_reason="Exonération, art. 261-4-4° du CGI"),))
    no_vat(case)
    with transaction() as session:
        paper = render.invoice(facts).content
        attach_original(session, invoice_id=case.invoices[F], content=paper, name="F-1.pdf", by=STAFF)
    dispute = case.raises(Claim(case.invoices[F], minor=3_000))

    with reading() as session:
        assert not sheets.staff_sheet(session, case.company_id, dispute.id, today=clock.today()).needs_vat_category
    accept(case, dispute)

    assert vat_of(note_of(case)) == [("E", Decimal("0.00"), "Exonération, art. 261-4-4° du CGI")]


def test_an_original_that_tells_another_total_or_cannot_be_read_is_not_believed(case) -> None:
    no_vat(case)
    other = papers.invoice((papers.line("Formation", "1", "121", rate="0", vat_category="E"),), number=F)
    with transaction() as session:
        paper = render.invoice(other).content
        attach_original(session, invoice_id=case.invoices[F], content=paper, name="F-1.pdf", by=STAFF)
    dispute = case.raises(Claim(case.invoices[F], minor=3_000))

    with pytest.raises(Invalid, match="does not say why"):
        accept(case, dispute)


def test_a_credit_of_an_amount_is_split_over_the_rates_of_its_invoice(case) -> None:
    dispute = case.raises(Claim(case.invoices["F-3"], minor=8_000))

    accept(case, dispute)

    with reading() as session:
        note = session.scalars(select(Invoice).where(Invoice.kind == InvoiceKind.CREDIT_NOTE)).one()
        rates = {
            vat.rate: vat.base_minor + vat.vat_minor
            for vat in session.scalars(select(InvoiceVat).where(InvoiceVat.invoice_id == note.id))
        }
    assert sum(rates.values()) == note.total_minor == 8_000
    assert rates[Decimal("20.00")] == round(8_000 * 12_000 / 17_275)


def test_a_contested_line_comes_back_as_the_same_line(case) -> None:
    with reading() as session:
        line = session.scalars(
            select(InvoiceLine).where(InvoiceLine.invoice_id == case.invoices["F-3"], InvoiceLine.position == 2)
        ).one()
    dispute = case.raises(Claim(case.invoices["F-3"], line_ids=[line.id]))

    accept(case, dispute)

    with reading() as session:
        note = session.scalars(select(Invoice).where(Invoice.kind == InvoiceKind.CREDIT_NOTE)).one()
        [taken] = session.scalars(select(InvoiceLine).where(InvoiceLine.invoice_id == note.id)).all()
    assert (taken.description, taken.net_minor, taken.vat_rate) == ("Books", 5_000, Decimal("5.50"))
    assert note.total_minor == 5_275


def test_several_invoices_get_a_credit_note_each(case) -> None:
    dispute = case.raises(Claim(case.invoices[F], minor=1_000), Claim(case.invoices["F-2"], minor=2_000))

    accept(case, dispute, vat_rate=VAT, number="A-77")

    with reading() as session:
        notes = session.scalars(select(Invoice).where(Invoice.kind == InvoiceKind.CREDIT_NOTE)).all()
    assert {note.number for note in notes} == {"A-77", "A-77-2"}
    assert {note.credits_invoice_id for note in notes} == {case.invoices[F], case.invoices["F-2"]}
    assert (case.invoice(F).open_minor, case.invoice("F-2").open_minor) == (11_000, 6_000)


def test_a_number_that_is_taken_is_refused_and_nothing_is_written(case) -> None:
    first = case.raises(Claim(case.invoices[F], minor=1_000))
    accept(case, first, vat_rate=VAT)
    second = case.raises(Claim(case.invoices[F], minor=1_000))

    with pytest.raises(Invalid, match="AV-F-1"):
        accept(case, second, vat_rate=VAT, number="AV-F-1")
    assert case.dispute(second.id).status is Status.OPEN

    accept(case, second, vat_rate=VAT)
    assert case.invoice(F).open_minor == 10_000


def test_a_credit_note_that_is_there_already_can_be_used(case) -> None:
    with transaction() as session:
        debtor = lock_debtor(session, case.debtor_id)
        note = an_invoice(session, debtor, "CN-9", 5_000, kind=InvoiceKind.CREDIT_NOTE).id
    dispute = case.raises(Claim(case.invoices[F], minor=3_000))

    accept(case, dispute, credit_note_id=note)

    assert (case.invoice("CN-9").open_minor, case.invoice(F).open_minor) == (2_000, 9_000)


def test_a_credit_note_with_too_little_left_or_another_debtors_is_refused(case) -> None:
    with transaction() as session:
        debtor = lock_debtor(session, case.debtor_id)
        note = an_invoice(session, debtor, "CN-9", 500, kind=InvoiceKind.CREDIT_NOTE).id
    dispute = case.raises(Claim(case.invoices[F], minor=3_000))

    for identity in (note, case.invoices["F-2"], dispute.id):
        with pytest.raises(Invalid):
            accept(case, dispute, credit_note_id=identity)


def test_what_a_payment_in_flight_holds_is_not_settled_twice(case) -> None:
    with transaction() as session:
        debtor = lock_debtor(session, case.debtor_id)
        occasion = ledger.Occasion(at=clock.now(), value_on=clock.today())
        parts = [Part(case.invoices[F], 11_000)]
        ledger.hold(session, debtor, parts, account=Account.GOCARDLESS, occasion=occasion)
    dispute = case.raises(Claim(case.invoices[F], minor=3_000))

    accept(case, dispute, vat_rate=VAT)

    assert case.invoice(F).open_minor == 11_000
    assert note_of(case).open_minor == 2_000


def test_what_is_rejected_can_be_paid_at_once_and_is_asked_for_from_a_day_on(case) -> None:
    dispute = case.raises()
    case.act(service.reject, dispute.id, grounds="It was delivered on 3 March and signed for.")

    invoice = case.invoice(F)
    assert (invoice.frozen_minor, invoice.paused_minor, invoice.collectable_minor) == (0, 12_000, 0)
    case.days(7)
    watch({})
    assert case.invoice(F).collectable_minor == 0
    case.days(1)
    watch({})
    watch({})

    assert case.invoice(F).collectable_minor == 12_000
    after = case.dispute(dispute.id)
    assert after.released_at is not None
    [mail] = case.mails("dispute_decided")
    assert "signed for" in mail.text_body
    assert "18 March 2026" in mail.text_body


def test_what_is_not_due_yet_is_not_asked_for_before_its_due_day(case) -> None:
    dispute = case.raises(Claim(case.invoices["F-2"]))

    case.act(service.reject, dispute.id, grounds="No.")

    assert case.dispute(dispute.id).owed_again_on == case.invoice("F-2").due_on


def test_staff_may_name_the_day_but_not_one_that_has_passed(case) -> None:
    dispute = case.raises()

    with pytest.raises(Invalid):
        case.act(service.reject, dispute.id, grounds="No.", owed_again_on=clock.today() - timedelta(days=1))
    case.act(service.reject, dispute.id, grounds="No.", owed_again_on=clock.today())

    assert case.invoice(F).collectable_minor == 12_000


def test_a_withdrawn_dispute_leaves_no_trace_on_the_money(case) -> None:
    dispute = case.raises()

    case.act(service.withdraw, dispute.id, by=case.dora)
    case.act(service.withdraw, dispute.id, by=case.dora)

    assert case.invoice(F).collectable_minor == 12_000
    assert case.parts(dispute.id)[0].outcome is PartOutcome.WITHDRAWN
    assert len(case.mails("dispute_closed")) == 1


def test_a_payment_of_what_was_contested_settles_it(case) -> None:
    dispute = case.raises()
    case.days(1)
    pays(case, F, 5_000)
    after_payment({"debtor_id": str(case.debtor_id)})
    assert case.dispute(dispute.id).status is Status.OPEN

    pays(case, F, 7_000)
    after_payment({"debtor_id": str(case.debtor_id)})
    after_payment({"debtor_id": str(case.debtor_id)})

    after, invoice = case.dispute(dispute.id), case.invoice(F)
    assert (after.status, invoice.open_minor, invoice.frozen_minor) == (Status.SETTLED, 0, 0)
    assert len(case.mails("dispute_closed")) == 1


def test_the_clock_finds_what_was_paid_by_a_way_that_sends_no_news(case) -> None:
    dispute = case.raises()
    case.days(1)
    pays(case, F, 12_000)

    watch({})

    assert case.dispute(dispute.id).status is Status.SETTLED


def test_money_that_was_on_its_way_before_the_dispute_does_not_settle_it(case) -> None:
    from shared.kit.ids import new_id

    payment_id = new_id()
    with transaction() as session:
        debtor = lock_debtor(session, case.debtor_id)
        occasion = ledger.Occasion(at=clock.now(), value_on=clock.today(), payment_id=payment_id)
        parts = [Part(case.invoices[F], 12_000)]
        ledger.hold(session, debtor, parts, account=Account.GOCARDLESS, occasion=occasion)
    case.clock.advance(hours=1)
    dispute = case.raises()
    case.days(2)
    with transaction() as session:
        debtor = lock_debtor(session, case.debtor_id)
        occasion = ledger.Occasion(at=clock.now(), value_on=clock.today(), payment_id=payment_id)
        ledger.post(session, debtor, account=Account.GOCARDLESS, minor=12_000, parts=parts, occasion=occasion)

    after_payment({"debtor_id": str(case.debtor_id)})
    watch({})

    assert case.invoice(F).open_minor == 0
    assert case.dispute(dispute.id).status is Status.OPEN
    accept(case, dispute, vat_rate=VAT)
    assert note_of(case).open_minor == 12_000


def test_money_that_goes_back_opens_what_it_had_settled(case) -> None:
    dispute = case.raises()
    case.days(1)
    pays(case, F, 12_000)
    watch({})
    with transaction() as session:
        debtor = lock_debtor(session, case.debtor_id)
        book = Book(session, debtor)
        book.reopen(book.lock([case.invoices[F]])[case.invoices[F]], 12_000)
        book.write()

    after_return({"debtor_id": str(case.debtor_id)})
    after_return({"debtor_id": str(case.debtor_id)})

    after = case.dispute(dispute.id)
    assert (after.status, after.reopen_count) == (Status.OPEN, 0)
    assert case.invoice(F).frozen_minor == 12_000


def test_a_debtor_opens_a_rejected_dispute_again_within_its_limits(case) -> None:
    with transaction() as session:
        service.set_policy(session, company_id=case.company_id, policy=Policy(8, 30, 1), by=STAFF)
    dispute = case.raises(Claim(case.invoices[F], minor=4_000))
    case.act(service.reject, dispute.id, grounds="No.")

    case.act(service.reopen, dispute.id, text="Here is a photo.", by=case.dora)

    after, invoice = case.dispute(dispute.id), case.invoice(F)
    assert (after.status, after.owed_again_on, after.reopen_count) == (Status.OPEN, None, 1)
    assert (invoice.frozen_minor, invoice.paused_minor) == (4_000, 0)
    case.act(service.reject, dispute.id, grounds="Still no.")
    with pytest.raises(Refused, match="write to us"):
        case.act(service.reopen, dispute.id, text="Please!", by=case.dora)
    case.act(service.reopen, dispute.id, text="We look again.")
    assert case.dispute(dispute.id).status is Status.OPEN
    assert len(case.mails("dispute_received")) == 3


def test_a_dispute_that_ended_after_midnight_in_paris_may_be_opened_again_on_the_last_day_of_paris(
    case, frozen
) -> None:
    with transaction() as session:
        service.set_policy(session, company_id=case.company_id, policy=Policy(8, 30, 1), by=STAFF)
    dispute = case.raises(Claim(case.invoices[F], minor=4_000))
    frozen.advance(seconds=(datetime(2026, 3, 10, 23, 30, tzinfo=UTC) - clock.now()).total_seconds())
    assert clock.today() == date(2026, 3, 11)
    case.act(service.reject, dispute.id, grounds="No.")

    frozen.advance(days=29, hours=12)
    assert clock.today() == date(2026, 4, 9)
    frozen.advance(days=1)
    case.act(service.reopen, dispute.id, text="Here is a photo.", by=case.dora)

    assert case.dispute(dispute.id).status is Status.OPEN


def test_nothing_can_be_opened_again_when_nothing_of_it_is_open(case) -> None:
    dispute = case.raises(Claim(case.invoices[F], minor=4_000))
    accept(case, dispute, vat_rate=VAT)

    with pytest.raises(Conflict, match="open any more"):
        case.act(service.reopen, dispute.id, text="More!", by=case.dora)
    with pytest.raises(Conflict):
        case.act(service.reopen, case.raises().id, text="It is open.")


def test_the_books_agree_after_everything(case) -> None:
    one = case.raises(Claim(case.invoices[F], minor=5_000))
    accept(case, one, [3_000], vat_rate=VAT)
    two = case.raises(Claim(case.invoices["F-3"]))
    case.act(service.reject, two.id, grounds="No.")
    case.act(service.reopen, two.id, text="Yes.", by=case.dora)
    case.act(service.withdraw, two.id, by=case.dora)

    with reading() as session:
        debtor = session.get_one(Debtor, case.debtor_id)
        invoices = session.scalars(select(Invoice).where(Invoice.debtor_id == case.debtor_id)).all()
        live = session.scalars(select(Freeze).where(Freeze.lifted_at.is_(None))).all()
    sign = {InvoiceKind.INVOICE: 1, InvoiceKind.CREDIT_NOTE: -1}
    assert debtor.open_minor == sum(sign[each.kind] * each.open_minor for each in invoices)
    for invoice in invoices:
        assert invoice.frozen_minor + invoice.paused_minor == sum(
            each.amount_minor for each in live if each.invoice_id == invoice.id
        )
