"""The replies that a company keeps ready: what there is, another wording, one more."""

from __future__ import annotations

from flask import flash, request
from flask.typing import ResponseReturnValue
from wtforms import BooleanField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length

from backoffice.access.member import Member
from backoffice.options import options
from backoffice.replies import labels, queries, rules, service
from backoffice.replies.queries import Fact, Reader, Reply
from backoffice.replies.rules import LONGEST_REPLY, Room
from shared.kit.db import reading, transaction
from shared.kit.errors import DomainError, NotFound
from shared.kit.money import Money
from shared.kit.words import gettext as _
from shared.kit.words import lazy_gettext as _l
from shared.web.pages import page, see_other
from shared.web.shared_form import SharedForm

_NEEDED = InputRequired(_l("This is needed."))


class ReplyForm(SharedForm):
    """A reply in both languages."""

    title = StringField(_l("Title, for colleagues"), [_NEEDED, Length(max=80)])
    text_fr = TextAreaField(_l("In French"), [_NEEDED, Length(max=LONGEST_REPLY)])
    text_en = TextAreaField(_l("In English"), [_NEEDED, Length(max=LONGEST_REPLY)])
    asks = BooleanField(_l("It asks the debtor for something: the deadline stands still until the answer"))
    is_active = BooleanField(_l("Colleagues may choose it"), default=True)


class NewReplyForm(ReplyForm):
    """One more reply."""

    act = SelectField(_l("Offered when"))


def browse(member: Member) -> ResponseReturnValue:
    """The saved replies of one room (`?room=`), beside the others' tabs."""
    asked = request.args.get("room", "")
    room = next((each for each in Room if each.value == asked), Room.DISPUTE)
    with reading() as session:
        found = queries.replies(session, member.company_id, room, with_inactive=True)
    return page("backoffice/replies/browse.html", shown=room, replies=found, rooms=labels.ROOMS, acts=labels.ACTS)


def new(member: Member, room: str) -> ResponseReturnValue:
    """One more reply."""
    where = _room(room)
    form = NewReplyForm()
    form.act.choices = options([(act, labels.ACTS[where, act]) for act in rules.ACTS[where]])
    return _answer(member, where, form)


def edit(member: Member, room: str, reply: str) -> ResponseReturnValue:
    """Another wording, or off the list."""
    where = _room(room)
    with reading() as session:
        found = queries.get_reply(session, member.company_id, where, reply, with_inactive=True)
    names = ("title", "text_fr", "text_en", "asks", "is_active")
    values = {name: getattr(found, name) for name in names}
    stored = ReplyForm(formdata=None, data=values)
    return _answer(member, where, stored if request.method == "GET" else ReplyForm(), found, stored)


def _room(text: str) -> Room:
    for each in Room:
        if each.value == text:
            return each
    raise NotFound("reply.room", _("There is no such reply."))


def _answer(
    member: Member, room: Room, form: ReplyForm, found: Reply | None = None, stored: ReplyForm | None = None
) -> ResponseReturnValue:
    status = 200
    if request.method == "POST":
        status = 422
        if form.validate() and not (stored and form.met_another(stored)):
            try:
                _save(member, room, form, found)
            except DomainError as error:
                form.form_errors = [error.message]
            else:
                flash(_("Saved."), "good")
                return see_other("backoffice.replies.browse", room=room.value)
    return page(
        "backoffice/replies/edit.html",
        status=status,
        form=form,
        found=found,
        shown=room,
        rooms=labels.ROOMS,
        acts=labels.ACTS,
        places=[(name, labels.PLACES[name]) for name in rules.PLACES[room]],
        examples=_examples(member, room, form),
    )


def _save(member: Member, room: Room, form: ReplyForm, found: Reply | None) -> None:
    draft = service.ReplyDraft(
        act=found.act if found else form["act"].data or "",
        title=form.title.data or "",
        text_fr=form.text_fr.data or "",
        text_en=form.text_en.data or "",
        asks=form.asks.data and room is Room.DISPUTE,
        is_active=form.is_active.data,
    )
    with transaction() as session:
        service.set_reply(
            session,
            company_id=member.company_id,
            room=room,
            code=found.code if found else "",
            draft=draft,
            by=member.as_actor(),
        )


def _examples(member: Member, room: Room, form: ReplyForm) -> list[tuple[str, str]]:
    """How the reply would read, in each language."""
    facts: dict[str, Fact] = {
        "debtor": "Dora Durand",
        "reference": {"dispute": "LIT", "plan": "PLN", "promise": "PRO", "declaration": "DEC"}[room.value]
        + "-7F3K2M9Q-4",
        "invoices": ["F-2026-014"],
        "amount": Money(12_000, member.desk.currency),
        "left": Money(8_000, member.desk.currency),
        "deadline": member.today,
        "day": member.today,
        "company": member.desk.name,
        "me": member.name,
    }
    text_fr, text_en = form.text_fr.data or "", form.text_en.data or ""
    typed = Reply(None, room, "", "", "", text_fr, text_en, False, True)
    shown = (("fr", "Français", text_fr), ("en", "English", text_en))
    return [(name, Reader(language, facts).read(typed)) for language, name, text in shown if text]
