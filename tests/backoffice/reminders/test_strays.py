"""What a run writes has no foreign keys: the run itself asks whether all of it points at something."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text, update

import wsgi
from backoffice.debtors.merge import merge
from backoffice.reminders import queries
from backoffice.reminders import run as reminders
from backoffice.reminders.models import Reminder, ReminderInvoice, ReminderRun, RunStatus
from backoffice.reminders.scenarios.queries import policies
from shared.company.models import Company
from shared.debtors.models import Debtor
from shared.kit import clock
from shared.kit.actors import Actor
from shared.kit.bulk import copy_rows
from shared.kit.db import transaction
from shared.kit.ids import new_id
from tests.support.people import a_company, a_debtor, an_invoice


@pytest.fixture
def company(database, frozen, settings):
    wsgi.import_jobs()
    with transaction() as session:
        company = a_company(session)
        for number in range(3):
            debtor = a_debtor(session, company, f"411R{number}", f"R{number}")
            for late in (3, 4):
                an_invoice(session, debtor, f"F-{number}-{late}", 12_000, due_in=-late)
        return company.id


def _run_row(session) -> ReminderRun:
    return session.scalars(select(ReminderRun)).one()


def test_everything_that_a_run_writes_points_at_what_exists(company):
    assert reminders.run(company).reminded_count == 3

    with transaction() as session:
        assert queries.count_strays(session, _run_row(session).id) == 0
        assert session.scalar(select(text("count(*)")).select_from(ReminderInvoice)) == 6
        missing = session.scalar(
            text("""
                SELECT count(*) FROM reminder_invoice ri
                LEFT JOIN reminder r ON r.id = ri.reminder_id LEFT JOIN reminder_run run ON run.id = r.run_id
                WHERE run.id IS NULL
            """)
        )
    assert missing == 0


@pytest.mark.parametrize(
    ("model", "column"), [(Reminder, "debtor_id"), (Reminder, "step_id"), (ReminderInvoice, "invoice_id")]
)
def test_a_line_that_points_at_nothing_is_counted(company, model, column):
    reminders.run(company)
    with transaction() as session:
        first = session.scalars(select(model.id).order_by(model.id).limit(1)).one()
        session.execute(update(model).where(model.id == first).values({column: new_id()}))

        assert queries.count_strays(session, _run_row(session).id) >= 1


def test_an_invoice_of_somebody_else_is_counted(company):
    reminders.run(company)
    with transaction() as session:
        other = a_debtor(session, session.get_one(Company, company), "411OTHER", "Other")
        foreign = an_invoice(session, other, "F-9", 5_000, due_in=-3)
        session.scalars(select(ReminderInvoice).limit(1)).one().invoice_id = foreign.id
        session.flush()

        assert queries.count_strays(session, _run_row(session).id) == 1


def test_a_run_ends_when_accounts_go_into_others_between_two_of_its_pages(company, monkeypatch):
    monkeypatch.setattr(reminders, "PAGE", 1)
    with transaction() as session:
        reminders.ensure_default(session, company)
        found = policies(session, company)
        first, second, third = session.scalars(select(Debtor.id).order_by(Debtor.id)).all()
    day = clock.today("Europe/Paris")
    run_id = reminders._open(company, day, found)
    assert reminders._decide_page(run_id, found, day)
    for old, into in ((first, second), (second, third)):
        with transaction() as session:
            merge(session, old_id=old, into_id=into, by=Actor.system("test"))

    reminders.run(company)

    with transaction() as session:
        assert _run_row(session).status is RunStatus.DONE
        assert queries.count_strays(session, run_id) == 0


def test_a_run_with_a_stray_line_is_not_done_and_says_so(company, monkeypatch):
    def nonsense(session, model, columns, rows):
        nobody = {"debtor_id": new_id()} if model is Reminder else {}
        copy_rows(
            session, model, columns, [[nobody.get(n, v) for n, v in zip(columns, row, strict=True)] for row in rows]
        )

    monkeypatch.setattr(reminders, "copy_rows", nonsense)
    monkeypatch.setattr(reminders, "PAGE", 1)
    with pytest.raises(RuntimeError, match="point at nothing"):
        reminders.run(company)

    with transaction() as session:
        assert _run_row(session).status is RunStatus.DECIDING
