"""Steps are numbered from one, signed, and never taken twice."""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

import wsgi
from shared.kit import steps
from shared.kit.db import reading, transaction
from shared.ledger.rules import Part
from shared.promises import service
from shared.promises.models import PromiseTransition
from shared.promises.rules import PromiseState
from shared.promises.service import PromiseDraft
from tests.support.people import SYSTEM, a_company, a_debtor, an_invoice


@pytest.fixture
def promise_id(database, settings, frozen) -> uuid.UUID:
    """A promise, whose first step is taken."""
    wsgi.import_jobs()
    with transaction() as session:
        debtor = a_debtor(session, a_company(session))
        draft = PromiseDraft("form", [Part(an_invoice(session, debtor, "F-1", 10_000).id, 10_000)], frozen.now().date())
        return service.give(session, debtor_id=debtor.id, draft=draft, by=SYSTEM).id


def step_of(promise_id: uuid.UUID) -> PromiseTransition:
    return PromiseTransition(promise_id=promise_id, before=PromiseState.EXPECTED, after=PromiseState.BROKEN)


def test_each_step_has_the_next_number_and_says_who_took_it(promise_id: uuid.UUID, frozen) -> None:
    mine = PromiseTransition.promise_id == promise_id
    with transaction() as session:
        taken = [steps.take(session, step_of(promise_id), mine, by=SYSTEM, cause="late") for _ in range(2)]
        none = steps.last(session, PromiseTransition, PromiseTransition.promise_id == uuid.uuid4())
    with reading() as session:
        last = session.scalars(select(PromiseTransition).where(mine, PromiseTransition.step == 3)).one()

    assert (taken, none) == ([2, 3], 0)
    assert (last.at, last.actor_kind, last.actor_name, last.cause) == (frozen.now(), "system", SYSTEM.name, "late")


def test_the_database_refuses_a_step_taken_twice(promise_id: uuid.UUID) -> None:
    twin = step_of(promise_id)
    twin.step, twin.actor_kind, twin.actor_name, twin.cause = 1, "system", "twin", ""
    with reading() as session:
        twin.at = session.scalars(select(PromiseTransition.at)).one()
    with pytest.raises(IntegrityError, match="uq_promise_transition"), transaction() as session:
        session.add(twin)
