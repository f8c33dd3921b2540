"""Saved replies of every room: another wording, one more, off the list; and what a debtor reads of them."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from sqlalchemy import select

from backoffice.replies import queries
from backoffice.replies.models import SavedReply
from backoffice.replies.rules import ACTS, Room
from shared.debtors.models import Debtor
from shared.disputes import service as disputes
from shared.disputes.service import Claim
from shared.kit import clock
from shared.kit.audit import AuditLine
from shared.kit.db import reading, transaction
from shared.ledger.rules import Part
from shared.promises import service as promises
from shared.promises.service import PromiseDraft
from tests.support.people import SYSTEM

REPLY = {
    "act": "answer",
    "title": "Thanks",
    "text_fr": "Merci {{debtor}}, {{me}}",
    "text_en": "Thank you {{debtor}}, {{me}}",
    "is_active": "y",
}


@pytest.fixture
def dispute(world) -> uuid.UUID:
    with transaction() as session:
        return disputes.raise_dispute(
            session,
            debtor_id=world.dora,
            claims=[Claim(world.late)],
            reason_code="price",
            text="Too dear.",
            attempt="one",
            by=SYSTEM,
        ).id


def test_a_reply_is_written_shown_filled_in_and_offered(ines, dispute) -> None:
    assert ines.post("/setup/replies/dispute/new", REPLY).status_code == 303
    listed = ines.get("/setup/replies").text
    assert "Ask for the delivery note" in listed
    assert 'href="/setup/replies/dispute/thanks"' in listed
    assert "Thank you Dora Durand, Inès Morel" in ines.get("/setup/replies/dispute/thanks").text

    page = ines.get(f"/disputes/{dispute}?reply=thanks").text
    assert "Merci Dora Durand SARL, Inès Morel</textarea>" in page  # the debtor's language, not the reader's
    ines.post("/setup/replies/dispute/thanks", {**REPLY, "is_active": ""})
    assert '<option value="thanks"' not in ines.get(f"/disputes/{dispute}").text


def test_a_first_change_keeps_the_other_replies_of_its_act_and_leaves_the_other_acts_alone(ines, world) -> None:
    changed = {
        **REPLY,
        "title": "Not in our books",
        "text_en": "We have nothing of {{day}}",
        "text_fr": "Rien au {{day}}",
    }
    ines.post("/setup/replies/declaration/not_arrived", changed)
    ines.post("/setup/replies/plan/too_long", {**REPLY, "title": "Too long for us"})

    with reading() as session:
        rows = session.scalars(select(SavedReply)).all()
        found = queries.replies(session, world.company, Room.DECLARATION)
        plans = queries.replies(session, world.company, Room.PLAN)
        told = session.scalars(select(AuditLine.after).where(AuditLine.action == "reply.set")).all()
    assert {(row.room, row.act) for row in rows} == {(Room.DECLARATION, "refuse"), (Room.PLAN, "decline")}
    assert [each.title for each in found][:2] == ["Not in our books", "The amount differs"]
    assert {each.act for each in plans} == set(ACTS[Room.PLAN])
    assert [each["code"] for each in told] == ["not_arrived", "too_long"]


@pytest.mark.parametrize("room", Room)
def test_every_room_shows_its_replies_and_is_led_to_from_its_queue(ines, world, room: Room) -> None:
    text = ines.get(f"/setup/replies?room={room.value}").text
    queue = {"dispute": "/disputes", "plan": "/plans", "promise": "/promises", "declaration": "/declarations"}[
        room.value
    ]

    with reading() as session:
        for each in queries.replies(session, world.company, room):
            assert f'href="/setup/replies/{room.value}/{each.code}"' in text
    assert f'href="/setup/replies?room={room.value}"' in ines.get(queue).text
    assert ines.get(f"/setup/replies/{room.value}/new").status_code == 200


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"text_fr": "{{password}}"}, "password"),
        ({"text_en": "{{ debtor"}, "{{"),
        ({"text_en": "debtor }}"}, "}}"),
        ({"text_en": "{{left}}"}, "left"),
        ({"title": ""}, "This is needed."),
        ({"text_fr": "a" * 4_001}, "4000"),
        ({"act": "decline"}, "Not a valid choice"),
    ],
)
def test_a_reply_that_cannot_be_filled_in_is_refused(ines, world, changed: dict[str, str], words: str) -> None:
    answer = ines.post("/setup/replies/dispute/new", {**REPLY, **changed})

    assert answer.status_code == 422
    assert words in answer.text


def test_replies_and_rooms_that_are_not_there_are_not_found(ines, world) -> None:
    assert ines.get("/setup/replies/dispute/nonsense").status_code == 404
    assert ines.get("/setup/replies/mandate/new").status_code == 404
    assert ines.get("/setup/replies/plan/received").status_code == 404
    assert "Received, we look into it" in ines.get("/setup/replies?room=nonsense").text


def test_what_a_debtor_is_called_is_never_read_as_a_placeholder(ines, dispute, world) -> None:
    with transaction() as session:
        session.get_one(Debtor, world.dora).name = "{{me}} <b>Dora</b>"
    ines.post("/setup/replies/dispute/new", REPLY)

    page = ines.get(f"/disputes/{dispute}?reply=thanks").text
    assert "Merci {{me}} &lt;b&gt;Dora&lt;/b&gt;, Inès Morel" in page


def test_a_reply_that_speaks_of_what_is_not_there_is_not_offered(ines, world, dispute) -> None:
    with reading() as session:
        known = queries.Reader("en", {"debtor": "Dora"})
        offered = queries.offer(session, world.company, Room.PLAN, "change", known)

    assert offered.choices == []


def test_a_promise_is_called_off_in_the_debtors_words_and_language(ines, world) -> None:
    with transaction() as session:
        draft = PromiseDraft("one", [Part(world.late, 12_000)], clock.today() + timedelta(days=5))
        promise = promises.give(session, debtor_id=world.dora, draft=draft, by=SYSTEM).id

    page = ines.get(f"/promises/{promise}?reply=not_possible").text
    assert "Nous ne pouvons malheureusement pas attendre le 15 mars 2026 pour F-2026-001." in page.split("<textarea")[1]
    assert '<details class="confirm" data-confirm open>' in page
    assert "data-confirm open" not in ines.get(f"/promises/{promise}").text
