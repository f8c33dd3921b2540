"""My language, and what was written to me."""

from __future__ import annotations

from flask import Response, flash, request, session
from flask.typing import ResponseReturnValue

from portal.profile.language import choose_language
from shared.access.queries import Visitor
from shared.kit import words
from shared.kit.db import reading
from shared.kit.words import gettext as _
from shared.messages import queries
from shared.web.pages import page, see_other


def show(visitor: Visitor) -> Response:
    """Who I am here, and in which language."""
    return page("portal/profile/show.html", language=visitor.language)


def change(visitor: Visitor) -> ResponseReturnValue:
    """Choose the language of pages, messages and papers."""
    language = request.form.get("language", "")
    if language in words.LANGUAGES:
        choose_language(visitor, language)
        session["language"] = language
        words.speak(language)
        flash(_("We will write to you in this language."), "good")
    return see_other("portal.profile.show")


def messages(visitor: Visitor) -> Response:
    """What was written to me, and why."""
    with reading() as db:
        lines = queries.messages_of(db, visitor.debtor_id, contact_id=visitor.contact_id)
    return page("portal/profile/messages.html", lines=lines)
