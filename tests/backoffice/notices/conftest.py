"""Staff with different wishes, and events that somebody publishes."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import pytest
from sqlalchemy import select

from backoffice.access import service as access
from backoffice.access.permissions import Role
from backoffice.notices import service
from backoffice.notices.models import Delivery, NoticeGroup, Scope, StaffNotice
from backoffice.notices.rules import Wish
from shared.kit import audit, outbox
from shared.kit.actors import Actor
from shared.kit.db import reading, transaction
from shared.kit.ids import new_id
from shared.kit.outbox.relay import perform_due
from shared.kit.settings import Settings, use_settings
from shared.messages.models import Message
from tests.backoffice.conftest import World
from tests.support.mailbox import open_mailbox
from tests.support.people import SYSTEM


@pytest.fixture
def mail(settings: Settings):
    with open_mailbox() as mailbox:
        use_settings(settings.model_copy(update={"smtp_url": mailbox.url, "mail_sender": "G <g@guichet.example>"}))
        yield mailbox
        use_settings(settings)


@dataclass
class Office:
    """People by first name, and what happens to Dora."""

    world: World
    people: dict[str, uuid.UUID]

    def add(self, name: str, role: Role = Role.AGENT, language: str = "en") -> uuid.UUID:
        with transaction() as session:
            self.people[name] = access.add_member(
                session,
                email=f"{name}@guichet.example",
                name=name,
                role=role,
                password_hash="x",
                language=language,
                by=SYSTEM,
            ).id
        return self.people[name]

    def wish(
        self, name: str, delivery: Delivery, scope: Scope = Scope.ALL, group: NoticeGroup = NoticeGroup.DISPUTES
    ) -> None:
        with transaction() as session:
            service.choose(session, self.people[name], group=group, wish=Wish(delivery, scope))

    def happen(
        self,
        topic: str,
        *,
        by: str = "contact",
        to: str | None = None,
        doer: str | None = None,
        subject: uuid.UUID | None = None,
    ) -> uuid.UUID:
        """Publish an event as its room does, and do what is due."""
        identity = subject or new_id()
        with transaction() as session:
            if doer:
                audit.record(
                    session,
                    Actor.staff(self.people[doer], doer),
                    topic,
                    subject_type=topic.partition(".")[0],
                    subject_id=identity,
                )
            payload = {
                "company": str(self.world.company),
                "debtor": str(self.world.dora),
                "id": str(identity),
                "by": by,
                "staff": str(self.people[to]) if to else None,
            }
            outbox.publish(session, topic, payload)
        perform_due()
        return identity

    def notices(self) -> list[tuple[str, str]]:
        """Who was to hear of what, in order."""
        names = {identity: name for name, identity in self.people.items()}
        with reading() as session:
            return [(names[row.member_id], row.topic) for row in session.scalars(select(StaffNotice).order_by("id"))]

    def mails(self) -> list[Message]:
        with reading() as session:
            return list(session.scalars(select(Message).order_by(Message.id)))


@pytest.fixture
def office(desk, world: World) -> Office:
    """Anna and Bruno work with debtors, Aude audits."""
    office = Office(world, {})
    office.add("anna")
    office.add("bruno")
    office.add("aude", Role.AUDITOR)
    return office
