"""What this room holds about persons: what providers wrote. The raw words go; that there was an event, and what became of it, stays."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session

from payments.webhooks.models import EventState, InboxEvent
from shared.kit.db import among
from shared.kit.personal import Basis, Keys, Kind, Scope, Term, ids, register
from shared.kit.words import lazy_gettext as _l


def _old(scope: Scope) -> Select[Any]:
    return select(InboxEvent.id).where(
        InboxEvent.state.in_((EventState.HANDLED, EventState.IGNORED)),
        func.coalesce(InboxEvent.handled_at, InboxEvent.received_at) < scope.before,
        InboxEvent.raw != "",
    )


def _blank(session: Session, keys: Keys) -> None:
    session.execute(update(InboxEvent).where(among(InboxEvent.id, ids(keys))).values(raw="", body=None))


register(
    Kind(
        name="provider_news",
        label=_l("News from payment providers, word for word"),
        basis=Basis.INTEREST,
        holds=("inbox_event.raw", "inbox_event.body", "inbox_event.remark"),
        why=_l("They show what a provider said while a payment can still be contested."),
        counted=_l("from the day on which it was handled"),
        term=Term(14, 14, 14, "months", _l("Monetary Code L133-24: thirteen months to contest a payment")),
        of_company=False,
        due=_old,
        remove=_blank,
    )
)
