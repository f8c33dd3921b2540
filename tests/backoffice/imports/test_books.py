"""What the books show beside what was paid here: neither is counted twice, and neither hides the other."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select

import wsgi
from backoffice.debtors.queries import balance
from backoffice.imports.known import is_sum_of
from backoffice.imports.models import RunState
from payments.declarations import service as declarations
from payments.declarations.jobs import expire
from payments.declarations.models import Declaration
from payments.declarations.rules import DeclarationState
from payments.declarations.service import DeclarationDraft
from payments.reconcile.verify import verify
from shared.debtors.models import Contact, Debtor, DebtorContact
from shared.debtors.service import lock_debtor
from shared.documents.queries import statement_facts
from shared.invoices.models import Invoice
from shared.kit import clock
from shared.kit.actors import Actor
from shared.kit.db import reading, transaction
from shared.kit.ids import new_id
from shared.kit.outbox import OutboxMessage
from shared.ledger import service as ledger
from shared.ledger.models import Account, Kind
from shared.ledger.rules import Part
from shared.messages.models import Message
from tests.backoffice.imports.test_run import books_agree, receive

HEADINGS = "Code client;Facture;Date;Échéance;Montant TTC;Reste dû\n"


def table(*rows: str) -> str:
    """Rows of "debtor number total open [due day]"."""
    lines = []
    for row in rows:
        debtor, number, total, rest, *due = row.split()
        lines.append(f"{debtor};{number};2026-01-05;{due[0] if due else '2026-02-04'};{total};{rest}\n")
    return HEADINGS + "".join(lines)


def hold(desk, number: str, minor: int, code: str) -> ledger.Occasion:
    with transaction() as session:
        debtor = lock_debtor(session, desk.debtor_id(code))
        invoice_id = session.scalars(select(Invoice.id).where(Invoice.number == number)).one()
        occasion = ledger.Occasion(at=clock.now(), value_on=date(2026, 1, 20), payment_id=new_id())
        ledger.hold(session, debtor, [Part(invoice_id, minor)], account=Account.GOCARDLESS, occasion=occasion)
        return occasion


def end(desk, occasion: ledger.Occasion, code: str, *, came: int) -> None:
    with transaction() as session:
        debtor = lock_debtor(session, desk.debtor_id(code))
        if came:
            ledger.post(session, debtor, account=Account.GOCARDLESS, minor=came, parts=[], occasion=occasion)
        else:
            ledger.void(session, debtor, occasion)


def go_back(desk, occasion: ledger.Occasion, code: str, minor: int) -> None:
    with transaction() as session:
        debtor = lock_debtor(session, desk.debtor_id(code))
        ledger.take_back(
            session, debtor, kind=Kind.LATE_FAILURE, account=Account.GOCARDLESS, minor=minor, occasion=occasion
        )


def test_books_that_agreed_know_what_was_paid_here_when_more_is_paid_elsewhere(desk):
    desk.take(table("C1 F1 1000,00 1000,00"))
    receive(desk, "F1", 20_000, "C1")
    desk.take(table("C1 F1 1000,00 800,00"))
    assert desk.invoice("F1").booked_minor == 20_000
    receive(desk, "F1", 30_000, "C1")

    desk.take(table("C1 F1 1000,00 700,00"))

    assert desk.invoice("F1").open_minor == 40_000
    assert desk.invoice("F1").booked_minor == 20_000
    books_agree()


def test_a_debit_of_what_the_books_had_settled_goes_back_and_leaves_no_credit_out_of_nothing(desk):
    desk.take(table("C1 F1 120,00 120,00"))
    debit = hold(desk, "F1", 12_000, "C1")
    desk.take(table("C1 F1 120,00 0,00"))
    end(desk, debit, "C1", came=12_000)
    assert desk.debtors() == {"C1": (0, 12_000)}  # paid twice: here and elsewhere

    go_back(desk, debit, "C1", 12_000)

    assert (desk.invoices(), desk.debtors()) == ({"F1": (12_000, 0)}, {"C1": (0, 0)})
    desk.take(table("C1 F1 120,00 0,00"))
    assert (desk.invoices(), desk.debtors()) == ({"F1": (12_000, 0)}, {"C1": (0, 0)})
    assert {one.check for one in verify().differences} == {
        "movement without its payment"
    }  # it is the ledger's alone here


def test_what_such_credit_had_settled_is_owed_again_when_its_debit_goes_back(desk):
    desk.take(table("C1 F1 120,00 120,00", "C1 F2 120,00 120,00"))
    debit = hold(desk, "F1", 12_000, "C1")
    desk.take(table("C1 F1 120,00 0,00", "C1 F2 120,00 120,00"))
    end(desk, debit, "C1", came=12_000)
    with transaction() as session:
        debtor = lock_debtor(session, desk.debtor_id("C1"))
        second = session.scalars(select(Invoice.id).where(Invoice.number == "F2")).one()
        when = ledger.Occasion(at=clock.now(), value_on=date(2026, 1, 21))
        ledger.apply_credit(session, debtor, [Part(second, 12_000)], when)

    go_back(desk, debit, "C1", 12_000)
    desk.take(table("C1 F1 120,00 0,00", "C1 F2 120,00 120,00"))

    assert desk.invoices() == {"F1": (12_000, 0), "F2": (12_000, 12_000)}
    assert desk.debtors() == {"C1": (12_000, 0)}
    assert {one.check for one in verify().differences} == {
        "movement without its payment"
    }  # it is the ledger's alone here


def test_two_hundred_paid_here_and_a_hundred_in_the_books_leave_two_hundred_of_five(desk):
    desk.take(table("C1 F1 500,00 500,00"))
    receive(desk, "F1", 20_000, "C1")

    desk.take(table("C1 F1 500,00 400,00"))
    assert desk.invoices() == {"F1": (50_000, 20_000)}

    desk.take(table("C1 F1 500,00 200,00"))  # the books have caught up with the two hundred
    assert desk.invoices() == {"F1": (50_000, 20_000)}
    assert desk.debtors() == {"C1": (20_000, 0)}

    desk.take(table("C1 F1 500,00 0,00"))
    assert desk.invoices() == {"F1": (50_000, 0)}


def test_books_that_book_one_of_two_payments_have_caught_up_with_that_one(desk):
    desk.take(table("C1 F1 500,00 500,00"))
    receive(desk, "F1", 20_000, "C1")
    receive(desk, "F1", 10_000, "C1")

    desk.take(table("C1 F1 500,00 400,00"))
    assert desk.invoices() == {"F1": (50_000, 20_000)}

    desk.take(table("C1 F1 500,00 200,00"))
    desk.take(table("C1 F1 500,00 150,00"))

    assert desk.invoices() == {"F1": (50_000, 15_000)}


def test_paid_here_and_still_open_in_five_files_is_not_reopened(desk):
    desk.take(table("C1 F1 100,00 100,00"))
    receive(desk, "F1", 10_000, "C1")
    for _ in range(5):
        desk.take(table("C1 F1 100,00 100,00"))
    assert desk.invoices() == {"F1": (10_000, 0)}

    desk.take(table("C1 F1 100,00 0,00"))

    assert desk.debtors() == {"C1": (0, 0)}


@pytest.mark.parametrize(("came", "credit"), [(0, 0), (12_000, 12_000)])
def test_a_debit_over_what_the_books_settled_meanwhile_is_never_money_lost(desk, came, credit):
    """240 were paid for 120: one half must be credit when the debit comes in, and nothing when it is taken back."""
    desk.take(table("C1 F1 120,00 120,00"))
    debit = hold(desk, "F1", 12_000, "C1")

    outcome = desk.take(table("C1 F1 120,00 0,00"))

    assert outcome.state is RunState.DONE
    assert [w.code for w in outcome.warnings] == ["invoice.held"]
    assert desk.invoice("F1").elsewhere_minor == 12_000
    desk.take(table("C1 F1 120,00 0,00"))  # once more: it is not counted again
    assert desk.invoice("F1").elsewhere_minor == 12_000

    end(desk, debit, "C1", came=came)

    assert desk.debtors() == {"C1": (0, credit)}
    assert desk.invoice("F1").elsewhere_minor == 0
    with reading() as session:
        assert session.scalars(select(Debtor.held_minor)).one() == 0


def test_a_lower_total_under_a_debit_lets_the_file_in_and_the_surplus_becomes_credit(desk):
    desk.take(table("C1 F1 120,00 120,00"))
    debit = hold(desk, "F1", 12_000, "C1")

    outcome = desk.take(table("C1 F1 100,00 100,00", "C2 F2 7,00 7,00"))

    assert outcome.state is RunState.DONE
    assert desk.debtors()["C2"] == (700, 0)
    end(desk, debit, "C1", came=12_000)
    assert desk.debtors()["C1"] == (0, 2_000)


def test_payments_hear_of_what_an_import_lowered_or_moved(desk, monkeypatch):
    heard: list[tuple[str, dict[str, str]]] = []
    monkeypatch.setattr("shared.kit.outbox.publish", lambda _s, topic, payload, **_o: heard.append((topic, payload)))
    desk.take(table("C1 F1 120,00 120,00", "C1 F2 10,00 10,00", "C2 F3 10,00 10,00"))
    with transaction() as session:
        session.scalars(select(Debtor).where(Debtor.account_code == "C1")).one().autopay = True

    desk.take(table("C1 F1 120,00 20,00", "C1 F2 10,00 10,00 2026-03-01", "C2 F3 10,00 0,00"))

    assert heard == [
        ("invoice.lowered", {"invoice": str(desk.invoice("F1").id), "debtor": str(desk.debtor_id("C1"))}),
        (
            "invoice.due_moved",
            {
                "invoice": str(desk.invoice("F2").id),
                "debtor": str(desk.debtor_id("C1")),
                "before": "2026-02-04",
                "after": "2026-03-01",
            },
        ),
    ]


def test_a_payment_goes_back_after_the_books_lowered_the_total_of_what_it_had_paid(desk):
    """The invoice would have been open for more than its total: the database refused it, and the return was never booked."""
    desk.take(table("C1 F1 430,38 430,38", "C1 F2 100,00 100,00"))
    debit = hold(desk, "F1", 43_038, "C1")
    end(desk, debit, "C1", came=43_038)
    desk.take(table("C1 F1 286,92 286,92", "C1 F2 100,00 100,00"))
    assert desk.debtors() == {"C1": (10_000, 14_346)}
    with transaction() as session:  # the surplus has settled something in the meantime
        debtor, day = lock_debtor(session, desk.debtor_id("C1")), date(2026, 1, 22)
        occasion = ledger.Occasion(at=clock.now(), value_on=day)
        ledger.apply_credit(session, debtor, [Part(desk.invoice("F2").id, 4_000)], occasion)

    with transaction() as session:
        debtor = lock_debtor(session, desk.debtor_id("C1"))
        late = {"kind": Kind.LATE_FAILURE, "account": Account.GOCARDLESS, "minor": 43_038, "may_lose": True}
        opened = ledger.take_back(session, debtor, occasion=debit, **late)

    assert desk.invoice("F1").open_minor == 28_692
    assert desk.invoice("F2").open_minor == 10_000
    assert desk.debtors() == {"C1": (38_692, 0)}
    assert {(part.invoice_id, part.minor) for part in opened} == {
        (desk.invoice("F1").id, 28_692),
        (desk.invoice("F2").id, 4_000),
    }


def test_debits_are_looked_at_again_when_a_file_brings_credit(desk):
    """A credit note and a payment in a file told nobody: a debit that they cover was found by the look of every ten minutes."""
    wsgi.import_jobs()
    desk.take(table("C1 F1 120,00 120,00", "C2 F2 50,00 50,00", "C3 F3 50,00 50,00", "C4 F4 50,00 50,00"))
    for number, code in (("F1", "C1"), ("F2", "C2"), ("F4", "C4")):
        hold(desk, number, 5_000, code)

    note = "{};{};2026-01-06;2026-01-06;-30,00;-30,00\n".format
    desk.take(table("C4 F4 50,00 50,00") + note("C1", "AV1") + note("C2", "AV2") + note("C3", "AV3"))

    with reading() as session:
        topic = OutboxMessage.topic == "debtor.owes_otherwise"
        told = {row.payload["debtor"] for row in session.scalars(select(OutboxMessage).where(topic))}
    assert told == {str(desk.debtor_id("C1")), str(desk.debtor_id("C2"))}, (
        "who has no debit, or no credit, is left in peace"
    )


def test_sums_of_payments():
    assert is_sum_of(300, [100, 200])
    assert not is_sum_of(150, [100, 200])
    assert is_sum_of(7, [7, *range(100, 140)])
    assert not is_sum_of(201, list(range(100, 140)))


def test_a_payment_in_a_table_that_settles_nothing_yet_is_credit_once(desk):
    content = (
        "Customer;Transaction type;Num;Date;Amount;Open balance\nAlpha;Invoice;F1;2026-01-05;100.00;100.00\n"
        "Alpha;Payment;;2026-01-06;-30.00;-30.00\nBeta;Payment;P2;2026-01-06;-8.00;-8.00\n"
    )

    outcome = desk.take(content)

    assert outcome.state is RunState.DONE, outcome.faults
    assert desk.debtors() == {"Alpha": (10_000, 3_000), "Beta": (0, 800)}
    desk.take(content)
    assert desk.debtors() == {"Alpha": (10_000, 3_000), "Beta": (0, 800)}

    desk.take(content.replace("-30.00;-30.00", "-30.00;-10.00").replace("100.00;100.00", "100.00;80.00"))
    assert desk.debtors() == {"Alpha": (8_000, 1_000), "Beta": (0, 800)}
    books_agree()


def test_history_without_a_payment_day_is_not_paid_on_the_day_of_its_invoice(desk):
    desk.take(table("C1 F1 100,00 0,00", "C1 F2 50,00 50,00"))

    assert desk.invoice("F1").settled_on is None
    with reading() as session:
        debtor = session.scalars(select(Debtor)).one()
        assert balance(session, debtor, date(2026, 3, 1)).pays_after_days is None
        facts, _parties = statement_facts(
            session, debtor.id, since=date(2026, 1, 1), until=date(2026, 3, 1), today=date(2026, 3, 1), language="en"
        )
    assert [(row.label, row.reference) for row in facts.movements if row.credit] == [
        ("Settlement in our accounts, day not known", "F1")
    ]
    assert facts.closing.minor == 5_000
    assert verify(with_providers=False).differences == []


def test_a_declared_transfer_that_the_books_show_is_settled_by_them_and_nothing_false_is_said(desk):
    wsgi.import_jobs()
    desk.take(table("C1 F1 120,00 120,00"))
    one, debtor_id = desk.invoice("F1").id, desk.debtor_id("C1")
    draft = DeclarationDraft("form", 12_000, clock.today(), [Part(one, 12_000)])
    with transaction() as session:
        contact = Contact(
            id=new_id(),
            company_id=desk.company.id,
            email="dora@client.example",
            name="Dora",
            language="en",
            created_at=clock.now(),
        )
        session.add(contact)
        session.flush()
        session.add(DebtorContact(debtor_id=debtor_id, contact_id=contact.id, created_at=clock.now()))
        declared = declarations.declare(session, debtor_id=debtor_id, draft=draft, by=Actor.system("test")).id

    desk.take(table("C1 F1 120,00 0,00"))
    for _ in range(2):
        expire({})

    with reading() as session:
        assert session.get_one(Declaration, declared).state is DeclarationState.MATCHED
        texts = session.scalars(select(Message.text_body).where(Message.kind.startswith("declaration"))).all()
    assert len(texts) == 1
    assert "Nothing of it is open any more" in texts[0]
    assert verify(with_providers=False).differences == []
