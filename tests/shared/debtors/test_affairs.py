"""What is between a company and a debtor: locked after him, recorded under its own name, told of with whose it is."""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy import select

import wsgi
from shared.debtors import affairs
from shared.kit.actors import Actor
from shared.kit.audit import AuditLine
from shared.kit.db import reading, transaction
from shared.kit.errors import NotFound
from shared.kit.outbox import OutboxMessage
from shared.ledger.rules import Part
from shared.promises import service
from shared.promises.models import Promise
from shared.promises.service import PromiseDraft
from tests.support.people import SYSTEM, a_company, a_debtor, an_invoice

CLARA = Actor.staff(uuid.UUID(int=3), "Clara")


@pytest.fixture
def promise(database, settings, frozen) -> Promise:
    wsgi.import_jobs()
    with transaction() as session:
        debtor = a_debtor(session, a_company(session))
        draft = PromiseDraft("form", [Part(an_invoice(session, debtor, "F-1", 10_000).id, 10_000)], frozen.now().date())
        return service.give(session, debtor_id=debtor.id, draft=draft, by=SYSTEM)


def test_an_affair_that_is_not_there_is_refused_in_the_words_of_its_room(database) -> None:
    with transaction() as session:
        with pytest.raises(NotFound, match="no such promise"):
            affairs.lock(session, Promise, uuid.uuid4(), NotFound("promise.missing", "There is no such promise."))
        with pytest.raises(NotFound, match="no promise"):
            affairs.lock(session, Promise, uuid.uuid4())


def test_an_audit_line_says_what_it_is_about_and_whose_it_is(promise: Promise) -> None:
    with transaction() as session:
        affairs.record(session, promise, action="promise.assigned", by=CLARA, after={"assigned": "Clara"})
    with reading() as session:
        line = session.scalars(select(AuditLine).order_by(AuditLine.id.desc()).limit(1)).one()

    assert (line.subject_type, line.subject_id, line.debtor_id) == ("promise", promise.id, promise.debtor_id)
    assert (line.before, line.after, line.actor_name) == (None, {"assigned": "Clara"}, "Clara")


def test_news_say_whose_it_is_who_did_it_and_who_looks_after_it(promise: Promise) -> None:
    with transaction() as session:
        affairs.publish(session, promise, "promise.made", by=CLARA, staff=CLARA.id, dedupe_key="told")
        affairs.publish(session, promise, "promise.made", by=CLARA, staff=CLARA.id, dedupe_key="told")
    with reading() as session:
        told = session.scalars(select(OutboxMessage).where(OutboxMessage.dedupe_key.contains("told"))).all()

    assert told
    assert len({message.job for message in told}) == len(told)
    assert told[0].payload == {
        "company": str(promise.company_id),
        "debtor": str(promise.debtor_id),
        "id": str(promise.id),
        "by": "staff",
        "staff": str(CLARA.id),
        "doer": told[0].payload["doer"],
    }
    assert told[0].payload["doer"] is not None
