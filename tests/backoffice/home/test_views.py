"""Today, and the search over everything."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from backoffice.listing import Ask
from backoffice.payments import queries as payments
from payments.models import Means
from payments.receipts.service import record_receipt
from shared.debtors.models import Debtor
from shared.debtors.service import DebtorDraft, add_debtor
from shared.kit import clock
from shared.kit.db import reading, transaction
from tests.support.people import SYSTEM


def test_today_shows_what_is_open_and_late(ines, world):
    page = ines.get("/").text

    assert "€200.00" in page
    assert "€120.00" in page
    assert "Nothing waits for you" in page


def test_credit_that_could_settle_something_waits_for_a_person(ines, world):
    with transaction() as session:
        session.get_one(Debtor, world.dora).credit_minor = 3_000

    page = ines.get("/").text

    assert "Credit to put to use" in page
    assert "€30.00" in page


@pytest.mark.parametrize(
    "text", ["411DORA", "411dora", "dora durand", "F-2026-001", "f-2026-002", "411dora@client.example"]
)
def test_the_one_thing_meant_is_opened_at_once(ines, world, text):
    answer = ines.get("/search", query_string={"q": text})

    assert answer.status_code == 303


@pytest.mark.parametrize("text", ["", "nobody", "X-1", "411OCTAVE", "%", "_", "\\", "'", "a" * 500])
def test_what_is_not_there_or_not_ours_is_not_found(ines, world, text):
    answer = ines.get("/search", query_string={"q": text})

    assert answer.status_code == 200
    assert "Octave" not in answer.text


ABROAD = ["Cœur", "Élan Groß", "İstanbul"]


@pytest.fixture
def abroad(world):
    """Three debtors as their countries write them, each with a receipt, in the wrong order."""
    with transaction() as session:
        for name in reversed(ABROAD):
            draft = DebtorDraft(account_code=f"X{len(name)}", name=name)
            debtor = add_debtor(session, company_id=world.company, draft=draft, by=SYSTEM)
            record_receipt(
                session,
                debtor=debtor,
                means=Means.CHEQUE,
                minor=1_000,
                received_on=clock.today(),
                memo="",
                parts=[],
                attempt=name,
                by=SYSTEM,
            )


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("coeur", "Cœur"), ("CŒUR", "Cœur"), ("elan gross", "Élan Groß"), ("ÉLAN GROSS", "Élan Groß"), ("groß", "Élan Groß"),
        ("istanbul", "İstanbul"), ("İSTANBUL", "İstanbul"),
    ],
)  # fmt: skip
def test_a_name_is_found_everywhere_however_it_is_typed(ines, world, abroad, typed, found):
    with reading() as session:
        ask = Ask("/payments", values={"q": typed})
        listed = payments.browse(session, world.company, ask, zone="Europe/Paris").rows
        named = session.scalar(select(Debtor.id).where(Debtor.name == found))

    assert ines.get("/search", query_string={"q": typed}).headers["Location"].endswith(f"/debtors/{named}")
    assert [row.debtor_name for row in listed] == [found]


def test_several_hits_are_listed_by_kind(ines, world):
    page = ines.get("/search?q=F-2026-00").text

    assert "F-2026-001" in page
    assert "F-2026-002" in page


def test_what_was_recorded_late_counts_on_the_day_it_was_received(world, frozen):
    """A cheque of 50 days ago and one of today, both recorded today: thirty days know one, twelve weeks know both."""
    from backoffice.home.queries import _received

    with transaction() as session:
        debtor = session.get_one(Debtor, world.dora)
        for attempt, minor, days in (("a", 3_000, 50), ("b", 2_000, 0)):
            record_receipt(
                session,
                debtor=debtor,
                means=Means.CHEQUE,
                minor=minor,
                received_on=clock.today() - timedelta(days=days),
                memo="",
                parts=[],
                attempt=attempt,
                by=SYSTEM,
            )
    with reading() as session:
        by_week, recent = _received(session, world.company, clock.today(), "Europe/Paris")

    assert recent == 2_000
    assert sum(by_week) == 5_000
    assert (by_week[-1], by_week[-8]) == (2_000, 3_000)
