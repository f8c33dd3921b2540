"""Missed news: every event since the last look is listed and kept, as if its webhook had come."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.dialects.postgresql import insert

from payments.gateways.choose import gateway_of
from payments.models import Provider
from payments.reconcile.models import ProviderWatermark
from payments.webhooks.receive import store
from shared.kit import clock
from shared.kit.db import reading, retrying, transaction

OVERLAP = timedelta(hours=1)
"""Providers list an event some time after it happened."""

EVENTS_KEPT = timedelta(days=29)
"""Stripe lists thirty days of events."""


_BATCH = 100


def catch_up(provider: Provider) -> int:
    """Keep the events that no webhook brought; gives how many. Their handling follows by the inbox's own job.

    The watermark moves only after everything was kept, so a pass that was cut off is done again.
    """
    began_at = clock.now()
    found = 0
    events = sorted(gateway_of(provider).events_since(_since(provider, began_at)), key=lambda event: event.created_at)
    for first in range(0, len(events), _BATCH):
        found += store(provider, events[first : first + _BATCH], source="listed")
    retrying(lambda: _move(provider, began_at))
    return found


def _since(provider: Provider, now: datetime) -> datetime:
    with reading() as session:
        mark = session.get(ProviderWatermark, provider)
        since = mark.events_read_until - OVERLAP if mark else now - EVENTS_KEPT
    return max(since, now - EVENTS_KEPT)


def _move(provider: Provider, moment: datetime) -> None:
    with transaction() as session:
        session.execute(
            insert(ProviderWatermark)
            .values(provider=provider, events_read_until=moment)
            .on_conflict_do_update(index_elements=["provider"], set_={"events_read_until": moment})
        )
