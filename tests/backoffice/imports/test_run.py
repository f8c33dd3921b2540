from __future__ import annotations

from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text

from backoffice.imports import run
from backoffice.imports.models import ImportMapping, ImportRun, RunState
from backoffice.imports.sentences import told
from shared.debtors.models import Contact, Debtor, DebtorContact
from shared.debtors.service import lock_debtor
from shared.invoices import service as invoices
from shared.invoices.models import PAUSES, Freeze, FreezeKind, Invoice, InvoiceKind
from shared.invoices.service import freeze
from shared.kit import clock
from shared.kit.actors import Actor
from shared.kit.audit import AuditLine
from shared.kit.db import reading, transaction
from shared.kit.errors import Conflict, Invalid, Unavailable
from shared.kit.ids import new_id
from shared.ledger import service as ledger
from shared.ledger.models import Account, Transfer
from shared.ledger.rules import Part

FEC = "123456782FEC20261231.txt"
SYSTEM = Actor.system("test")
HEADINGS = (
    "JournalCode\tJournalLib\tEcritureNum\tEcritureDate\tCompteNum\tCompteLib\tCompAuxNum\tCompAuxLib\tPieceRef\t"
    "PieceDate\tEcritureLib\tDebit\tCredit\tEcritureLet\tDateLet\tValidDate\tMontantdevise\tIdevise"
)


def fec(*lines: str) -> str:
    """A FEC of "journal number day auxiliary piece amount [lettering]": a sale is VE, a payment BQ, an opening AN."""
    text_lines = [HEADINGS]
    for line in lines:
        journal, number, day, debtor, piece, amount, *letter = line.split()
        letters = letter[0] if letter else ""
        other = {"VE": "706000", "BQ": "512000", "AN": "890000"}[journal]
        owed = (journal != "BQ") != amount.startswith("-")
        amount = amount.strip("-")
        one, two = (amount, "0") if owed else ("0", amount)
        row = f"{journal}\t{journal}\t{number}\t{day}\t%s\tx\t%s\t{debtor} SA\t{piece}\t{day}\t{piece}\t%s\t%s\t%s\t\t\t\t"
        text_lines += [row % ("411000", debtor, one, two, letters), row % (other, "", two, one, "")]
    return "\n".join(text_lines)


def books_agree() -> None:
    """The cached amounts equal the ledger, invoice by invoice and debtor by debtor."""
    with reading() as session:
        sums: dict[object, int] = {}
        for row in session.scalars(select(Transfer)):
            assert row.phase.value == "posted"
            for account, owner, sign in (
                (row.debit_account, row.debit_owner, 1),
                (row.credit_account, row.credit_owner, -1),
            ):
                if owner:
                    sums[account, owner] = sums.get((account, owner), 0) + sign * row.amount_minor
        invoices = session.scalars(select(Invoice)).all()
        for invoice in invoices:
            sign = 1 if invoice.kind is InvoiceKind.INVOICE else -1
            assert sums.get((Account.RECEIVABLE, invoice.id), 0) * sign == invoice.open_minor, invoice.number
            assert invoice.settled_on is None or invoice.open_minor == 0
        for debtor in session.scalars(select(Debtor)):
            mine = [i for i in invoices if i.debtor_id == debtor.id]
            assert debtor.open_minor == sum(
                i.open_minor if i.kind is InvoiceKind.INVOICE else -i.open_minor for i in mine
            )
            assert debtor.credit_minor == -sums.get((Account.CREDIT, debtor.id), 0)


def everything() -> dict[str, list[tuple[object, ...]]]:
    """All rows of the domain, to see that nothing changed."""
    with reading() as session:
        return {
            table: [tuple(row) for row in session.execute(text(f"SELECT * FROM {table} ORDER BY id"))]
            for table in ("debtor", "contact", "debtor_contact", "invoice", "ledger_transfer")
        }


def receive(desk, number: str, minor: int, code: str) -> None:
    """A transfer that staff record here."""
    with transaction() as session:
        debtor = lock_debtor(session, desk.debtor_id(code))
        invoice_id = session.scalars(select(Invoice.id).where(Invoice.number == number)).one()
        ledger.settle_directly(
            session,
            debtor,
            account=Account.BANK,
            minor=minor,
            parts=[Part(invoice_id, minor)],
            occasion=ledger.Occasion(at=clock.now(), value_on=clock.today("Europe/Paris"), payment_id=new_id()),
        )


def test_a_fec_becomes_debtors_open_invoices_history_and_credit(desk):
    outcome = desk.take(desk.files / FEC)

    assert outcome.state is RunState.DONE
    assert desk.debtors() == {
        "CDORA": (0, 0), "CNOEL": (0, 5000), "CPAUL": (57000, 0), "CNADI": (24000, 0), "COCTA": (0, 9900),
    }  # fmt: skip
    assert desk.invoices() == {
        "RAN-20260101-CDORA": (30000, 0), "F-2601": (120000, 0), "F-2602": (60000, 60000), "F-2603": (24000, 0),
        "AV-2601": (6000, 0), "F-2604": (36000, 24000), "AV-2602": (3000, 3000),
    }  # fmt: skip
    assert desk.invoice("F-2603").settled_on == date(2026, 3, 1)
    assert desk.invoice("F-2604").due_on == date(2026, 3, 3)
    assert desk.invoice("F-2604").due_is_derived
    assert outcome.result["certified_open"] == 66100
    books_agree()


def test_the_same_file_twice_changes_nothing(desk):
    desk.take(desk.files / FEC)
    before = everything()

    again = desk.take(desk.files / FEC)

    assert again.state is RunState.DONE
    assert again.result["invoices_added"] == again.result["invoices_changed"] == again.result["debtors_added"] == 0
    assert everything() == before


def test_a_later_file_settles_what_it_shows_as_lettered(desk):
    first = ["VE 1 20260105 C1 F1 100,00", "VE 2 20260106 C1 F2 50,00", "VE 3 20260107 C2 F3 10,00"]
    desk.take(fec(*first))
    assert desk.debtors() == {"C1": (15000, 0), "C2": (1000, 0)}

    later = fec(first[0] + " A", first[1], first[2], "BQ 4 20260110 C1 V1 100,00 A", "VE 5 20260111 C1 F4 7,00")
    outcome = desk.take(later)

    assert outcome.result["invoices_changed"] == 1
    assert desk.invoices() == {"F1": (10000, 0), "F2": (5000, 5000), "F3": (1000, 1000), "F4": (700, 700)}
    assert desk.invoice("F1").settled_on == date(2026, 1, 10)
    assert desk.debtors() == {"C1": (5700, 0), "C2": (1000, 0)}
    books_agree()


def test_a_lettering_that_is_taken_back_reopens_the_invoice(desk):
    desk.take(fec("VE 1 20260105 C1 F1 100,00 A", "BQ 2 20260110 C1 V1 100,00 A"))
    assert desk.debtors() == {"C1": (0, 0)}

    desk.take(
        fec("VE 1 20260105 C1 F1 100,00", "BQ 2 20260110 C1 V1 100,00 B", "BQ 3 20260112 C1 V1 -100,00 B")
    )  # the cheque bounced

    assert desk.debtors() == {"C1": (10000, 0)}
    assert desk.invoice("F1").settled_on is None
    books_agree()


def test_unapplied_credit_follows_the_file(desk):
    sale = "VE 1 20260105 C1 F1 100,00"
    desk.take(fec(sale + " A", "BQ 2 20260110 C1 V1 100,00 A", "BQ 3 20260111 C1 V2 30,00"))
    assert desk.debtors() == {"C1": (0, 3000)}

    desk.take(
        fec(
            sale + " A", "BQ 2 20260110 C1 V1 100,00 A", "BQ 3 20260111 C1 V2 30,00 B", "VE 4 20260112 C1 F2 30,00 B",
            "BQ 5 20260113 C1 V3 5,00",
        )
    )  # fmt: skip

    assert desk.debtors() == {"C1": (0, 500)}
    books_agree()


def test_a_payment_made_here_that_the_file_does_not_know_yet_stays_paid(desk):
    sale = "VE 1 20260105 C1 F1 100,00"
    desk.take(fec(sale))
    receive(desk, "F1", 4000, "C1")

    same = desk.take(fec(sale))

    assert same.state is RunState.DONE
    assert [told(w) for w in same.warnings if w.code == "invoice.paid_here"] == [
        "Invoice F1 was paid here (€40.00) and the file does not show it yet."
    ]
    assert desk.debtors() == {"C1": (6000, 0)}
    books_agree()

    # Then the books know it, and more.
    desk.take(fec(sale + " A", "BQ 2 20260110 C1 V1 100,00 A"))

    assert desk.debtors() == {"C1": (0, 0)}
    with reading() as session:
        brought = session.scalars(
            select(Transfer.amount_minor).where(Transfer.debit_account == Account.ELSEWHERE)
        ).all()
    assert brought == [6000]
    books_agree()


def test_what_a_payment_in_flight_holds_is_not_settled_by_a_file(desk):
    sale = "VE 1 20260105 C1 F1 100,00"
    desk.take(fec(sale))
    with transaction() as session:
        debtor = lock_debtor(session, desk.debtor_id("C1"))
        invoice_id = session.scalars(select(Invoice.id)).one()
        occasion = ledger.Occasion(at=clock.now(), value_on=date(2026, 1, 20), payment_id=new_id())
        ledger.hold(session, debtor, [Part(invoice_id, 7000)], account=Account.STRIPE, occasion=occasion)

    outcome = desk.take(fec(sale + " A", "BQ 2 20260110 C1 V1 100,00 A"))

    assert outcome.state is RunState.DONE
    assert [w.code for w in outcome.warnings] == ["invoice.held"]
    assert desk.invoices() == {"F1": (10000, 7000)}
    assert desk.debtors() == {"C1": (7000, 0)}


def test_a_corrected_total_is_an_explicit_movement(desk):
    desk.take(fec("VE 1 20260105 C1 F1 100,00"))
    desk.take(fec("VE 1 20260105 C1 F1 80,00"))

    assert desk.invoices() == {"F1": (8000, 8000)}
    books_agree()


def test_a_total_below_what_was_paid_here_becomes_credit_and_stops_nobody_else(desk):
    desk.take(fec("VE 1 20260105 C1 F1 100,00"))
    receive(desk, "F1", 9000, "C1")

    outcome = desk.take(fec("VE 1 20260105 C1 F1 80,00", "VE 2 20260106 C2 F2 10,00"))

    assert outcome.state is RunState.DONE
    assert "invoice.overpaid" in {w.code for w in outcome.warnings}
    assert desk.debtors() == {"C1": (0, 1000), "C2": (1000, 0)}
    assert desk.invoices() == {"F1": (8000, 0), "F2": (1000, 1000)}
    books_agree()


def test_a_total_below_what_is_frozen_and_paused_shrinks_what_covers_it(desk):
    """A dispute of 30, a plan of 60 and a promise of 10 on an invoice of 100; then the file says 40."""
    desk.take(fec("VE 1 20260101 C1 F1 100,00"))
    with transaction() as session:
        identity = session.scalars(select(Invoice.id)).one()
        for kind, minor in ((FreezeKind.PROMISE, 9_000), (FreezeKind.DISPUTE, 3_000), (FreezeKind.PLAN, 1_000)):
            freeze(session, invoice_id=identity, kind=kind, minor=minor, reason="", by=Actor.system("test"))
        session.query(Freeze).filter_by(kind=FreezeKind.PLAN).update({"amount_minor": 7_000})
        session.get_one(Invoice, identity).frozen_minor = 10_000

    outcome = desk.take(fec("VE 1 20260101 C1 F1 40,00"))

    assert "invoice.covers_less" in {warning.code for warning in outcome.warnings}
    with reading() as session:
        invoice = session.scalars(select(Invoice)).one()
        live = {
            row.kind.value: row.amount_minor
            for row in session.scalars(select(Freeze).where(Freeze.lifted_at.is_(None)))
        }
        lines = session.scalars(select(AuditLine.action).where(AuditLine.actor_name == "import")).all()
    assert (invoice.total_minor, invoice.open_minor) == (4_000, 4_000)
    assert live == {"promise": 4_000, "dispute": 3_000, "plan": 1_000}
    assert (invoice.frozen_minor, invoice.paused_minor) == (4_000, 4_000)
    assert sorted(lines) == ["invoice.hold_resized", "invoice.hold_resized"]
    books_agree()


def cover(number: str, *held: tuple[FreezeKind, int]) -> None:
    """Freeze parts of an invoice one after the other, as rooms above do it when money goes back."""
    with transaction() as session:
        invoice = session.scalars(select(Invoice).where(Invoice.number == number)).one()
        for kind, minor in held:
            wanted = {"subject_id": new_id(), "minors": {invoice.id: minor}, "reason": "", "by": SYSTEM}
            covered = invoices.cover(session, debtor_id=invoice.debtor_id, kind=kind, **wanted)
            assert covered == {invoice.id: minor}


@pytest.mark.parametrize("kind", sorted(PAUSES - {FreezeKind.PROMISE}, key=lambda kind: kind.value))
def test_a_total_below_two_pauses_together_shrinks_one_of_them_and_the_file_is_imported(desk, kind):
    """A promise of 60 and 60 that another pause covers, on an invoice of 120; then the file says 100."""
    desk.take(fec("VE 1 20260101 C1 F1 120,00"))
    cover("F1", (FreezeKind.PROMISE, 6_000), (kind, 6_000))

    assert desk.take(fec("VE 1 20260101 C1 F1 100,00")).state is RunState.DONE

    with reading() as session:
        live = session.scalars(select(Freeze).where(Freeze.lifted_at.is_(None))).all()
        assert session.scalars(select(Invoice.paused_minor)).one() == 10_000
    first = FreezeKind.CHARGEBACK if kind is FreezeKind.CHARGEBACK else FreezeKind.PROMISE
    second = FreezeKind.PROMISE if first is FreezeKind.CHARGEBACK else kind
    assert {row.kind: row.amount_minor for row in live} == {first: 6_000, second: 4_000}
    books_agree()


@pytest.mark.parametrize("kind", sorted(PAUSES, key=lambda kind: kind.value))
def test_a_plan_and_a_pause_on_the_same_money_leave_each_other_alone_when_the_total_falls(desk, kind):
    """A plan of 100 and a pause of 40 on an invoice of 100; then the file says 80: what is contested stays so."""
    desk.take(fec("VE 1 20260101 C1 F1 100,00"))
    cover("F1", (FreezeKind.PLAN, 10_000), (kind, 4_000))

    assert desk.take(fec("VE 1 20260101 C1 F1 80,00")).state is RunState.DONE

    with reading() as session:
        live = session.scalars(select(Freeze).where(Freeze.lifted_at.is_(None))).all()
        invoice = session.scalars(select(Invoice)).one()
    assert {row.kind: row.amount_minor for row in live} == {FreezeKind.PLAN: 8_000, kind: 4_000}
    assert (invoice.frozen_minor, invoice.paused_minor) == (8_000, 4_000)


def test_a_freeze_for_which_nothing_is_left_ends(desk):
    desk.take(fec("VE 1 20260101 C1 F1 100,00"))
    with transaction() as session:
        identity = session.scalars(select(Invoice.id)).one()
        for kind, minor in ((FreezeKind.DISPUTE, 3_000), (FreezeKind.LEGAL_HOLD, 7_000)):
            freeze(session, invoice_id=identity, kind=kind, minor=minor, reason="", by=Actor.system("test"))

    desk.take(fec("VE 1 20260101 C1 F1 20,00"))

    with reading() as session:
        rows = session.scalars(select(Freeze).order_by(Freeze.frozen_at, Freeze.id)).all()
        invoice = session.scalars(select(Invoice)).one()
    assert [(row.amount_minor, row.lifted_at is None) for row in rows] == [(2_000, True), (7_000, False)]
    assert invoice.frozen_minor == 2_000


def test_the_next_year_names_old_invoices_in_one_lump(desk):
    desk.take(fec("VE 1 20250105 C1 F1 100,00", "VE 2 20250206 C1 F2 50,00", "VE 3 20250207 C2 F3 30,00"))

    outcome = desk.take(
        fec(
            "AN 1 20260101 C1 RAN 150,00", "AN 1 20260101 C2 RAN 30,00", "BQ 2 20260110 C1 V1 100,00 A",
            "VE 3 20260111 C1 F4 9,00",
        )
    )  # fmt: skip

    assert outcome.state is RunState.DONE
    assert outcome.result["carried_settled"] == 1
    assert desk.invoices() == {"F1": (10000, 0), "F2": (5000, 5000), "F3": (3000, 3000), "F4": (900, 900)}
    assert desk.debtors() == {"C1": (5900, 0), "C2": (3000, 0)}
    books_agree()

    before = everything()
    again = desk.take(
        fec(
            "AN 1 20260101 C1 RAN 150,00", "AN 1 20260101 C2 RAN 30,00", "BQ 2 20260110 C1 V1 100,00 A",
            "VE 3 20260111 C1 F4 9,00",
        )
    )  # fmt: skip
    assert again.state is RunState.DONE
    assert everything() == before


def test_a_lump_larger_than_what_is_known_keeps_the_rest_as_an_opening_balance(desk):
    desk.take(fec("VE 1 20250105 C1 F1 100,00"))

    desk.take(fec("AN 1 20260101 C1 RAN 130,00", "AN 1 20260101 C2 RAN 5,00"))

    assert desk.invoices() == {
        "F1": (10000, 10000), "RAN-20260101-C1": (3000, 3000), "RAN-20260101-C2": (500, 500),
    }  # fmt: skip
    assert desk.invoice("RAN-20260101-C1").title == "Report à nouveau"
    books_agree()


def test_an_account_that_a_later_file_does_not_hold_is_named(desk):
    desk.take(fec("VE 1 20250105 C1 F1 100,00", "VE 2 20250106 C2 F2 50,00 A", "BQ 3 20250107 C2 V2 50,00 A"))

    outcome = desk.take(fec("VE 1 20260105 C3 F3 1,00 A", "BQ 2 20260106 C3 V3 1,00 A"))

    assert [told(w) for w in outcome.warnings] == [
        "Account C1 has €100.00 open in Guichet, and the file does not hold this account."
    ]


def test_an_older_file_than_the_last_is_refused(desk):
    desk.take(fec("VE 1 20260105 C1 F1 100,00"))

    outcome = desk.take(fec("VE 1 20250105 C1 F0 100,00"))

    assert outcome.state is RunState.REFUSED
    assert [f.code for f in outcome.faults] == ["fec.outdated"]


def test_an_invoice_that_vanished_from_the_books_is_named_and_asked_about(desk):
    desk.take(fec("VE 1 20260105 C1 F1 100,00", "VE 2 20260106 C1 F2 50,00"))
    before = everything()

    outcome = desk.take(fec("VE 1 20260105 C1 F1 100,00", "VE 3 20260107 C1 F3 1,00"))

    assert outcome.state is RunState.ASKING
    assert [question.examples for question in outcome.questions] == [("F2 (C1): €50.00",)]
    assert everything() == before


def test_a_table_becomes_debtors_with_contacts(desk):
    outcome = desk.take(desk.files / "balance-agee.csv")

    assert outcome.state is RunState.DONE
    assert desk.debtors() == {"CDORA": (0, 0), "CPAUL": (54000, 0), "CNADI": (24050, 0)}
    with reading() as session:
        emails = session.execute(
            select(Contact.email, Debtor.account_code)
            .join(DebtorContact, DebtorContact.contact_id == Contact.id)
            .join(Debtor, Debtor.id == DebtorContact.debtor_id)
            .order_by(Contact.email)
        ).all()
        nadia = session.scalars(select(Debtor).where(Debtor.account_code == "CNADI")).one()
    assert [tuple(row) for row in emails] == [("compta@dora.example", "CDORA"), ("paul@cafe.example", "CPAUL")]
    assert (nadia.language, nadia.search_text) == ("en", "nadia oeuvres  cnadi")
    books_agree()


def test_a_later_table_settles_what_it_shows_as_paid_and_leaves_the_rest_alone(desk):
    head = "Client;N° facture;Date facture;Montant TTC;Reste dû\n"
    desk.take(head + "Dora;F1;31/01/2026;100,00;100,00\nDora;F2;31/01/2026;50,00;50,00\nPaul;F3;31/01/2026;5,00;5,00\n")

    outcome = desk.take(head + "Dora;F1;31/01/2026;100,00;40,00\n")

    assert outcome.state is RunState.DONE
    assert desk.invoices() == {"F1": (10000, 4000), "F2": (5000, 5000), "F3": (500, 500)}
    assert desk.debtors() == {"Dora": (9000, 0), "Paul": (500, 0)}
    books_agree()


def test_formulas_and_quotes_are_stored_as_they_are(desk):
    name = '=cmd|"/c calc"!A0\\t\'; DROP TABLE debtor; --'
    desk.take(
        f'Client;N° facture;Date facture;Montant TTC\n"{name.replace(chr(34), chr(34) * 2)}";@F\\1;31/01/2026;1,00\n'
    )

    assert desk.invoices() == {"@F\\1": (100, 100)}
    assert list(desk.debtors()) == [name]


def test_a_faulty_file_writes_nothing_and_says_all(desk):
    outcome = desk.take(desk.files / "faults.csv")

    assert outcome.state is RunState.REFUSED
    assert outcome.fault_count == 8
    assert desk.debtors() == {}
    assert told(outcome.faults[0]) == "line 3, column Date facture: There is no such day. [31/02/2026]"


def test_a_reading_is_remembered_for_files_with_the_same_headings(desk):
    first = desk.take(desk.files / "ambiguous-dates.csv")
    assert [f.code for f in first.faults] == ["day.ambiguous"]

    told_once = desk.take(desk.files / "ambiguous-dates.csv", choices={"dates": "mdy"})
    assert told_once.state is RunState.DONE
    again = desk.take(desk.files / "ambiguous-dates.csv")

    assert again.state is RunState.DONE
    assert desk.invoice("F-1").issued_on == date(2026, 3, 4)
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(ImportMapping)) == 1


def test_terms_come_from_the_choice_then_the_debtor_then_the_company(desk):
    content = "Client;N° facture;Date facture;Montant TTC\nDora;F1;10/01/2026;1,00\nPaul;F2;10/01/2026;1,00\nPaul;F0;31/01/2026;1,00\n"
    desk.take(content)
    assert desk.invoice("F1").due_on == date(2026, 2, 9)

    with transaction() as session:
        session.scalars(select(Debtor).where(Debtor.account_code == "Paul")).one().terms_days = 60
    desk.take(content.replace(";F", ";G"))
    assert (desk.invoice("G1").due_on, desk.invoice("G2").due_on) == (date(2026, 2, 9), date(2026, 3, 11))

    desk.take(content.replace(";F", ";H"), choices={"terms_days": 45, "terms_kind": "end_of_month_then_days"})
    assert desk.invoice("H1").due_on == date(2026, 3, 17)


def test_a_dry_run_says_everything_and_writes_nothing(desk):
    outcome = desk.take(desk.files / FEC, dry_run=True)

    assert outcome.state is RunState.READY
    assert outcome.certificate["balance"] == 66100
    assert [line["debtor"] for line in outcome.certificate["lines"]] == ["CNADI", "CNOEL", "COCTA", "CPAUL"]
    assert desk.debtors() == {}


def test_a_run_is_read_confirmed_and_written_once(desk):
    by = Actor.staff(new_id(), "Inès")
    run_id = run.offer((desk.files / FEC).read_bytes(), company_id=desk.company.id, name=f"../../{FEC}", by=by)

    assert run.read(run_id).state is RunState.READY
    assert run.read(run_id).state is RunState.READY
    run.confirm(run_id, by=by)
    run.confirm(run_id, by=by)
    assert run.write(run_id).state is RunState.DONE
    before = everything()
    assert run.write(run_id).state is RunState.DONE

    assert everything() == before
    with reading() as session:
        stored = session.get_one(ImportRun, run_id)
        lines = session.scalars(select(AuditLine).where(AuditLine.action == "import.done")).all()
        jobs = session.scalars(text("SELECT count(*) FROM outbox_message WHERE job = 'imports.write'")).one()
    assert stored.file_name == FEC
    assert [(line.actor_kind, line.actor_name, line.subject_id) for line in lines] == [("staff", "Inès", run_id)]
    assert jobs == 1


def test_a_faulty_run_cannot_be_confirmed_but_mended(desk):
    content = (desk.files / "ambiguous-dates.csv").read_bytes()
    run_id = run.offer(content, company_id=desk.company.id, name="a.csv", by=Actor.system("test"))
    assert run.read(run_id).state is RunState.FAULTY
    with pytest.raises(Conflict):
        run.confirm(run_id, by=Actor.system("test"))

    run.choose(run_id, {"dates": "dmy"})
    assert run.read(run_id).state is RunState.READY
    run.confirm(run_id, by=Actor.system("test"))

    with pytest.raises(Conflict):
        run.choose(run_id, {})
    with pytest.raises(Conflict):
        run.cancel(run_id)


def test_a_writing_that_was_killed_is_done_again(desk):
    run_id = run.offer((desk.files / FEC).read_bytes(), company_id=desk.company.id, name=FEC, by=Actor.system("test"))
    run.read(run_id)
    run.confirm(run_id, by=Actor.system("test"))
    with transaction() as session:
        session.get_one(ImportRun, run_id).state = RunState.WRITING

    assert run.write(run_id).state is RunState.DONE
    books_agree()


@pytest.mark.parametrize("content", [b"", b"x" * (200 * 1024 * 1024 + 1)])
def test_nothing_and_too_much_are_refused_at_the_door(desk, content):
    with pytest.raises(Invalid):
        run.offer(content, company_id=desk.company.id, name="f", by=Actor.system("test"))


def test_another_company_has_its_own_debtors(desk, database):
    from tests.support.people import a_company

    desk.take(desk.files / FEC)
    with transaction() as session:
        other = a_company(session, "autre", siren="552100554")
    run.import_file((desk.files / FEC).read_bytes(), company_id=other.id, name=FEC, by=Actor.system("test"))

    with reading() as session:
        counts = session.execute(select(Debtor.company_id, func.count()).group_by(Debtor.company_id)).all()
    assert sorted(count for _, count in counts) == [5, 5]
    books_agree()


def test_two_imports_of_a_company_do_not_run_at_once(desk, database):
    key = f"guichet.import.{desk.company.id}"
    with database.connect() as other, other.begin():
        other.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 7))"), {"key": key})
        with pytest.raises(Unavailable):
            desk.take(desk.files / FEC)

    assert desk.take(desk.files / FEC).state is RunState.DONE


def test_debtors_of_whom_the_file_says_nothing_new_are_not_disturbed(desk, database):
    head = "Client;N° facture;Date facture;Montant TTC;Reste dû\n"
    desk.take(head + "Dora;F1;31/01/2026;100,00;100,00\nPaul;F2;31/01/2026;50,00;50,00\n")

    with database.connect() as other, other.begin():
        other.execute(text("SELECT FROM debtor WHERE account_code = 'Dora' FOR UPDATE"))
        outcome = desk.take(head + "Dora;F1;31/01/2026;100,00;100,00\nPaul;F2;31/01/2026;50,00;20,00\n")

    assert outcome.state is RunState.DONE
    assert (outcome.result["certified_debtors"], outcome.result["certified_open"]) == (2, 12000)
    assert desk.debtors() == {"Dora": (10000, 0), "Paul": (2000, 0)}
    books_agree()


@st.composite
def two_files(draw):
    """A book as it stood at some day, and the same book later: more lines, more lettering."""
    early: list[str] = []
    late: list[str] = []
    for number in range(draw(st.integers(1, 10))):
        code = draw(st.sampled_from(["C1", "C2"]))
        day = f"2026{draw(st.integers(1, 6)):02d}{draw(st.integers(1, 28)):02d}"
        minor = draw(st.integers(100, 100_000))
        amount = f"{minor // 100},{minor % 100:02d}"
        sale = f"VE {2 * number + 1} {day} {code} F{number} {amount}"
        paid = f"BQ {2 * number + 2} 202607{number + 10} {code} V{number} {amount}"
        known = draw(st.booleans())
        stage = draw(st.sampled_from(["open", "paid", "unlettered", "late", "credit"]))
        both = [f"{sale} L{number}", f"{paid} L{number}"]
        late += {"open": [sale], "paid": both, "unlettered": [sale, paid], "late": both, "credit": [paid]}[stage]
        if known:
            early += {"open": [sale], "paid": both, "unlettered": [sale], "late": [sale], "credit": [paid]}[stage]
    return early or ["VE 1 20260101 C9 F999 1,00"], late + ([] if early else ["VE 1 20260101 C9 F999 1,00"])


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(two_files())
def test_whatever_a_later_file_shows_the_books_follow_it(desk, files):
    from tests.support.people import a_company

    with transaction() as session:
        company = a_company(session, new_id().hex[:30])
    for content in files:
        outcome = run.import_file(content_of(content), company_id=company.id, name="f.txt", by=Actor.system("test"))
        assert outcome.state is RunState.DONE, [told(f) for f in outcome.faults]
    with reading() as session:
        open_total, credit = session.execute(
            select(
                func.coalesce(func.sum(Debtor.open_minor), 0), func.coalesce(func.sum(Debtor.credit_minor), 0)
            ).where(Debtor.company_id == company.id)
        ).one()
    assert open_total - credit == outcome.certificate["balance"]
    books_agree()


def content_of(lines: list[str]) -> bytes:
    return fec(*lines).encode()


@pytest.mark.real_files
def test_the_real_fec_is_certified_to_the_cent(desk, real_files):
    outcome = desk.take(real_files / "fec" / "0000000001FEC20220831.txt")

    assert outcome.state is RunState.DONE
    assert (outcome.result["certified_debtors"], outcome.result["certified_open"]) == (17, 5_251_724)
    assert outcome.warning_count == 15 + 2 + 1
    books_agree()
    before = everything()
    assert desk.take(real_files / "fec" / "0000000001FEC20220831.txt").state is RunState.DONE
    assert everything() == before


@pytest.mark.real_files
def test_the_real_invoices_are_imported_as_history(desk, real_files):
    outcome = desk.take(real_files / "receivables" / "ibm-late-payments.csv")

    assert outcome.result["invoices_added"] == 2_466
    assert outcome.result["debtors_added"] == 100
    with reading() as session:
        late = session.scalar(select(func.count()).where(Invoice.settled_on > Invoice.due_on))
    assert late == 877
    books_agree()
