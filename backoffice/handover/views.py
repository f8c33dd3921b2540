"""What a member of staff looks after, and passing all of it on."""

from __future__ import annotations

import uuid

from flask import flash, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from backoffice.access.member import Member
from backoffice.access.models import StaffMember
from backoffice.colleagues import Colleague, colleagues
from backoffice.handover import pass_on
from backoffice.handover.kinds import KINDS
from shared.kit.db import reading
from shared.kit.errors import NotFound
from shared.kit.words import gettext as _
from shared.kit.words import ngettext
from shared.web.pages import page, see_other


def show(member: Member, staff_id: uuid.UUID) -> ResponseReturnValue:
    """What is this member's, by kind, and to whom it may go."""
    with reading() as session:
        held = [(str(kind.title), count) for kind, count in pass_on.held(session, staff_id)]
        return page(
            "backoffice/handover/show.html",
            member=member,
            person=_person(session, staff_id),
            held=held,
            others=[each for each in _all_round(session) if each.id != staff_id],
        )


def give(member: Member, staff_id: uuid.UUID) -> ResponseReturnValue:
    """Pass all of it on to a colleague, or make it nobody's."""
    wanted = request.form.get("assignee", "")
    with reading() as session:
        _person(session, staff_id)
        to = next((each for each in _all_round(session) if str(each.id) == wanted), None)
    if wanted and to is None:
        raise NotFound("staff.missing", _("There is no such colleague."))
    count = pass_on.pass_on(staff_id, to, by=member.as_actor())
    flash(ngettext("%(n)s affair passed on.", "%(n)s affairs passed on.", count), "good")
    return see_other("backoffice.handover.show", staff_id=staff_id)


def _person(session: Session, staff_id: uuid.UUID) -> StaffMember:
    person = session.get(StaffMember, staff_id)
    if person is None:
        raise NotFound("staff.missing", _("There is no such member of staff."))
    return person


def _all_round(session: Session) -> list[Colleague]:
    """Who may look after affairs of every kind."""
    able = [{each.id for each in colleagues(session, kind.permission)} for kind in KINDS]
    return [each for each in colleagues(session, KINDS[0].permission) if all(each.id in some for some in able)]
