"""Two accounts made one: money, history, people and links move; nothing is doubled, nothing is lost, and `verify` is 0."""

from __future__ import annotations

from dataclasses import fields
from datetime import date, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from backoffice.debtors.merge import look, merge
from backoffice.imports.models import ImportPosition
from backoffice.reminders.models import Reminder, ReminderStatus
from backoffice.reminders.queries import facts_page
from backoffice.reminders.scenarios import service as scenarios
from backoffice.reminders.scenarios.service import FIRST_LADDER, Wanted
from payments.models import Means
from payments.receipts.service import record_receipt
from payments.reconcile.verify import verify
from shared.access.models import LinkPurpose, MagicLink
from shared.access.service import make_link
from shared.debtors.models import Debtor, DebtorAlias, DebtorContact
from shared.debtors.service import DebtorDetails, add_contact, change_debtor, lock_debtor
from shared.invoices.models import Invoice
from shared.kit import clock
from shared.kit.actors import Actor
from shared.kit.audit import AuditLine
from shared.kit.db import reading, transaction
from shared.kit.errors import Conflict
from shared.kit.ids import new_id
from shared.ledger import service as ledger
from shared.ledger.models import Account, Transfer
from shared.ledger.rules import Part
from shared.messages.models import Message
from tests.backoffice.imports.conftest import Desk
from tests.backoffice.imports.test_books import hold, table
from tests.support.people import a_company

BY = Actor.system("test")


@pytest.fixture
def desk(database, settings, frozen) -> Desk:
    with transaction() as session:
        company = a_company(session)
    return Desk(company)


def make_one(desk: Desk, old: str, into: str) -> None:
    with transaction() as session:
        merge(session, old_id=desk.debtor_id(old), into_id=desk.debtor_id(into), by=BY)


def receive(desk: Desk, number: str, minor: int, code: str, extra: int = 0) -> None:
    with transaction() as session:
        debtor = lock_debtor(session, desk.debtor_id(code))
        invoice = session.scalars(select(Invoice).where(Invoice.number == number)).one()
        when = ledger.Occasion(at=clock.now(), value_on=clock.today("Europe/Paris"))
        parts = [Part(invoice.id, minor)]
        ledger.settle_directly(session, debtor, account=Account.BANK, minor=minor + extra, parts=parts, occasion=when)


def test_an_account_goes_into_another_with_its_money_its_people_and_its_code(desk):
    desk.take(table("C1 F1 100,00 100,00", "C-1 F2 50,00 50,00", "C-1 F3 20,00 5,00"))
    receive(desk, "F2", 3_000, "C-1")
    receive(desk, "F3", 500, "C-1", extra=700)
    old, into = desk.debtor_id("C-1"), desk.debtor_id("C1")
    with transaction() as session:
        for debtor_id in (old, into):
            debtor = lock_debtor(session, debtor_id)
            add_contact(session, debtor=debtor, email="both@alpha.example", by=BY)
        add_contact(session, debtor=lock_debtor(session, old), email="old@alpha.example", by=BY)

    make_one(desk, "C-1", "C1")

    assert desk.debtors() == {"C1": (12_000, 700), "C-1": (0, 0)}
    assert not verify(with_providers=False).differences
    with reading() as session:
        assert {row.debtor_id for row in session.scalars(select(Invoice))} == {into}
        assert {row.debtor_id for row in session.scalars(select(Transfer))} == {into}
        assert session.get_one(Debtor, old).merged_into_id == into
        live = session.scalars(select(DebtorContact).where(DebtorContact.removed_at.is_(None))).all()
        assert [row.debtor_id for row in live] == [into, into]
        assert session.scalars(select(DebtorAlias.code)).all() == ["C-1"]
        lines = session.scalars(select(AuditLine).where(AuditLine.action == "debtor.merged")).all()
        assert {line.debtor_id for line in lines} == {old, into}

    desk.take(table("C-1 F2 50,00 0,00", "C1 F1 100,00 40,00"))  # the old code leads on
    assert desk.debtors() == {"C1": (4_000, 700), "C-1": (0, 0)}
    assert not verify(with_providers=False).differences


def test_an_invoice_that_both_have_is_owed_once(desk):
    desk.take(table("C1 F1 100,00 100,00", "C-1 F1 100,00 100,00"))

    with reading() as session:
        found = look(
            session, session.get_one(Debtor, desk.debtor_id("C-1")), session.get_one(Debtor, desk.debtor_id("C1"))
        )
    assert (found.doubles, found.obstacle) == (("F1",), "")
    make_one(desk, "C-1", "C1")

    assert desk.debtors() == {"C1": (10_000, 0), "C-1": (0, 0)}
    assert desk.invoices() == {"F1": (10_000, 10_000), "F1 (C-1)": (10_000, 0)}
    assert not verify(with_providers=False).differences


def test_what_is_not_the_same_document_or_under_way_stops_the_merge(desk):
    desk.take(table("C1 F1 100,00 100,00", "C-1 F1 90,00 90,00", "C2 F9 10,00 10,00"))
    hold(desk, "F9", 1_000, "C2")

    with pytest.raises(Conflict, match="F1"):
        make_one(desk, "C-1", "C1")
    with pytest.raises(Conflict, match="C2"):
        make_one(desk, "C2", "C1")
    with pytest.raises(Conflict):
        make_one(desk, "C1", "C1")
    assert desk.debtors() == {"C1": (10_000, 0), "C-1": (9_000, 0), "C2": (1_000, 0)}


def test_links_that_were_sent_lead_to_the_account_that_stays(desk):
    desk.take(table("C1 F1 100,00 100,00", "C-1 F2 50,00 50,00"))
    with transaction() as session:
        contact = add_contact(
            session, debtor=lock_debtor(session, desk.debtor_id("C-1")), email="old@alpha.example", by=BY
        )
        make_link(session, debtor_id=desk.debtor_id("C-1"), contact_id=contact.id, purpose=LinkPurpose.STAFF)

    make_one(desk, "C-1", "C1")

    with reading() as session:
        assert session.scalars(select(MagicLink.debtor_id)).all() == [desk.debtor_id("C1")]


@pytest.mark.parametrize("change", ["amount_minor = 1", "value_on = value_on + 1", "debtor_id = NULL"])
def test_nothing_else_of_a_movement_can_change_even_while_merging(desk, change):
    desk.take(table("C1 F1 100,00 100,00"))
    pair = f"{desk.debtor_id('C1')}>{desk.debtor_id('C1')}"

    naming = text("SELECT set_config('guichet.merging', :pair, true)")
    with pytest.raises(DBAPIError, match="append-only"), transaction() as session:  # noqa: PT012 - one transaction
        session.execute(naming, {"pair": pair})
        session.execute(text(f"UPDATE ledger_transfer SET {change}"))
    with pytest.raises(DBAPIError, match="append-only"), transaction() as session:
        session.execute(text("DELETE FROM ledger_transfer"))


def test_credit_that_the_books_showed_for_both_accounts_is_taken_off_when_they_use_it(desk):
    desk.take(table("C1 F1 100,00 100,00", "C-1 F2 50,00 50,00"))
    old, into = desk.debtor_id("C-1"), desk.debtor_id("C1")
    run_id = new_id()
    with transaction() as session:
        session.add_all(
            ImportPosition(debtor_id=one, credit_minor=minor, import_run_id=run_id)
            for one, minor in ((old, 700), (into, 300))
        )

    make_one(desk, "C-1", "C1")

    with reading() as session:
        kept = session.scalars(select(ImportPosition)).all()
        assert [(row.debtor_id, row.credit_minor) for row in kept] == [(into, 1_000)]


def test_a_number_that_both_codes_still_have_in_the_books_is_moved_once(desk):
    desk.take(table("C1 F1 100,00 100,00", "C-1 F1 100,00 100,00"))
    make_one(desk, "C-1", "C1")

    outcome = desk.take(table("C-1 F1 100,00 80,00", "C1 F1 100,00 60,00", "C-1 F2 50,00 50,00"))

    assert [warning.code for warning in outcome.warnings if warning.value == "F1"] == ["invoice.under_two_codes"]
    assert desk.debtors()["C1"] == (11_000, 0)
    assert not verify(with_providers=False).differences
    outcome = desk.take(table("C-1 F3 100,00 80,00", "C1 F3 10,00 10,00"))
    assert [fault.code for fault in outcome.faults] == ["invoice.two_documents"]


def test_a_pause_of_the_account_that_goes_holds_for_the_one_that_stays(desk):
    desk.take(table("C1 F1 100,00 100,00", "C-1 F2 50,00 50,00"))
    with transaction() as session:
        old = lock_debtor(session, desk.debtor_id("C-1"))
        old.reminders_paused_until, old.reminders_pause_reason = date(2030, 1, 1), "the account holder has died"

    make_one(desk, "C-1", "C1")

    with reading() as session:
        into = session.get_one(Debtor, desk.debtor_id("C1"))
        assert (into.reminders_paused_until, into.reminders_pause_reason) == (
            date(2030, 1, 1),
            "the account holder has died",
        )


def reminded(debtor_id, on):
    """An account was reminded on a day, by a step and in a run of which nothing else is asked."""
    return Reminder(
        id=new_id(),
        run_id=new_id(),
        debtor_id=debtor_id,
        step_id=new_id(),
        cycle=1,
        remind_on=on,
        status=ReminderStatus.WRITTEN,
        amount_minor=10_000,
        created_at=clock.now(),
    )


@pytest.mark.parametrize(
    ("chosen", "holds"), [({"C-1": "Soft"}, "Soft"), ({"C-1": "Soft", "C1": "Hard"}, "Hard"), ({}, "Default")]
)
def test_the_last_reminder_and_the_scenario_of_the_account_that_goes_are_not_forgotten(desk, chosen, holds):
    desk.take(table("C1 F1 100,00 100,00", "C-1 F2 50,00 50,00"))
    old, into = desk.debtor_id("C-1"), desk.debtor_id("C1")
    yesterday, before = clock.today() - timedelta(days=1), clock.today() - timedelta(days=20)
    with transaction() as session:
        company_id = session.get_one(Debtor, into).company_id
        made = {
            name: scenarios.add(session, company_id, Wanted(name, 100, 3, FIRST_LADDER), by=BY).id
            for name in ("Soft", "Hard")
        }
        made["Default"] = scenarios.ensure_default(session, company_id).id
        for code, name in chosen.items():
            scenarios.choose(session, company_id, debtor_id=desk.debtor_id(code), scenario_id=made[name], by=BY)
        session.add_all([reminded(old, yesterday), reminded(into, before)])

    with reading() as session:
        shown = look(session, session.get_one(Debtor, old), session.get_one(Debtor, into))
    assert (shown.scenario, shown.reminded_on) == (holds, yesterday)
    make_one(desk, "C-1", "C1")

    with reading() as session:
        ((debtor_id, facts),) = facts_page(session, company_id, clock.today(), after=None, limit=5)
        line = session.scalars(
            select(AuditLine).where(AuditLine.debtor_id == into, AuditLine.action == "debtor.merged")
        ).one()
    assert (debtor_id, facts.last_reminded_on) == (into, yesterday)
    assert facts.scenario_id == (made[holds] if holds != "Default" else None)
    assert (line.after["scenario"], line.after["reminded_on"]) == (holds, yesterday.isoformat())
    assert not verify(with_providers=False).differences


def test_a_receipt_for_an_account_that_went_into_another_meanwhile_is_not_recorded(desk):
    desk.take(table("C1 F1 100,00 100,00", "C-1 F2 50,00 50,00"))
    with reading() as session:
        old = session.get_one(Debtor, desk.debtor_id("C-1"))  # the page that the clerk has open
    make_one(desk, "C-1", "C1")

    with pytest.raises(Conflict, match="went into another one"), transaction() as session:
        record_receipt(
            session,
            debtor=old,
            means=Means.TRANSFER,
            minor=50_000,
            received_on=clock.today("Europe/Paris"),
            memo="",
            parts=[],
            attempt="form",
            by=BY,
        )

    assert desk.debtors() == {"C1": (15_000, 0), "C-1": (0, 0)}


def test_the_old_name_is_found_after_the_account_that_stays_was_corrected(desk):
    desk.take(table("C1 F1 100,00 100,00", "C-1 F2 50,00 50,00"))
    with transaction() as session:
        change(session, desk.debtor_id("C-1"), name="Cœur de Lyon")
    make_one(desk, "C-1", "C1")

    with transaction() as session:
        change(session, desk.debtor_id("C1"), name="Atelier du Rhône")

    with reading() as session:
        found = session.get_one(Debtor, desk.debtor_id("C1")).search_text
    assert "coeur de lyon" in found
    assert "c-1" in found
    assert "atelier du rhone" in found


def change(session, debtor_id, **facts) -> None:
    debtor = lock_debtor(session, debtor_id)
    known = {each.name: getattr(debtor, each.name) for each in fields(DebtorDetails)}
    change_debtor(session, debtor=debtor, details=DebtorDetails(**known | facts), by=BY)


@pytest.mark.parametrize(
    ("old_pays", "into_pays", "debits", "words"),
    [
        (True, False, "end", "vos factures ne sont plus prélevées automatiquement"),
        (False, True, "begin", "sont prélevées elles aussi"),
        (True, True, "", None),
        (False, False, "", None),
    ],
)
def test_what_a_merge_changes_about_automatic_debits_is_said_before_and_told_after(
    desk, old_pays, into_pays, debits, words
):
    desk.take(table("C1 F1 100,00 100,00", "C-1 F2 50,00 50,00"))
    old, into = desk.debtor_id("C-1"), desk.debtor_id("C1")
    with transaction() as session:
        for debtor_id, pays in ((old, old_pays), (into, into_pays)):
            debtor = lock_debtor(session, debtor_id)
            debtor.autopay = pays
            add_contact(session, debtor=debtor, email=f"{pays}-{debtor_id}@alpha.example", by=BY)
    with reading() as session:
        assert look(session, session.get_one(Debtor, old), session.get_one(Debtor, into)).debits == debits

    make_one(desk, "C-1", "C1")

    with reading() as session:
        assert session.get_one(Debtor, into).autopay is into_pays
        said = session.scalars(select(AuditLine.after).where(AuditLine.action == "debtor.merged")).all()
        assert {line["automatic_debits"] for line in said} == {debits}
        told = session.scalars(select(Message).where(Message.kind == "autopay_merged")).all()
    assert len(told) == (2 if words else 0)
    assert all(words in " ".join(mail.text_body.split()) for mail in told)
