"""Many debits at the pace that the provider takes: within its minute, and none of them lost when it asks us to slow down."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
from sqlalchemy import select

import wsgi
from payments.collections import pace
from payments.collections.run import run
from payments.models import Mandate
from payments.reconcile.verify import verify
from payments.status import PaymentStatus
from shared.company.models import Company
from shared.debtors.models import Debtor
from shared.kit import db
from shared.kit.db import reading, transaction
from tests.support.people import an_invoice

MANY = 12


@pytest.fixture
def due(counter):
    """Twelve debits of one account that are to be made today."""
    wsgi.import_jobs()
    counter.open_account(amounts=())
    counter.give_mandate()
    with transaction() as session:
        debtor = session.get_one(Debtor, counter.debtor_id)
        debtor.autopay = True
        for number in range(MANY):
            an_invoice(session, debtor, f"F-{number}", 1_000 + number, due_in=14)
    counter.deliver()
    run_today()
    counter.deliver()
    counter.days(8)
    return counter


@pytest.fixture
def slept(due, monkeypatch):
    """How long was waited: the clock is moved on instead."""
    waits = []

    def sleep(seconds):
        waits.append(seconds)
        due.twins.advance(seconds=math.ceil(seconds) + 1)

    monkeypatch.setattr(pace, "time", SimpleNamespace(sleep=sleep))
    return waits


def run_today():
    with reading() as session:
        company_id = session.scalars(select(Company.id)).one()
    return run(company_id)


def made(counter):
    return [one.status for one in counter.payments()]


def test_a_run_waits_for_the_next_minute_once_and_is_never_refused(due, slept):
    due.twins.limit(45)

    report = run_today()

    assert report.is_whole
    assert made(due) == [PaymentStatus.SUBMITTED] * MANY
    assert due.twins.refused() == 0
    assert len(slept) == 1
    assert 0 < slept[0] <= 60
    assert verify().differences == []


def test_a_provider_that_asks_us_to_slow_down_does_not_end_the_run(due, slept):
    due.twins.fault("status", provider="gocardless", match="GET /mandates", status=429, times=2)

    report = run_today()

    assert report.is_whole
    assert made(due) == [PaymentStatus.SUBMITTED] * MANY
    assert 1 <= len(slept) <= 2
    assert verify().differences == []


def test_without_a_limit_nobody_waits(due, slept):
    assert run_today().is_whole
    assert made(due) == [PaymentStatus.SUBMITTED] * MANY
    assert slept == []


def test_a_silent_debit_whose_decision_cannot_be_kept_ends_the_row_of_no_other(counter, monkeypatch):
    """The provider does not answer about one, and its debtor's row is held by a long import: the others are made."""
    wsgi.import_jobs()
    debtors, references = [], []
    for code in ("411A", "411B"):
        counter.open_account(amounts=(), code=code)
        mandate = counter.give_mandate()
        with transaction() as session:
            debtor = session.get_one(Debtor, counter.debtor_id)
            debtor.autopay = True
            an_invoice(session, debtor, code, 5_000, due_in=14)
            references.append(session.get_one(Mandate, mandate).provider_reference)
        debtors.append(counter.debtor_id)
    counter.deliver()
    run_today()
    counter.deliver()
    counter.days(8)
    match = f"GET /mandates/{references[0]}"
    counter.twins.fault("status", provider="gocardless", match=match, status=500, times=0)
    monkeypatch.setattr(db, "LOCK_TIMEOUT_MS", 50)
    patient, impatient = db.get_engine(), db.make_engine(db.get_engine().url)

    with patient.begin() as long_import:
        long_import.execute(select(Debtor.id).where(Debtor.id == debtors[0]).with_for_update())
        db.use_engine(impatient)
        try:
            run_today()
        finally:
            db.use_engine(patient)
            impatient.dispose()

    assert [one.debtor_id for one in counter.payments()] == [debtors[1]]


def test_who_waited_for_another_asks_again_before_waiting_himself():
    row, is_alone = pace._Row(), []

    def wait_s():
        is_alone.append(row._resting.locked())
        return 0.0

    row.rest(wait_s)

    assert is_alone == [True]
