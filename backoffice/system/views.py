"""The machinery: inbox, outbox, duties, audit trail."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

from flask import flash, request
from flask.typing import ResponseReturnValue

from backoffice import exports
from backoffice.access.member import Member
from backoffice.labels import act
from backoffice.listing import asked
from backoffice.system import queries, service
from payments.webhooks import receive
from shared.kit.db import reading, transaction
from shared.kit.money import Money, format_money
from shared.kit.words import current_language
from shared.kit.words import gettext as _
from shared.web.pages import page, see_other

AUDIT_FILTERS = ("who", "debtor", "subject", "from", "to")


def overview(_member: Member) -> ResponseReturnValue:
    """How the machinery stands."""
    with reading() as session:
        return page("backoffice/system/overview.html", health=queries.health(session), duties=queries.duties(session))


def ask_duty(member: Member) -> ResponseReturnValue:
    """Ask for a duty now."""
    with transaction() as session:
        service.ask_duty(session, request.form.get("name", ""), by=member.as_actor())
    flash(_("It is asked for, and will run in a moment."), "good")
    return see_other("backoffice.system.overview")


def inbox(_member: Member) -> ResponseReturnValue:
    """What the providers told us."""
    ask = asked("state", "provider")
    with reading() as session:
        found = queries.inbox(session, ask)
    return page("backoffice/system/inbox.html", ask=ask, found=found)


def event(_member: Member, event_id: uuid.UUID) -> ResponseReturnValue:
    """One event as the provider wrote it."""
    with reading() as session:
        found = queries.get_event(session, event_id)
    return page("backoffice/system/event.html", event=found, raw=_pretty(found.raw))


def replay_event(member: Member, event_id: uuid.UUID) -> ResponseReturnValue:
    """Handle an event again: the provider is asked how its object stands now."""
    with transaction() as session:
        queries.get_event(session, event_id)
        receive.replay(session, event_id, by=member.as_actor())
    flash(_("The event is handled again in a moment."), "good")
    return see_other("backoffice.system.event", event_id=event_id)


def put_event_away(member: Member, event_id: uuid.UUID) -> ResponseReturnValue:
    """Somebody has looked at an event that could not be read."""
    with transaction() as session:
        queries.get_event(session, event_id)
        receive.put_away(session, event_id, by=member.as_actor())
    flash(_("The event is put away; it stays for the record."), "good")
    return see_other("backoffice.system.event", event_id=event_id)


def outbox(_member: Member) -> ResponseReturnValue:
    """Messages between rooms."""
    ask = asked("state")
    with reading() as session:
        found = queries.outbox(session, ask)
    return page("backoffice/system/outbox.html", ask=ask, found=found)


def message(_member: Member, message_id: uuid.UUID) -> ResponseReturnValue:
    """One message between rooms."""
    with reading() as session:
        found = queries.get_outbox_message(session, message_id)
    return page("backoffice/system/message.html", message=found, payload=_pretty(found.payload))


def replay_message(member: Member, message_id: uuid.UUID) -> ResponseReturnValue:
    """Try a message again."""
    with transaction() as session:
        service.replay(session, message_id, by=member.as_actor())
    flash(_("The message is tried again in a moment."), "good")
    return see_other("backoffice.system.message", message_id=message_id)


def abandon_message(member: Member, message_id: uuid.UUID) -> ResponseReturnValue:
    """Give a dead message up."""
    with transaction() as session:
        service.abandon(session, message_id, by=member.as_actor())
    flash(_("The message is abandoned; its error stays for the record."), "good")
    return see_other("backoffice.system.message", message_id=message_id)


def audit(member: Member) -> ResponseReturnValue:
    """Who did what, when."""
    ask = asked(*AUDIT_FILTERS)
    with reading() as session:
        found = queries.trail(session, member.company_id, ask, zone=member.desk.zone)
    return page("backoffice/system/audit.html", ask=ask, found=found, told=_told)


def export_audit(member: Member, form: str) -> ResponseReturnValue:
    """The audit trail as a file."""
    ask = asked(*AUDIT_FILTERS)

    def rows() -> Iterator[exports.Row]:
        with reading() as session:
            for row in queries.whole_trail(session, member.company_id, ask, zone=member.desk.zone):
                yield (
                    row.at,
                    row.actor_kind,
                    row.actor_name,
                    act(row.action),
                    row.action,
                    row.subject_type,
                    row.subject_id,
                    row.debtor_id,
                    json.dumps(row.before, ensure_ascii=False) if row.before else "",
                    json.dumps(row.after, ensure_ascii=False) if row.after else "",
                )

    header = [
        _("When"),
        _("Kind"),
        _("Who"),
        _("Act"),
        _("Name of the act"),
        _("About"),
        _("Its id"),
        _("Debtor's id"),
        _("Before"),
        _("After"),
    ]
    return exports.answer(member, form, "audit", header, rows, asked=request.full_path)


def _told(row: Any) -> str:
    """What changed, in one line."""
    before, after = _spoken(row.before), _spoken(row.after)
    pairs = []
    for name in dict.fromkeys((*before, *after)):
        old, new = before.get(name), after.get(name)
        if name in before and name in after and old != new:
            pairs.append(f"{name}: {old} → {new}")
        elif name in after:
            pairs.append(f"{name}: {new}")
        else:
            pairs.append(f"{name}: {old} →")
    return " · ".join(pairs)


def _spoken(facts: dict[str, Any] | None) -> dict[str, Any]:
    """The facts of an audit line with amounts as people read them."""
    told = dict(facts or {})
    currency = str(told.get("currency", "EUR"))
    for name, value in list(told.items()):
        if name == "minor" and type(value) is int:
            told[name] = format_money(Money(value, currency), current_language())
    told.pop("currency", None)
    return {{"minor": "amount"}.get(name, name): value for name, value in told.items()}


def _pretty(raw: Any) -> str:
    try:
        value = json.loads(raw) if isinstance(raw, str) else raw
    except ValueError:
        return str(raw)
    return json.dumps(value, ensure_ascii=False, indent=2)
