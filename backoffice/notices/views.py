"""News for one member: the list, the way to what it speaks of, and what to hear of."""

from __future__ import annotations

import uuid
from typing import Any

from flask import current_app, flash, request, url_for
from flask.typing import ResponseReturnValue

from backoffice.access.member import Member
from backoffice.listing import asked
from backoffice.notices import labels, queries, service
from backoffice.notices.models import Delivery, NoticeGroup, Scope
from backoffice.notices.queries import Target
from backoffice.notices.rules import Wish, may_hear
from shared.kit.db import reading, transaction
from shared.kit.errors import Invalid
from shared.kit.words import gettext as _
from shared.web.pages import page, see_other, send_away


def browse(member: Member) -> ResponseReturnValue:
    """What this member was told, the latest first."""
    ask = asked("group", "state")
    with reading() as db:
        found = queries.browse(db, member.id, member.company_id, ask)
    return page(
        "backoffice/notices/browse.html",
        ask=ask,
        found=found,
        labels=labels,
        groups=[(group.value, word) for group, word in labels.GROUPS.items()],
    )


def tick_off(member: Member) -> ResponseReturnValue:
    """Everything up to the newest line that was on the page has been seen."""
    try:
        until = uuid.UUID(request.form.get("until", ""))
    except ValueError:
        raise Invalid("notice.until", _("Please go back and try again.")) from None
    with transaction() as db:
        service.tick_off(db, member.id, company_id=member.company_id, until=until)
    return see_other("backoffice.notices.browse")


def show(member: Member, notice_id: uuid.UUID) -> ResponseReturnValue:
    """The way from a mail to what it speaks of, at the desk of its company."""
    with reading() as db:
        target = queries.target(db, member.id, notice_id)
    if target.company_id == member.company_id:
        return send_away(_address(target))
    theirs = next((desk for desk in member.companies if desk.id == target.company_id), None)
    return page("backoffice/notices/show.html", theirs=theirs, next=_address(target))


def _address(target: Target) -> str:
    """The page of the affair; the debtor's page where affairs of that kind have none of their own."""
    endpoint = f"backoffice.{target.topic.partition('.')[0]}s.show"
    for rule in current_app.url_map.iter_rules():
        if rule.endpoint == endpoint and len(rule.arguments) == 1:
            values: dict[str, Any] = dict.fromkeys(rule.arguments, target.subject_id)
            return url_for(endpoint, **values)
    return url_for("backoffice.debtors.show", debtor_id=target.debtor_id)


def preferences(member: Member) -> ResponseReturnValue:
    """What to hear of, whose, and how."""
    with reading() as db:
        wishes = queries.wishes_of(db, member.id)
    mine = {group: wish for group, wish in wishes.items() if may_hear(member.role, group)}
    return page("backoffice/notices/preferences.html", wishes=mine, labels=labels)


def choose(member: Member) -> ResponseReturnValue:
    """Choose it."""
    try:
        chosen = {
            group: Wish(
                Delivery(request.form.get(f"{group.value}-delivery", "")),
                Scope(request.form.get(f"{group.value}-scope", "")),
            )
            for group in NoticeGroup
            if may_hear(member.role, group)
        }
    except ValueError:
        raise Invalid("notice.wish", _("Please go back and try again.")) from None
    with transaction() as db:
        for group, wish in chosen.items():
            service.choose(db, member.id, group=group, wish=wish)
    flash(_("Saved."), "good")
    return see_other("backoffice.notices.preferences")
