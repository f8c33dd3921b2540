"""One dispute's page: what is contested, the conversation, the forms beside it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from flask import Response, flash, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from backoffice.access.member import Member
from backoffice.colleagues import colleagues
from backoffice.disputes import labels, queries
from backoffice.disputes.forms import DeadlineForm, NoteForm, SayForm
from backoffice.disputes.models import ProposalState
from backoffice.labels import actor, word
from backoffice.replies import queries as replies
from backoffice.replies.rules import Room
from backoffice.unheard import flash_told
from payments.collections.contested import Touching, touching
from shared.attachments.queries import AttachedFile
from shared.attachments.rules import MEGABYTE
from shared.disputes import choices, sheets
from shared.disputes.sheets import Said, StaffSheet
from shared.kit import templating
from shared.kit.db import reading, transaction
from shared.kit.errors import DomainError, NotFound
from shared.kit.words import gettext as _
from shared.web.pages import page, see_other

WRITE = "disputes.write"


def show(
    member: Member,
    dispute_id: uuid.UUID,
    *,
    say: SayForm | None = None,
    note: NoteForm | None = None,
    deadline: DeadlineForm | None = None,
    status: int = 200,
) -> Response:
    """The page; with a form that was refused it comes back as it was filled in."""
    chosen = request.args.get("reply", "")
    with reading() as session:
        shown = sheets.staff_sheet(session, member.company_id, dispute_id, today=member.today)
        reader = queries.reader(session, member, shown)
        offered = replies.offer(session, member.company_id, Room.DISPUTE, "answer", reader, chosen=chosen)
        reasons = choices.reasons(session, member.company_id, with_inactive=True)
        proposals = queries.proposals(session, dispute_id)
        if say is None:
            say = SayForm(formdata=None, data={"text": offered.text, "asks": offered.asks})
        return page(
            "backoffice/disputes/show.html",
            status=status,
            shown=shown,
            sheet=shown.sheet,
            files=[
                {**_file(file, dispute_id), "id": file.id, "state": file.state, "who": file.uploaded_by_name}
                for each in shown.sheet.said
                for file in each.files
            ],
            words=_words(shown, {each.code: each.label for each in reasons}, member.desk.zone),
            frozen=queries.frozen_now(session, dispute_id),
            flights=[(each, labels.FATES[each.fate]) for each in _flights(session, shown)],
            say=say,
            note=note or NoteForm(formdata=None),
            deadline=deadline or DeadlineForm(formdata=None, data={"due_on": shown.sheet.due_on}),
            offered=offered,
            colleagues=colleagues(session, WRITE),
            reasons=[each for each in reasons if each.is_active or each.code == shown.sheet.reason.code],
            proposals=proposals,
            live_proposal=next((each for each in proposals if each.state is ProposalState.ASKED), None),
            member=member,
        )


def must_be_ours(member: Member, dispute_id: uuid.UUID) -> None:
    """Raises NotFound for another company's dispute, whatever the form holds."""
    with reading() as session:
        queries.get_dispute(session, member.company_id, dispute_id)


def back(dispute_id: uuid.UUID) -> ResponseReturnValue:
    """To the page."""
    return see_other("backoffice.disputes.show", dispute_id=dispute_id)


def simply(
    member: Member, dispute_id: uuid.UUID, do: Callable[[Session], object], said: str = "", *, is_told: bool = False
) -> ResponseReturnValue:
    """An act without a form of its own: what it refuses is said on the page. Of some the debtor is told."""
    must_be_ours(member, dispute_id)
    try:
        with transaction() as session:
            do(session)
    except NotFound:
        raise
    except DomainError as error:
        flash(error.message, "error")
    else:
        if is_told:
            flash_told(said)
        elif said:
            flash(said, "good")
    return back(dispute_id)


def _flights(session: Any, shown: StaffSheet) -> list[Touching]:
    """Payments that were under way over the invoices when they were contested."""
    sheet = shown.sheet
    ids = [part.invoice_id for part in sheet.parts]
    return touching(session, sheet.debtor_id, ids, since=sheet.opened_at)


def _words(shown: StaffSheet, reasons: dict[str, str], zone: str) -> list[dict[str, Any]]:
    """The conversation as the component draws it."""
    return [_word(each, shown.sheet.id, reasons, zone) for each in shown.sheet.said]


def _word(each: Said, dispute_id: uuid.UUID, reasons: dict[str, str], zone: str) -> dict[str, Any]:
    drawn: dict[str, Any] = {
        "who": actor(each.author_name),
        "when": templating.moment(each.at, zone),
        "text": each.text,
    }
    if each.what in ("step", "act"):
        tone = labels.TONES.get(each.text, "")
        return drawn | {
            "kind": "step",
            "text": labels.said(each, reasons),
            "tone": tone,
            "icon": labels.ICONS.get(each.text, "neutral"),
        }
    kind = "note" if each.what == "note" else "theirs" if each.author_kind == "contact" else "ours"
    return drawn | {"kind": kind, "files": [_file(file, dispute_id) for file in each.files]}


def _file(file: AttachedFile, dispute_id: uuid.UUID) -> dict[str, str]:
    href = url_for("backoffice.disputes.file", dispute_id=dispute_id, attachment_id=file.id) if file.may_open else ""
    size = (
        _("%(n)s MB", n=templating.number(round(file.size / MEGABYTE)))
        if file.size >= MEGABYTE
        else _("%(n)s kB", n=max(1, round(file.size / 1024)))
    )
    return {"name": file.name, "href": href, "note": size if file.may_open else word(file.state)}
