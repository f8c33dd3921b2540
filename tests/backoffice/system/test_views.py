"""The machinery at the desk: replay, abandon, duties, the audit trail."""

from __future__ import annotations

import csv
import io
import re

import pytest
from sqlalchemy import select

from payments.models import Provider
from payments.webhooks.models import EventState, InboxEvent
from shared.kit import clock, outbox
from shared.kit.audit import AuditLine
from shared.kit.db import reading, transaction
from shared.kit.ids import new_id
from shared.kit.outbox.models import MessageState, OutboxMessage


@pytest.fixture
def dead(world):
    with transaction() as session:
        outbox.enqueue(session, "messages.deliver", {"message_id": str(new_id())})
        session.flush()
        message = session.scalars(select(OutboxMessage)).one()
        message.state, message.tries, message.last_error = MessageState.DEAD, 8, "Unavailable: no answer"
        return message.id


def state_of(message_id):
    with reading() as session:
        message = session.get_one(OutboxMessage, message_id)
    return message.state, message.tries


def test_a_dead_message_is_tried_again_from_its_first_try(ines, dead):
    assert "Unavailable: no answer" in ines.get(f"/system/outbox/{dead}").text

    ines.post(f"/system/outbox/{dead}/replay")

    assert state_of(dead) == (MessageState.WAITING, 0)


def test_an_abandoned_message_keeps_its_error(ines, dead):
    ines.post(f"/system/outbox/{dead}/abandon")

    assert state_of(dead) == (MessageState.DONE, 8)
    assert "Unavailable: no answer" in ines.get("/system/outbox?state=done").text
    assert ines.post(f"/system/outbox/{dead}/abandon").status_code == 409


def test_a_stuck_webhook_is_handled_again(ines):
    with transaction() as session:
        event = InboxEvent(
            id=new_id(),
            provider=Provider.STRIPE,
            event_id="evt_1",
            kind="charge.succeeded",
            subject="payment",
            raw='{"id": "evt_1"}',
            source="webhook",
            state=EventState.STUCK,
            remark="no payment of that name",
            happened_at=clock.now(),
            received_at=clock.now(),
        )
        session.add(event)

    assert "Stuck webhooks" in ines.get("/").text
    assert "no payment of that name" in ines.get("/system/webhooks?state=stuck&provider=stripe&q=evt_1").text
    ines.post(f"/system/webhooks/{event.id}/replay")

    with reading() as session:
        assert session.get_one(InboxEvent, event.id).state is EventState.WAITING
    assert "&#34;id&#34;: &#34;evt_1&#34;" in ines.get(f"/system/webhooks/{event.id}").text


def test_a_duty_can_be_asked_for(ines):
    assert ines.post("/system/duties", {"name": "reminders.knock"}).status_code == 303
    assert ines.post("/system/duties", {"name": "messages.deliver"}).status_code == 404

    with reading() as session:
        assert session.scalars(select(OutboxMessage.job)).all() == ["reminders.knock"]


def test_the_trail_is_searched_and_taken_away(ines, world):
    ines.post(f"/debtors/{world.dora}/pause", {"until": "20/3", "reason": "In talks"})

    found = ines.get(f"/system/audit?q=debtor.rem&who=staff&debtor={world.dora}&from=10/3/2026").text
    rows = list(csv.reader(io.StringIO(ines.get("/system/audit.csv?q=debtor.rem").data.decode("utf-8-sig"))))

    assert "Reminders paused" in found
    assert "In talks" in found
    assert len(rows) == 2
    assert "No act is like that" in ines.get("/system/audit?to=1/1/2020").text


def test_the_trail_of_another_company_stays_there(ines, world):
    assert str(world.foreign_debtor) not in ines.get("/system/audit").text


def test_a_file_leaves_a_line_in_the_trail(ines, world):
    ines.get("/debtors.csv?state=late")

    with reading() as session:
        line = session.scalars(select(AuditLine).where(AuditLine.action == "export.made")).one()
    assert re.search(r"debtors-.*csv", line.after["file"])
    assert line.after["asked"] == "/debtors.csv?state=late"


def test_a_webhook_that_cannot_be_read_is_a_task_until_it_is_put_away(ines):
    with transaction() as session:
        event = InboxEvent(
            id=new_id(),
            provider=Provider.STRIPE,
            event_id="unreadable-1",
            kind="unreadable",
            raw='{"id": "evt_\\u0000"',
            body=b'{"id": "evt_\x00"',
            source="webhook",
            state=EventState.SET_ASIDE,
            remark="id: characters that cannot be kept",
            happened_at=clock.now(),
            received_at=clock.now(),
        )
        session.add(event)

    assert "Webhooks set aside" in ines.get("/").text
    assert "id: characters that cannot be kept" in ines.get(f"/system/webhooks/{event.id}").text
    assert ines.post(f"/system/webhooks/{event.id}/away").status_code == 303
    assert ines.post(f"/system/webhooks/{event.id}/away").status_code == 409

    assert "Webhooks set aside" not in ines.get("/").text
