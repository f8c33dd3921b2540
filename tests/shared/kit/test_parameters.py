"""More than a statement has parameters: 65,535, which the protocol counts in 16 bits."""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy import Engine, func, select

import wsgi
from shared.invoices.queries import rows_of
from shared.kit import clock
from shared.kit.db import reading, transaction
from shared.kit.discarded import DiscardedFile, discard
from shared.kit.errors import NotFound
from shared.kit.outbox.models import OutboxMessage
from shared.kit.outbox.write import enqueue_all
from shared.ledger.service import lock_invoices
from tests.support.people import a_company, a_debtor, an_invoice

MORE_THAN_FIT = 70_000


@pytest.fixture
def one(database: Engine, frozen: clock.FrozenClock) -> tuple[uuid.UUID, uuid.UUID]:
    """A debtor and its invoice."""
    wsgi.import_jobs()
    with transaction() as session:
        debtor = a_debtor(session, a_company(session))
        return debtor.id, an_invoice(session, debtor, "F-1", 100).id


def test_seventy_thousand_invoices_are_locked_in_one_statement(one: tuple[uuid.UUID, uuid.UUID]) -> None:
    with transaction() as session:
        found = lock_invoices(session, [uuid.uuid4() for _ in range(MORE_THAN_FIT)] + [one[1]])

        assert list(found) == [one[1]]


def test_a_choice_of_seventy_thousand_invoices_is_asked_for_in_one_statement(one: tuple[uuid.UUID, uuid.UUID]) -> None:
    strangers = [uuid.uuid4() for _ in range(MORE_THAN_FIT)]
    with reading() as session:
        assert [row.number for row in rows_of(session, one[0], [one[1]])] == ["F-1"]
        with pytest.raises(NotFound):
            rows_of(session, one[0], [*strangers, one[1]])


def test_ten_thousand_jobs_are_asked_for_at_once(one: tuple[uuid.UUID, uuid.UUID]) -> None:
    with transaction() as session:
        before = session.scalar(select(func.count()).select_from(OutboxMessage)) or 0
        asked = {f"one:{each}": {} for each in range(10_000)}
        enqueue_all(session, "messages.deliver", asked)
        enqueue_all(session, "messages.deliver", asked)

        assert session.scalar(select(func.count()).select_from(OutboxMessage)) == before + 10_000


def test_seventy_thousand_files_are_discarded_at_once(one: tuple[uuid.UUID, uuid.UUID]) -> None:
    with transaction() as session:
        discard(session, [f"{each:064}" for each in range(MORE_THAN_FIT)])

        assert session.scalar(select(func.count()).select_from(DiscardedFile)) == MORE_THAN_FIT
