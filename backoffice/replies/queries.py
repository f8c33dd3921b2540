"""Saved replies of a company, and one as its debtor would read it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from backoffice.access.member import Member
from backoffice.replies.defaults import DEFAULTS
from backoffice.replies.models import SavedReply
from backoffice.replies.rules import ACTS, ReplyDefault, Room, fill, places
from shared.debtors.models import Contact, Debtor
from shared.kit import templating
from shared.kit.errors import NotFound
from shared.kit.money import Money, format_money
from shared.kit.words import current_language, speaking
from shared.kit.words import gettext as _

Fact = str | Money | date | Sequence[str]


@dataclass(frozen=True, slots=True)
class Reply:
    """A saved reply; `id` is None while the company has not changed the defaults of its act."""

    id: uuid.UUID | None
    room: Room
    act: str
    code: str
    title: str
    text_fr: str
    text_en: str
    asks: bool
    is_active: bool

    def text(self, language: str) -> str:
        """Its words, with their placeholders."""
        return self.text_fr if language == "fr" else self.text_en


@dataclass(frozen=True, slots=True)
class Reader:
    """Who will read a reply, in which language, and what it may speak of."""

    language: str
    facts: Mapping[str, Fact]

    def read(self, reply: Reply) -> str:
        """The reply with everything filled in: what staff may still change before it leaves."""
        with speaking(self.language):
            return fill(reply.text(self.language), {name: _written(fact) for name, fact in self.facts.items()})

    def is_told_all(self, reply: Reply) -> bool:
        """Whether everything that the reply speaks of is known."""
        return set(places(reply.text(self.language))) <= self.facts.keys()


def _written(fact: Fact) -> str:
    if isinstance(fact, str):
        return fact
    if isinstance(fact, Money):
        return format_money(fact, current_language())
    return templating.day(fact) if isinstance(fact, date) else ", ".join(fact)


@dataclass(frozen=True, slots=True)
class Choice:
    """A reply beside an act, as its debtor would read it."""

    code: str
    title: str
    text: str
    asks: bool


@dataclass(frozen=True, slots=True)
class Offered:
    """The replies beside an act, and the one that was chosen (`text` is "" while none is)."""

    choices: list[Choice]
    chosen: str = ""
    text: str = ""
    asks: bool = False


def replies(
    session: Session, company_id: uuid.UUID, room: Room, act: str = "", *, with_inactive: bool = False
) -> list[Reply]:
    """The company's saved replies of a room, or of one act of it; of an act that it has not changed, the defaults."""
    rows = session.scalars(
        select(SavedReply)
        .where(SavedReply.company_id == company_id, SavedReply.room == room)
        .order_by(SavedReply.position, SavedReply.code)
    ).all()
    written = {row.act for row in rows}
    found = [
        Reply(row.id, room, row.act, row.code, row.title, row.text_fr, row.text_en, row.asks, row.is_active)
        for row in rows
    ] + [_unchanged(each) for each in DEFAULTS if each.room is room and each.act not in written]
    found.sort(key=lambda each: ACTS[room].index(each.act))
    return [each for each in found if act in ("", each.act) and (each.is_active or with_inactive)]


def _unchanged(each: ReplyDefault) -> Reply:
    title = each.title(current_language())
    return Reply(None, each.room, each.act, each.code, title, each.text_fr, each.text_en, each.asks, True)


def get_reply(
    session: Session, company_id: uuid.UUID, room: Room, code: str, *, act: str = "", with_inactive: bool = False
) -> Reply:
    """A saved reply of this company; raises NotFound."""
    for each in replies(session, company_id, room, act, with_inactive=with_inactive):
        if each.code == code:
            return each
    raise NotFound("reply.missing", _("There is no such reply."))


def offer(
    session: Session, company_id: uuid.UUID, room: Room, act: str, reader: Reader, *, chosen: str = ""
) -> Offered:
    """What may be said beside an act; a reply that speaks of what is not there is left out."""
    known = [each for each in replies(session, company_id, room, act) if reader.is_told_all(each)]
    choices = [Choice(each.code, each.title, reader.read(each), each.asks) for each in known]
    taken = next((each for each in choices if each.code == chosen), None)
    return Offered(choices, taken.code, taken.text, taken.asks) if taken else Offered(choices)


def reader(
    session: Session, member: Member, debtor_id: uuid.UUID, contact_id: uuid.UUID | None = None, **facts: Fact | None
) -> Reader:
    """Whoever reads what `member` writes to a debtor: in the language of the person who spoke, else of the account.

    Facts that are None are not there.
    """
    own = session.scalar(select(Contact.language).where(Contact.id == contact_id)) if contact_id else None
    debtor = session.execute(select(Debtor.name, Debtor.language).where(Debtor.id == debtor_id)).one()
    known = {name: fact for name, fact in facts.items() if fact is not None}
    return Reader(
        own or debtor.language or "fr",
        {"debtor": debtor.name, "company": member.desk.name, "me": member.name, **known},
    )
