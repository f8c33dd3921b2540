"""What surrounds every page of the back-office: rail with counts, company, person, demo strip."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Flask, current_app, request, url_for
from sqlalchemy import func, select

from backoffice import labels
from backoffice.access.guards import find_current
from backoffice.access.labels import ROLES
from backoffice.access.member import Member
from backoffice.chargebacks.counts import contested_count
from backoffice.declarations.counts import declared_count
from backoffice.disputes.counts import waiting_count
from backoffice.notices.queries import unread_count
from backoffice.plans.counts import asked_count
from backoffice.promises.counts import late_count
from payments.webhooks.models import EventState
from shared.kit import clock, templating
from shared.kit.db import reading
from shared.kit.money import Money
from shared.kit.outbox.models import MessageState, OutboxMessage
from shared.kit.settings import Settings
from shared.kit.words import lazy_gettext as _l
from shared.kit.words import ngettext
from shared.messages.models import Message, MessageStatus

ROOMS: tuple[tuple[str, Any, str, str, str], ...] = (
    ("t", _l("Today"), "backoffice.home.today", "today", "desk.enter"),
    ("n", _l("News"), "backoffice.notices.browse", "speak", "desk.enter"),
    ("d", _l("Debtors"), "backoffice.debtors.browse", "users", "debtors.read"),
    ("i", _l("Invoices"), "backoffice.invoices.browse", "invoice", "invoices.read"),
    ("p", _l("Payments"), "backoffice.payments.browse", "wallet", "payments.read"),
    ("b", _l("Chargebacks"), "backoffice.chargebacks.browse", "bank", "chargebacks.read"),
    ("l", _l("Disputes"), "backoffice.disputes.browse", "flag", "disputes.read"),
    ("a", _l("Plans"), "backoffice.plans.browse", "plan", "plans.read"),
    ("h", _l("Promises"), "backoffice.promises.browse", "promise", "promises.read"),
    ("w", _l("Declared transfers"), "backoffice.declarations.browse", "transfer", "declarations.read"),
    ("m", _l("Mandates"), "backoffice.mandates.browse", "pen", "mandates.read"),
    ("c", _l("Collections"), "backoffice.collections.browse", "repeat", "collections.read"),
    ("r", _l("Reminders"), "backoffice.reminders.browse", "bell", "reminders.read"),
    ("e", _l("Messages"), "backoffice.messages.browse", "mail", "messages.read"),
    ("u", _l("Imports"), "backoffice.imports.browse", "upload", "imports.read"),
    ("q", _l("Quality"), "backoffice.statistics.quality", "chart", "statistics.read"),
    ("s", _l("System"), "backoffice.system.overview", "system", "system.read"),
    ("o", _l("Set-up"), "backoffice.setup.company", "sliders", "company.read"),
)
"""Letter after g, word, endpoint, icon, permission."""


def install(app: Flask, settings: Settings) -> None:
    """Give every template of this door what its layout reads."""
    app.context_processor(lambda: _frame(settings))
    app.jinja_env.globals.update(
        label=labels.label,
        word=labels.word,
        act_word=labels.act,
        subject_word=labels.subject,
        actor_word=labels.actor,
        role_word=lambda role: str(ROLES[role]),
        money_of=Money,
        event_counts=lambda counts: {state.value: counts.get(state, 0) for state in EventState},
        span=_span,
        spaced=lambda iban: " ".join(iban[i : i + 4] for i in range(0, len(iban), 4)),
        has_endpoint=lambda name: name in app.view_functions,
    )


def _span(length: timedelta) -> str:
    """How often, in the largest unit that fits."""
    seconds = int(length.total_seconds())
    if seconds % 86_400 == 0:
        return ngettext("%(n)s day", "%(n)s days", seconds // 86_400)
    if seconds % 3600 == 0:
        return ngettext("%(n)s hour", "%(n)s hours", seconds // 3600)
    if seconds % 60 == 0:
        return ngettext("%(n)s minute", "%(n)s minutes", seconds // 60)
    return ngettext("%(n)s second", "%(n)s seconds", seconds)


def _frame(settings: Settings) -> dict[str, Any]:
    member = find_current()
    if member is None:
        return {"demo": _demo(settings, None)}
    return {
        "company": member.company,
        "companies": member.companies,
        "company_url": url_for("backoffice.access.choose_company"),
        "home_url": url_for("backoffice.home.today"),
        "search_url": url_for("backoffice.home.search"),
        "q": request.args.get("q", "") if request.endpoint == "backoffice.home.search" else "",
        "rail": _rail(member),
        "staff": member,
        "staff_url": url_for("backoffice.access.me"),
        "sign_out_url": url_for("backoffice.access.sign_out"),
        "may": member.may,
        "zone": member.company.zone if member.company else "Europe/Paris",
        "today": member.company.today if member.company else clock.today(),
        "demo": _demo(settings, member),
    }


def _rail(member: Member) -> list[tuple[Any, ...]]:
    counts = _counts(member)
    return [
        (key, str(word), url_for(endpoint), icon, counts.get(key, 0) or None, "late")
        for key, word, endpoint, icon, permission in ROOMS
        if member.may(permission) and endpoint in current_app.view_functions
    ]


def _counts(member: Member) -> dict[str, int]:
    """What waits for a person, by room: each count reads a partial index that is empty on a good day."""
    if member.company is None:
        return {}
    uncertain = (
        select(func.count())
        .select_from(Message)
        .where(Message.company_id == member.company_id)
        .where(Message.status.in_((MessageStatus.UNCERTAIN, MessageStatus.WAITING, MessageStatus.SENDING)))
        .where(Message.status == MessageStatus.UNCERTAIN)
    )
    dead = select(func.count()).select_from(OutboxMessage).where(OutboxMessage.state == MessageState.DEAD)
    with reading() as session:
        news = unread_count(member.id, member.company_id)
        disputes = waiting_count(member.company_id)
        late = late_count(member.company_id, member.today)
        declared = declared_count(member.company_id)
        plans = asked_count(member.company_id)
        contested = contested_count(member.company_id)
        row = session.execute(
            select(
                uncertain.scalar_subquery(), dead.scalar_subquery(), news, disputes, late, declared, plans, contested
            )
        ).one()
    return {"e": row[0], "s": row[1], "n": row[2], "l": row[3], "h": row[4], "w": row[5], "a": row[6], "b": row[7]}


def _demo(settings: Settings, member: Member | None) -> dict[str, str] | None:
    if not settings.is_demo:
        return None
    control = settings.twin_control_url or ""
    inbox = control.split("/_twin")[0] + "/inbox/" if control else ""
    today = member.today if member and member.company else clock.today()
    return {"today": templating.day(today), "control_url": control, "inbox_url": inbox}
