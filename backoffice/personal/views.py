"""How long personal data is kept, what goes next, and one person's data."""

from __future__ import annotations

import uuid

from flask import Response, flash
from flask.typing import ResponseReturnValue

from backoffice.access.member import Member
from backoffice.access.second_person import must_be_independent
from backoffice.access.tell import tell_administrators
from backoffice.personal.forms import DeclineForm, TermForm, WishForm, term_form
from backoffice.unheard import flash_told
from shared.debtors.service import searchable
from shared.kit import audit, clock, personal, templating
from shared.kit.db import reading, transaction
from shared.kit.errors import DomainError, Invalid
from shared.kit.words import gettext as _
from shared.kit.words import speaking
from shared.messages import erasures
from shared.personal import erase as erasure
from shared.personal import export as exports
from shared.personal import queries, readable, service
from shared.personal.labels import BASES, GROUNDS, kept_for, length_words
from shared.personal.models import ErasureGround
from shared.web.pages import page, see_other


def show(member: Member) -> ResponseReturnValue:
    """Every kind of data with its basis and period, what the next sweep removes, and what it removed last."""
    return _shown(member, term_form(formdata=None, from_on=clock.today(member.desk.zone)))


def _shown(member: Member, form: TermForm, *, status: int = 200) -> Response:
    with reading() as session:
        lines = sorted(queries.held(session, member.company_id), key=lambda line: searchable(str(line.kind.label)))
        release = queries.waiting_release(session, member.company_id)
        runs = queries.last_runs(session, member.company_id)
        wishes = erasure.wishes(session, member.company_id)
        waits = queries.unreleased(session, member.company_id)
    return page(
        "backoffice/personal/show.html",
        status=status,
        member=member,
        form=form,
        lines=lines,
        release=release,
        runs=runs,
        wishes=wishes,
        waits=waits,
        bases=BASES,
        kept_for=kept_for,
        length_words=length_words,
        kinds={kind.name: kind for kind in personal.all_kinds()},
        counted=queries.COUNTED,
    )


def set_term(member: Member) -> ResponseReturnValue:
    """Keep a kind for longer or shorter, within the law; every administrator hears of it."""
    form = term_form()
    if not form.validate():
        return _shown(member, form, status=422)
    kind = personal.get(form.kind.data)
    try:
        with transaction() as session:
            row = service.set_term(
                session,
                member.company_id,
                kind.name,
                length=form.length.data or 0,
                from_on=form.from_on.data,
                by=member.as_actor(),
            )
            if row:
                length, from_on, company = row.length, row.from_on, member.desk.name
                tell_administrators(
                    session,
                    lambda: _(
                        "%(company)s: %(kind)s: kept for %(length)s, from %(day)s on.",
                        company=company,
                        kind=kind.label,
                        length=length_words(kind, length),
                        day=templating.day(from_on),
                    ),
                    by=member.as_actor(),
                    company_id=member.company_id,
                )
    except DomainError as error:
        form.length.errors = [error.message]
        return _shown(member, form, status=error.http_status)
    flash(_("Saved.") if row else _("Nothing has changed."), "good")
    return see_other("backoffice.personal.show")


def ask_release(member: Member) -> ResponseReturnValue:
    """Ask that the sweep may begin with what it has not begun with."""
    with reading() as session:
        counts = {line.kind.name: line.due for line in queries.held(session, member.company_id)}
    with transaction() as session:
        service.ask_release(session, member.company_id, counts, by=member.as_actor())
    flash(_("A second person has to agree now; nothing has been removed."), "wait")
    return see_other("backoffice.personal.show")


def decide_release(member: Member, release_id: uuid.UUID, decision: str) -> ResponseReturnValue:
    """The second person agrees, or somebody declines."""
    by = member.as_actor()
    with transaction() as session:
        waiting = queries.waiting_release(session, member.company_id)
        if decision == "approve" and waiting and waiting.id == release_id:
            must_be_independent(session, by, asked_by_id=waiting.asked_by_id, asked_at=waiting.asked_at)
        service.decide_release(session, release_id, company_id=member.company_id, agrees=decision == "approve", by=by)
    flash(_("The next sweep removes it.") if decision == "approve" else _("Nothing is removed."), "good")
    return see_other("backoffice.personal.show")


def person(member: Member, contact_id: uuid.UUID) -> Response:
    """What is held about one person, what an erasure would do, and what became of a wish to be erased."""
    return _person(member, contact_id, WishForm(formdata=None, on=member.today), DeclineForm(formdata=None))


def _person(
    member: Member, contact_id: uuid.UUID, wish_form: WishForm, decline_form: DeclineForm, *, status: int = 200
) -> Response:
    with reading() as session:
        found = exports.gather(session, contact_id, company_id=member.company_id)
        parts = erasure.preview(session, contact_id)
        wish = erasure.last_wish(session, contact_id)
    return page(
        "backoffice/personal/person.html",
        status=status,
        contact_id=contact_id,
        found=found,
        parts=parts,
        wish=wish,
        grounds=GROUNDS,
        wish_form=wish_form,
        decline_form=decline_form,
        today=member.today,
        sections=readable.sections(found, oneself=_("this person")),
        leaves=any(part.kind.name == "contacts" and part.goes for part in parts),
    )


def note_wish(member: Member, contact_id: uuid.UUID) -> ResponseReturnValue:
    """Write down that a person asked to be erased, by letter, mail or telephone; it is confirmed by mail."""
    form = WishForm()
    if not form.validate():
        return _person(member, contact_id, form, DeclineForm(formdata=None), status=422)
    try:
        with transaction() as session:
            erasures.ask(session, contact_id, company_id=member.company_id, by=member.as_actor(), on=form.on.data)
    except Invalid as error:
        form.on.errors = [error.message]
        return _person(member, contact_id, form, DeclineForm(formdata=None), status=422)
    flash_told(_("The wish is written down."), _("The person is told by mail."))
    return see_other("backoffice.personal.person", contact_id=contact_id)


def decline(member: Member, contact_id: uuid.UUID) -> ResponseReturnValue:
    """Answer a wish with no, on a ground that the person reads."""
    form = DeclineForm()
    if not form.validate():
        return _person(member, contact_id, WishForm(formdata=None, on=member.today), form, status=422)
    with transaction() as session:
        erasures.decline(
            session,
            contact_id,
            company_id=member.company_id,
            ground=ErasureGround(form.ground.data),
            answer=form.answer.data or "",
            by=member.as_actor(),
        )
    flash_told(_("The wish is declined."), _("The person is told why by mail."))
    return see_other("backoffice.personal.show")


def download(member: Member, contact_id: uuid.UUID) -> Response:
    """Everything that is held about one person, as a file to hand to that person, in its language; who took it is written down."""
    with transaction() as session, speaking(exports.language_of(session, contact_id, company_id=member.company_id)):
        found = exports.gather(session, contact_id, company_id=member.company_id)
        audit.record(
            session,
            member.as_actor(),
            "contact.exported",
            subject_type="contact",
            subject_id=contact_id,
            company_id=member.company_id,
        )
        content, name = readable.as_zip(found), readable.file_name()
    response = Response(content, content_type="application/zip")
    response.headers.set("Content-Disposition", "attachment", filename=f"{name}.zip")
    response.headers["Cache-Control"] = "private, no-store"
    return response


def erase(member: Member, contact_id: uuid.UUID) -> ResponseReturnValue:
    """Erase one person as far as the law lets us; what went and what stays is told by mail."""
    with transaction() as session:
        parts, _is_told = erasures.erase(session, contact_id, company_id=member.company_id, by=member.as_actor())
    if any(part.kind.name == "contacts" and part.stays for part in parts):
        done = _("Erased what may go. Name and address stay: an account still needs this person.")
    else:
        done = _("This person is erased.")
    flash_told(done, _("The person is told by mail."))
    return see_other("backoffice.personal.show")
