"""How long personal data is kept, what goes next, and one person's data."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response, flash
from flask.typing import ResponseReturnValue

from backoffice.access.member import Member
from backoffice.access.second_person import must_be_independent
from backoffice.access.tell import tell_administrators
from backoffice.personal.forms import TermForm, term_form
from shared.kit import audit, clock, personal
from shared.kit.db import reading, transaction
from shared.kit.errors import DomainError
from shared.kit.words import gettext as _
from shared.personal import erase as erasure
from shared.personal import export as exports
from shared.personal import queries, service
from shared.personal.labels import BASES, FIELDS, kept_for, length_words
from shared.web.pages import page, see_other


def show(member: Member) -> ResponseReturnValue:
    """Every kind of data with its basis and period, what the next sweep removes, and what it removed last."""
    return _shown(member, term_form(formdata=None, from_on=clock.today(member.desk.zone)))


def _shown(member: Member, form: TermForm, *, status: int = 200) -> Response:
    with reading() as session:
        lines = queries.held(session, member.company_id)
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
                length, company = row.length, member.desk.name
                tell_administrators(
                    session,
                    lambda: _(
                        "%(company)s: %(kind)s: kept for %(length)s from now on.",
                        company=company,
                        kind=kind.label,
                        length=length_words(kind, length),
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
    """What is held about one person, and what an erasure would do."""
    with reading() as session:
        found = exports.gather(session, contact_id, company_id=member.company_id)
        parts = erasure.preview(session, contact_id)
        wish = erasure.waiting_wish(session, contact_id)
    return page(
        "backoffice/personal/person.html",
        contact_id=contact_id,
        found=found,
        parts=parts,
        wish=wish,
        fields=FIELDS,
        leaves=any(part.kind.name == "contacts" and part.goes for part in parts),
    )


def download(member: Member, contact_id: uuid.UUID) -> Response:
    """Everything that is held about one person, as a file to hand to that person; who took it is written down."""
    with transaction() as session:
        found = exports.gather(session, contact_id, company_id=member.company_id)
        audit.record(
            session,
            member.as_actor(),
            "contact.exported",
            subject_type="contact",
            subject_id=contact_id,
            company_id=member.company_id,
        )
    return as_download(found)


def as_download(found: dict[str, Any]) -> Response:
    """The JSON as a file that no browser opens."""
    response = Response(exports.as_json(found), content_type="application/json")
    response.headers.set("Content-Disposition", "attachment", filename="personal-data.json")
    response.headers["Cache-Control"] = "private, no-store"
    return response


def erase(member: Member, contact_id: uuid.UUID) -> ResponseReturnValue:
    """Erase one person as far as the law lets us."""
    with transaction() as session:
        parts = erasure.erase(session, contact_id, company_id=member.company_id, by=member.as_actor())
    stays = any(part.kind.name == "contacts" and part.stays for part in parts)
    flash(
        _("Erased what may go. Name and address stay: an account still needs this person.")
        if stays
        else _("This person is erased."),
        "wait" if stays else "good",
    )
    return see_other("backoffice.personal.show")
