"""Verbs of saved replies."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backoffice.replies.defaults import DEFAULTS
from backoffice.replies.models import SavedReply
from backoffice.replies.rules import ACTS, LONGEST_REPLY, PLACES, Room, unknown_places
from shared.kit import audit
from shared.kit.actors import Actor
from shared.kit.errors import Invalid
from shared.kit.ids import new_id
from shared.kit.words import current_language
from shared.kit.words import gettext as _


@dataclass(frozen=True, slots=True)
class ReplyDraft:
    """A saved reply as somebody wrote it. `act` counts for a new one; it never changes afterwards."""

    act: str
    title: str
    text_fr: str
    text_en: str
    asks: bool = False
    is_active: bool = True


def set_reply(
    session: Session, *, company_id: uuid.UUID, room: Room, code: str, draft: ReplyDraft, by: Actor
) -> SavedReply:
    """Change a saved reply, or add one with a new code ("" makes one).

    Raises Invalid for empty words, odd placeholders or an act that the room has not.
    """
    title = draft.title.strip()
    texts = (draft.text_fr.strip(), draft.text_en.strip())
    if not title or not all(texts) or max(len(text) for text in texts) > LONGEST_REPLY:
        raise Invalid("reply.empty", _("Give the reply a title and its words in both languages."))
    odd = [place for text in texts for place in unknown_places(text, PLACES[room])]
    if odd:
        raise Invalid("reply.placeholder", _("Nobody knows what to write for %(what)s.", what=", ".join(odd)))
    if draft.act not in ACTS[room]:
        raise Invalid("reply.act", _("Choose where the reply is offered."))
    _write_defaults(session, company_id, room, draft.act)
    known = {each.code: each for each in _rows(session, company_id, room)}
    reply = known.get(code)
    before = {"title": reply.title, "is_active": reply.is_active} if reply else None
    if reply is None:
        taken = known.keys() | {each.code for each in DEFAULTS if each.room is room} | {"new"}
        reply = SavedReply(
            id=new_id(),
            company_id=company_id,
            room=room,
            act=draft.act,
            code=_new_code(title, taken),
            position=len(known) + 1,
        )
        session.add(reply)
    reply.title, (reply.text_fr, reply.text_en) = title[:80], texts
    reply.asks, reply.is_active = draft.asks, draft.is_active
    session.flush()
    audit.record(
        session,
        by,
        "reply.set",
        subject_type="company",
        subject_id=company_id,
        company_id=company_id,
        before=before,
        after={"room": room.value, "code": reply.code, "title": reply.title, "is_active": reply.is_active},
    )
    return reply


def _rows(session: Session, company_id: uuid.UUID, room: Room) -> list[SavedReply]:
    query = select(SavedReply).where(SavedReply.company_id == company_id, SavedReply.room == room)
    return list(session.scalars(query.order_by(SavedReply.position)))


def _write_defaults(session: Session, company_id: uuid.UUID, room: Room, act: str) -> None:
    """Before the first change of an act: its other replies stay as they were."""
    if any(each.act == act for each in _rows(session, company_id, room)):
        return
    rows = [
        {
            "id": new_id(),
            "company_id": company_id,
            "room": room,
            "act": act,
            "code": each.code,
            "title": each.title(current_language()),
            "text_fr": each.text_fr,
            "text_en": each.text_en,
            "asks": each.asks,
            "is_active": True,
            "position": position,
        }
        for position, each in enumerate(DEFAULTS, start=1)
        if each.room is room and each.act == act
    ]
    session.execute(insert(SavedReply).on_conflict_do_nothing(index_elements=["company_id", "room", "code"]), rows)


def _new_code(title: str, taken: set[str]) -> str:
    base = re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")[:24] or "reply"
    return next(code for code in (base, *(f"{base}_{turn}" for turn in range(2, 1000))) if code not in taken)
