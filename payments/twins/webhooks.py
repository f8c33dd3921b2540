"""News to the outside: events leave as signed webhooks from a durable queue, with retries.

Stripe posts one event at a time (`Stripe-Signature: t=…,v1=…` over `t.body`); GoCardless posts what one operation
announced as one batch (`Webhook-Signature`: HMAC-SHA256 of the raw body, hex). Neither promises order, and both may
deliver twice: a delivery counts only when its 2xx has been stored.

`t=` is the virtual moment, like every other time in this world; where the virtual clock is behind the real one it is the
real moment, since the SDK measures a signature's age by real time.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import sqlite3
import time
from typing import Any

import urllib3

from payments.twins import faults
from payments.twins.store import Json, Transaction
from payments.twins.world import Options, World, new_id

log = logging.getLogger(__name__)

BACK_OFF = (1, 2, 4, 8, 15, 30, 60, 120)
"""Real seconds before each next try: eight retries as GoCardless documents, short enough to watch."""
ANSWER_WITHIN = 10.0
"""Seconds a receiver has; GoCardless documents ten."""

_pool = urllib3.PoolManager(num_pools=4, maxsize=4, retries=False)


def url_for(options: Options, provider: str) -> str:
    return options.stripe_webhook_url if provider == "stripe" else options.gocardless_webhook_url


def enqueue(world: World, transaction: Transaction) -> None:
    """Turn what was announced in a transaction into deliveries, inside that transaction."""
    batches: list[tuple[str, list[Json]]] = []
    for provider, event in transaction.news:
        if provider == "gocardless" and batches and batches[-1][0] == provider:
            batches[-1][1].append(event)
        else:
            batches.append((provider, [event]))
    for provider, events in batches:
        status = "pending" if url_for(world.options, provider) else "unsent"
        for body in _bodies(provider, events):
            _insert(transaction, provider, events, body, status)


def _bodies(provider: str, events: list[Json]) -> list[Json]:
    if provider == "stripe":
        return events
    return [{"events": events, "meta": {"webhook_id": new_id("WB")}}]


def _what(provider: str, events: list[Json]) -> list[str]:
    if provider == "stripe":
        return [event["type"] for event in events]
    return [f"{event['resource_type']}.{event['action']}" for event in events]


def _insert(transaction: Transaction, provider: str, events: list[Json], body: Json, status: str) -> None:
    what = _what(provider, events)
    copies, delay = 1, 0.0
    fault = faults.take(transaction, provider, layer="webhook", names=what) if status == "pending" else None
    if fault is not None:
        if fault.kind == "webhook_duplicate":
            copies = 1 + fault.copies
        elif fault.kind == "webhook_drop":
            status = "dropped"
        elif fault.kind == "webhook_delay":
            delay = fault.seconds
        elif fault.kind == "webhook_reorder":
            status = "held"
    for _ in range(copies):
        transaction.db.execute(
            "INSERT INTO deliveries (provider, what, event_ids, body, status, next_at, created) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                provider,
                ", ".join(what),
                json.dumps([event["id"] for event in events]),
                json.dumps(body, separators=(",", ":")),
                status,
                time.time() + delay,
                transaction.at,
            ),
        )
    if status == "pending":
        # What a reorder fault held back leaves behind the next one.
        transaction.db.execute(
            "UPDATE deliveries SET status = 'pending', next_at = ? WHERE provider = ? AND status = 'held'",
            (time.time() + delay + 0.5, provider),
        )


def sign(world: World, provider: str, body: bytes) -> dict[str, str]:
    """The headers that prove where a body comes from."""
    options = world.options
    if provider == "stripe":
        moment = max(world.clock.now(), int(time.time()))
        signed = f"{moment}.".encode() + body
        digest = hmac.new(options.stripe_webhook_secret.encode(), signed, hashlib.sha256).hexdigest()
        return {"Stripe-Signature": f"t={moment},v1={digest}"}
    digest = hmac.new(options.gocardless_webhook_secret.encode(), body, hashlib.sha256).hexdigest()
    return {"Webhook-Signature": digest, "Origin": "https://api-sandbox.gocardless.com"}


def deliver_next(world: World, provider: str, *, before: float, highest: int | None = None) -> bool:
    """Post the oldest delivery that may leave by a real moment. False when there is none."""
    with world.posting[provider]:
        with world.store.reading() as look:
            found = look.db.execute(
                "SELECT * FROM deliveries WHERE provider = ? AND status = 'pending' AND next_at <= ? AND seq <= ?"
                " ORDER BY next_at, seq LIMIT 1",
                (provider, before, highest if highest is not None else 2**62),
            ).fetchone()
        if found is None:
            return False
        status, answer = _post(world, provider, found["body"].encode())
        _record(world, found, status, answer)
    return True


def _post(world: World, provider: str, body: bytes) -> tuple[int | None, str]:
    headers = {"Content-Type": "application/json", "User-Agent": f"{provider}-twin/1.0"} | sign(world, provider, body)
    try:
        answer = _pool.request(
            "POST",
            url_for(world.options, provider),
            body=body,
            headers=headers,
            timeout=urllib3.Timeout(ANSWER_WITHIN),
            redirect=False,
        )
    except urllib3.exceptions.HTTPError as error:
        return None, type(error).__name__
    return answer.status, answer.data[:500].decode(errors="replace")


def _record(world: World, found: sqlite3.Row, status: int | None, answer: str) -> None:
    tries = found["tries"] + 1
    if status is not None and 200 <= status < 300:
        outcome, next_at = "delivered", 0.0
    elif tries > len(BACK_OFF):
        outcome, next_at = "failed", 0.0
    else:
        outcome, next_at = "pending", time.time() + BACK_OFF[tries - 1]
    with world.store.transaction() as transaction:
        transaction.db.execute(
            "UPDATE deliveries SET status = ?, tries = ?, next_at = ?, answer_status = ?, answer = ? WHERE seq = ?",
            (outcome, tries, next_at, status, answer, found["seq"]),
        )


def flush(world: World) -> dict[str, int]:
    """Try every delivery that is waiting once, now, whatever its back-off; answers when done."""
    with world.store.transaction() as transaction:
        transaction.db.execute("UPDATE deliveries SET status = 'pending' WHERE status = 'held'")
        transaction.db.execute("UPDATE deliveries SET next_at = 0 WHERE status = 'pending'")
        waiting = transaction.db.execute("SELECT MAX(seq) AS last FROM deliveries").fetchone()["last"] or 0
    began = time.time()
    for provider in world.posting:
        # A failed try moves `next_at` past `began`, so each delivery is tried at most once here.
        while deliver_next(world, provider, before=began, highest=waiting):
            pass
    return counts(world)


def counts(world: World) -> dict[str, int]:
    """Deliveries per status."""
    with world.store.reading() as look:
        rows = look.db.execute("SELECT status, COUNT(*) AS many FROM deliveries GROUP BY status").fetchall()
    return {row["status"]: row["many"] for row in rows}


def resend(world: World, seq: int) -> bool:
    """Send one delivery again, whatever became of it."""
    with world.store.transaction() as transaction:
        changed = transaction.db.execute(
            "UPDATE deliveries SET status = 'pending', next_at = 0, tries = 0 WHERE seq = ?", (seq,)
        )
        return changed.rowcount == 1


def recent(world: World, limit: int = 40) -> list[dict[str, Any]]:
    """The latest deliveries, for the control page."""
    with world.store.reading() as look:
        rows = look.db.execute("SELECT * FROM deliveries ORDER BY seq DESC LIMIT ?", (limit,)).fetchall()
    return [dict(row) for row in rows]


def undelivered_events(transaction: Transaction, provider: str) -> set[str]:
    """Events of which at least one delivery has not been answered with 2xx."""
    rows = transaction.db.execute(
        "SELECT event_ids FROM deliveries WHERE provider = ? AND status != 'delivered'", (provider,)
    )
    return {event_id for row in rows for event_id in json.loads(row["event_ids"])}
