"""Misbehaviour on command: what the twins can be told to do wrong, how often, and to whom.

    POST /_twin/faults {"kind": "cut_after_commit", "provider": "stripe", "match": "POST /v1/checkout/sessions", "times": 1}

Request faults (matched against `METHOD /path`, a part of it is enough):

| kind | what happens |
| --- | --- |
| `reset_before` | the connection is cut before anything is done |
| `cut_after_commit` | everything is done and kept, then the connection is cut without an answer |
| `timeout_before`, `timeout_after_commit` | the same two, but the twin stays silent for `seconds` (20) before it hangs up |
| `status` | answers `status` (500); `after_commit` true lets the work be done first |
| `malformed_body` | the work is done, the answer is half a page of HTML |
| `slow` | answers rightly, after `seconds` (3) |
| `wrong_amount` | GoCardless only: the idempotency key turns out to be taken by a payment over another amount |

Webhook faults (matched against the event type, `charge.refunded` or `payments.failed`): `webhook_duplicate` (`copies`, 1
more), `webhook_drop`, `webhook_delay` (`seconds`), `webhook_reorder` (leaves behind the next one).

Mail faults (matched against the address): `mail_away` (the server takes nothing now: 421), `mail_refused` (there is no such
mailbox: 550 5.1.1).

`times` says how often (1; 0 means until cleared), `probability` and `seed` make it a reproducible lottery. Things that
befall one object at once (`late_failure`, `chargeback`, `dispute_won`, `dispute_lost`) are not rules: see `agenda.befall`.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import Any

from payments.twins.store import Json, Transaction

REQUEST_KINDS = (
    "reset_before",
    "cut_after_commit",
    "timeout_before",
    "timeout_after_commit",
    "status",
    "malformed_body",
    "slow",
    "wrong_amount",
)
WEBHOOK_KINDS = ("webhook_duplicate", "webhook_drop", "webhook_delay", "webhook_reorder")
MAIL_KINDS = ("mail_away", "mail_refused")
_LAYERS = {"request": REQUEST_KINDS, "webhook": WEBHOOK_KINDS, "mail": MAIL_KINDS}
KINDS = REQUEST_KINDS + WEBHOOK_KINDS + MAIL_KINDS
_SECONDS = {"timeout_before": 20.0, "timeout_after_commit": 20.0, "slow": 3.0, "webhook_delay": 5.0}


@dataclass(frozen=True)
class Fault:
    """One rule of misbehaviour."""

    kind: str
    provider: str | None = None
    match: str = ""
    times: int = 1
    probability: float = 1.0
    seed: int | None = None
    seconds: float = 0.0
    status: int = 500
    after_commit: bool = False
    copies: int = 1


class OddFault(ValueError):  # noqa: N818 - it names what was wrong
    """What was asked for is no fault we know."""


def read(asked: Json) -> Fault:
    """Check a rule as it came in."""
    kind = asked.get("kind")
    if kind not in KINDS:
        raise OddFault(f"kind must be one of {', '.join(KINDS)}")
    unknown = set(asked) - set(Fault.__dataclass_fields__)
    if unknown:
        raise OddFault(f"unknown: {', '.join(sorted(unknown))}")
    if asked.get("provider") not in {None, "stripe", "gocardless"}:
        raise OddFault("provider must be stripe or gocardless")
    rule: dict[str, Any] = {"seconds": _SECONDS.get(str(kind), 0.0)} | asked
    return Fault(**rule)


def add(transaction: Transaction, fault: Fault) -> int:
    """Keep a rule; gives back its number."""
    cursor = transaction.db.execute(
        "INSERT INTO faults (rule, left_over) VALUES (?, ?)", (json.dumps(fault.__dict__), fault.times or -1)
    )
    return int(cursor.lastrowid or 0)


def clear(transaction: Transaction, number: int | None = None) -> None:
    """Forget one rule, or all."""
    if number is None:
        transaction.db.execute("DELETE FROM faults")
    else:
        transaction.db.execute("DELETE FROM faults WHERE id = ?", (number,))


def listed(transaction: Transaction) -> list[dict[str, Any]]:
    """All rules with what is left of them (`left` null: until cleared) and how often they struck."""
    rows = transaction.db.execute("SELECT * FROM faults ORDER BY id")
    return [
        {"id": row["id"], "left": None if row["left_over"] < 0 else row["left_over"], "hits": row["hits"]}
        | json.loads(row["rule"])
        for row in rows
    ]


def take(transaction: Transaction, provider: str, *, layer: str, names: list[str]) -> Fault | None:
    """The first rule of a layer (request, webhook, mail) that strikes here, used up by one; None when all goes well."""
    kinds = _LAYERS[layer]
    for row in transaction.db.execute("SELECT * FROM faults WHERE left_over != 0 ORDER BY id").fetchall():
        fault = Fault(**json.loads(row["rule"]))
        if fault.kind not in kinds or fault.provider not in {None, provider}:
            continue
        if fault.match and not any(fault.match in name for name in names):
            continue
        strikes = _strikes(fault, row["hits"])
        transaction.db.execute(
            "UPDATE faults SET hits = hits + 1, left_over = left_over - ? WHERE id = ?",
            (1 if strikes and row["left_over"] > 0 else 0, row["id"]),
        )
        if strikes:
            return fault
    return None


def _strikes(fault: Fault, draw: int) -> bool:
    if fault.probability >= 1:
        return True
    lottery = random.Random(f"{fault.seed}:{draw}") if fault.seed is not None else random.SystemRandom()
    return lottery.random() < fault.probability
