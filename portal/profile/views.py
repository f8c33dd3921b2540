"""My language, how often I am written to, and what was written to me."""

from __future__ import annotations

import uuid

from flask import Response, flash, request, session, url_for
from flask.typing import ResponseReturnValue

from portal.downloads import download
from portal.profile import labels
from portal.profile.language import choose_language
from shared.access.queries import Visitor
from shared.kit import audit, words
from shared.kit.db import reading, transaction
from shared.kit.words import gettext as _
from shared.messages import erasures, queries
from shared.messages.service import choose_digest
from shared.personal import erase, export, readable
from shared.personal.labels import TOLD
from shared.web.pages import page, see_other


def show(visitor: Visitor) -> Response:
    """Who I am here, in which language, and how often I want to hear of news."""
    with reading() as db:
        wants_digest = queries.wants_digest(db, visitor.contact_id)
    return page("portal/profile/show.html", language=visitor.language, wants_digest=wants_digest)


def change(visitor: Visitor) -> ResponseReturnValue:
    """Choose the language of pages, messages and papers."""
    language = request.form.get("language", "")
    if language in words.LANGUAGES:
        choose_language(visitor, language)
        session["language"] = language
        words.speak(language)
        flash(_("We will write to you in this language."), "good")
    return see_other("portal.profile.show")


def set_digest(visitor: Visitor) -> ResponseReturnValue:
    """News one by one, or in one message a week."""
    wanted = request.form.get("digest", "")
    if wanted in ("weekly", "single"):
        with transaction() as db:
            choose_digest(
                db,
                visitor.contact_id,
                wants=wanted == "weekly",
                debtor_id=visitor.debtor_id,
                by=visitor.as_actor(),
            )
        flash(
            _("News will come to you in one message a week.")
            if wanted == "weekly"
            else _("News will come to you at once."),
            "good",
        )
    return see_other("portal.profile.show")


def messages(visitor: Visitor) -> Response:
    """What was written to me about this account, and why."""
    with reading() as db:
        found = queries.messages_to(
            db,
            visitor.debtor_id,
            visitor.contact_id,
            before=_identity("before"),
            since=_identity("since"),
        )
    here = "portal.profile.messages"
    return page(
        "portal/profile/messages.html",
        lines=found.lines,
        states=labels.STATES,
        older=url_for(here, before=found.lines[-1].id) if found.lines and found.has_older else "",
        newer=url_for(here, since=found.lines[0].id) if found.lines and found.has_newer else "",
    )


def message(visitor: Visitor, message_id: uuid.UUID) -> Response:
    """One message as it was sent, why it was sent, and of a reminder what it was decided by."""
    with reading() as db:
        told = queries.message_to(db, message_id, visitor.debtor_id, visitor.contact_id)
    return page(
        "portal/profile/message.html", told=told, line=told.line, states=labels.STATES, omissions=labels.OMISSIONS
    )


def data(visitor: Visitor) -> Response:
    """Everything that is held about me, why and for how long."""
    with reading() as db:
        found = export.gather(db, visitor.contact_id, company_id=visitor.company_id)
        wish = erase.last_wish(db, visitor.contact_id)
    return page("portal/profile/data.html", found=found, sections=readable.sections(found), wish=wish, told=TOLD)


def download_data(visitor: Visitor) -> Response:
    """The same as one file: a page to read, and JSON for programs."""
    with transaction() as db:
        found = export.gather(db, visitor.contact_id, company_id=visitor.company_id)
        audit.record(
            db,
            visitor.as_actor(),
            "contact.exported",
            subject_type="contact",
            subject_id=visitor.contact_id,
            company_id=visitor.company_id,
        )
    return download(readable.as_zip(found), readable.file_name() + ".zip", "application/zip")


def ask_erasure(visitor: Visitor) -> ResponseReturnValue:
    """Ask to be erased: staff answer."""
    with transaction() as db:
        erasures.ask(db, visitor.contact_id, company_id=visitor.company_id, by=visitor.as_actor())
    flash(_("We have written down your wish, and answer within a month."), "good")
    return see_other("portal.profile.data")


def _identity(name: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(request.args.get(name, ""))
    except ValueError:
        return None
