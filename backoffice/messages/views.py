"""Messages: the list, the exact text, and sending again what is uncertain."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from flask import Response, flash, request
from flask.typing import ResponseReturnValue

from backoffice import bulk, exports
from backoffice.access.member import Member
from backoffice.labels import word
from backoffice.listing import asked
from backoffice.messages import queries
from backoffice.messages.labels import KINDS, kind_word, why_word
from backoffice.messages.unreachable.queries import count as count_unreachable
from shared.kit import files
from shared.kit.db import reading, transaction
from shared.kit.errors import NotFound
from shared.kit.files import safe_name
from shared.kit.words import gettext as _
from shared.messages import service as messages
from shared.messages.queries import masked, present_outage
from shared.web.pages import page, see_other

_MAIL_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"


def browse(member: Member) -> ResponseReturnValue:
    """The list."""
    ask = asked("state", "kind")
    with reading() as session:
        found = queries.browse(session, member.company_id, ask)
        lasts = present_outage(session)
        unreachable_count = count_unreachable(session, member.company_id)
    return page(
        "backoffice/messages/browse.html",
        ask=ask,
        found=found,
        kinds=KINDS,
        kind_word=kind_word,
        outage=lasts,
        unreachable_count=unreachable_count,
    )


def act(member: Member) -> ResponseReturnValue:
    """Decide about all ticked messages; those of which there is nothing to decide are counted and left as they are."""
    wanted = bulk.ticked(lambda session, identity: queries.get_message(session, member.company_id, identity))
    verbs = {"again": messages.send_again, "leave": messages.leave}
    verb = verbs.get(request.form.get("act", ""))
    if verb is None:
        raise NotFound("message.act", _("There is no such act."))
    bulk.each(wanted, lambda session, message_id: verb(session, message_id, by=member.as_actor()))
    return bulk.back("backoffice.messages.browse", ("state", "kind"))


def export(member: Member, form: str) -> ResponseReturnValue:
    """The list as a file."""
    ask = asked("state", "kind")

    def rows() -> Iterator[exports.Row]:
        with reading() as session:
            for row in queries.everything(session, member.company_id, ask):
                yield (
                    row.created_at,
                    row.sent_at,
                    kind_word(row.kind),
                    row.debtor_name,
                    row.to_name,
                    row.to_address,
                    row.subject,
                    word(row.status),
                    why_word(row.error),
                )

    header = [
        _("Written"),
        _("Sent"),
        _("Kind"),
        _("Debtor"),
        _("Name"),
        _("Address"),
        _("Subject"),
        _("State"),
        _("Error"),
    ]
    return exports.answer(member, form, "messages", header, rows, asked=request.full_path)


def show(member: Member, message_id: uuid.UUID) -> ResponseReturnValue:
    """One message, word by word. Links and codes were never stored: their places are masked."""
    with reading() as session:
        message = queries.get_message(session, member.company_id, message_id)
    return page(
        "backoffice/messages/show.html",
        message=message,
        text=masked(message.text_body, message.marker),
        kind=kind_word(message.kind),
        why=why_word(message.error),
        may_send_again=message.status.value in ("uncertain", "refused") and message.forgotten_at is None,
    )


def html(member: Member, message_id: uuid.UUID) -> ResponseReturnValue:
    """The message as mail programs show it, in a page that can do nothing."""
    with reading() as session:
        message = queries.get_message(session, member.company_id, message_id)
    response = Response(masked(message.html_body, message.marker), content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = _MAIL_POLICY
    return response


def attachment(member: Member, message_id: uuid.UUID, position: int) -> ResponseReturnValue:
    """A file that went with the message."""
    with reading() as session:
        message = queries.get_message(session, member.company_id, message_id)
    if position >= len(message.attachments):
        raise NotFound("attachment.missing", _("There is no such file."))
    stored = message.attachments[position]
    response = Response(files.get_store().get(stored["sha256"]), content_type=stored["media_type"])
    response.headers.set("Content-Disposition", "attachment", filename=safe_name(stored["name"]))
    return response


def send_again(member: Member, message_id: uuid.UUID) -> ResponseReturnValue:
    """Send an uncertain or refused message again."""
    with transaction() as session:
        queries.get_message(session, member.company_id, message_id)
        messages.send_again(session, message_id, by=member.as_actor())
    flash(_("The message goes out again."), "good")
    return see_other("backoffice.messages.show", message_id=message_id)
