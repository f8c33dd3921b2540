"""Durable state of the twins: one SQLite file, every object a row of JSON.

One transaction per operation. What must stay secret from the API's answers (a full IBAN, the fate of a card) lies in
`hidden` beside the object. `agenda` holds what will happen by itself, `deliveries` the webhooks, `keys` the
idempotency keys, `faults` the misbehaviour asked for, `mails` the demo inbox.
"""

from __future__ import annotations

import json
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Json = dict[str, Any]

SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    provider TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL,
    created INTEGER NOT NULL, body TEXT NOT NULL, hidden TEXT NOT NULL DEFAULT '{}',
    UNIQUE (provider, id)
);
CREATE INDEX IF NOT EXISTS objects_kind ON objects (provider, kind, seq);
CREATE INDEX IF NOT EXISTS objects_payment_intent ON objects (json_extract(body, '$.payment_intent'));
CREATE INDEX IF NOT EXISTS objects_charge ON objects (json_extract(body, '$.charge'));
CREATE INDEX IF NOT EXISTS objects_mandate ON objects (json_extract(body, '$.links.mandate'));
CREATE INDEX IF NOT EXISTS objects_payment ON objects (json_extract(body, '$.links.payment'));
CREATE INDEX IF NOT EXISTS objects_customer ON objects (json_extract(body, '$.links.customer'));
CREATE INDEX IF NOT EXISTS objects_payout ON objects (json_extract(hidden, '$.payout'));
CREATE TABLE IF NOT EXISTS keys (
    provider TEXT NOT NULL, key TEXT NOT NULL, created INTEGER NOT NULL, fingerprint TEXT NOT NULL,
    status INTEGER NOT NULL, answer TEXT NOT NULL,
    PRIMARY KEY (provider, key)
);
CREATE INDEX IF NOT EXISTS keys_age ON keys (provider, created);
CREATE TABLE IF NOT EXISTS agenda (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    due_at INTEGER NOT NULL, action TEXT NOT NULL, subject TEXT NOT NULL, facts TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS agenda_due ON agenda (due_at, seq);
CREATE INDEX IF NOT EXISTS agenda_subject ON agenda (subject);
CREATE TABLE IF NOT EXISTS deliveries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    provider TEXT NOT NULL, what TEXT NOT NULL, event_ids TEXT NOT NULL, body TEXT NOT NULL,
    status TEXT NOT NULL, tries INTEGER NOT NULL DEFAULT 0, next_at REAL NOT NULL DEFAULT 0,
    created INTEGER NOT NULL, answer_status INTEGER, answer TEXT
);
CREATE INDEX IF NOT EXISTS deliveries_pending ON deliveries (provider, status, next_at, seq);
CREATE TABLE IF NOT EXISTS faults (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    rule TEXT NOT NULL, left_over INTEGER NOT NULL, hits INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS mails (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    received_at INTEGER NOT NULL, sender TEXT NOT NULL, recipients TEXT NOT NULL, subject TEXT NOT NULL,
    raw BLOB NOT NULL
);
"""
TABLES = ("objects", "keys", "agenda", "deliveries", "faults", "mails")


@dataclass(frozen=True)
class Row:
    """One stored object: what the API shows, and what only the twin knows."""

    seq: int
    provider: str
    kind: str
    id: str
    created: int
    body: Json
    hidden: Json


@dataclass(frozen=True)
class Due:
    """One thing that is to happen by itself."""

    seq: int
    due_at: int
    action: str
    subject: str
    facts: Json


@dataclass
class Transaction:
    """One atomic operation at a virtual moment `at`. Events announced in it leave together with it, or not at all."""

    db: sqlite3.Connection
    at: int
    origin: Json = field(default_factory=dict)
    """The API request behind this operation (its id and idempotency key), if there is one."""
    news: list[tuple[str, Json]] = field(default_factory=list)
    """(provider, event) announced so far."""

    def add(self, provider: str, kind: str, body: Json, hidden: Json | None = None) -> Json:
        """Store a new object; its id is `body["id"]`."""
        self.db.execute(
            "INSERT INTO objects (provider, kind, id, created, body, hidden) VALUES (?, ?, ?, ?, ?, ?)",
            (provider, kind, body["id"], self.at, json.dumps(body), json.dumps(hidden or {})),
        )
        return body

    def row(self, provider: str, id_: str, kind: str | None = None) -> Row | None:
        found = self.db.execute("SELECT * FROM objects WHERE provider = ? AND id = ?", (provider, id_)).fetchone()
        return None if found is None or (kind and found["kind"] != kind) else _row(found)

    def body(self, provider: str, id_: str) -> Json:
        """An object that is known to be there."""
        found = self.row(provider, id_)
        if found is None:
            raise LookupError(f"{provider} has no {id_}")
        return found.body

    def hidden(self, provider: str, id_: str) -> Json:
        found = self.row(provider, id_)
        if found is None:
            raise LookupError(f"{provider} has no {id_}")
        return found.hidden

    def change(self, provider: str, id_: str, /, **fields: Any) -> Json:
        """Set fields of an object; gives back the whole."""
        body = self.body(provider, id_) | fields
        self.db.execute("UPDATE objects SET body = ? WHERE provider = ? AND id = ?", (json.dumps(body), provider, id_))
        return body

    def note(self, provider: str, id_: str, /, **fields: Any) -> Json:
        """Set what only the twin knows about an object."""
        hidden = self.hidden(provider, id_) | fields
        self.db.execute(
            "UPDATE objects SET hidden = ? WHERE provider = ? AND id = ?", (json.dumps(hidden), provider, id_)
        )
        return hidden

    def find(
        self,
        provider: str,
        kind: str,
        where: Mapping[str, Any] | None = None,
        *,
        hidden: Mapping[str, Any] | None = None,
        older_than: int | None = None,
        newer_than: int | None = None,
        limit: int | None = None,
        oldest_first: bool = False,
    ) -> list[Row]:
        """Objects of a kind, newest first, whose fields (by JSON path, `"$.links.mandate"`) have the values given.

        A value may be a pair such as `(">=", 5)`, a list of pairs that must all hold, or a list of which one must fit.
        `older_than` and `newer_than` are `seq` cursors.
        """
        clauses, values = ["provider = ?", "kind = ?"], [provider, kind]
        for column, wanted in (("body", where or {}), ("hidden", hidden or {})):
            for path, value in wanted.items():
                clause, bound = _clause(f"json_extract({column}, '{path}')", value)
                clauses.append(clause)
                values.extend(bound)
        for sign, cursor in (("<", older_than), (">", newer_than)):
            if cursor is not None:
                clauses.append(f"seq {sign} ?")
                values.append(str(cursor))
        order = "ASC" if oldest_first else "DESC"
        rows = self.db.execute(
            f"SELECT * FROM objects WHERE {' AND '.join(clauses)} ORDER BY seq {order} LIMIT ?",  # noqa: S608 - paths are ours
            (*values, -1 if limit is None else limit),
        )
        return [_row(row) for row in rows]

    def schedule(self, due_at: int, action: str, subject: str, **facts: Any) -> None:
        """Let something happen by itself at a virtual moment."""
        self.db.execute(
            "INSERT INTO agenda (due_at, action, subject, facts) VALUES (?, ?, ?, ?)",
            (due_at, action, subject, json.dumps(facts)),
        )

    def unschedule(self, subject: str, *actions: str) -> None:
        """Forget what was to happen to an object (all of it, or only the actions named)."""
        if not actions:
            self.db.execute("DELETE FROM agenda WHERE subject = ?", (subject,))
        for action in actions:
            self.db.execute("DELETE FROM agenda WHERE subject = ? AND action = ?", (subject, action))

    def is_scheduled(self, action: str, subject: str, due_at: int) -> bool:
        found = self.db.execute(
            "SELECT 1 FROM agenda WHERE action = ? AND subject = ? AND due_at = ?", (action, subject, due_at)
        )
        return found.fetchone() is not None

    def take_due(self, until: int) -> Due | None:
        """The earliest thing due by a moment, taken off the agenda; the transaction moves to its moment."""
        found = self.db.execute(
            "SELECT * FROM agenda WHERE due_at <= ? ORDER BY due_at, seq LIMIT 1", (until,)
        ).fetchone()
        if found is None:
            return None
        self.db.execute("DELETE FROM agenda WHERE seq = ?", (found["seq"],))
        self.at = min(self.at, found["due_at"])
        return Due(found["seq"], found["due_at"], found["action"], found["subject"], json.loads(found["facts"]))


def _row(found: sqlite3.Row) -> Row:
    return Row(
        seq=found["seq"],
        provider=found["provider"],
        kind=found["kind"],
        id=found["id"],
        created=found["created"],
        body=json.loads(found["body"]),
        hidden=json.loads(found["hidden"]),
    )


def _clause(expression: str, value: Any) -> tuple[str, list[Any]]:
    if isinstance(value, tuple):
        sign, bound = value
        if sign not in {"<", "<=", ">", ">="}:
            raise ValueError(f"no such comparison: {sign}")
        return f"{expression} {sign} ?", [bound]
    if isinstance(value, list) and value and isinstance(value[0], tuple):
        parts = [_clause(expression, part) for part in value]
        return " AND ".join(part for part, _ in parts), [bound for _, bounds in parts for bound in bounds]
    if isinstance(value, list):
        return f"{expression} IN ({', '.join('?' * len(value))})", value
    return f"{expression} IS ?", [value]


class Store:
    """Opens transactions on the file. Writers queue up inside this process; readers never wait (WAL)."""

    def __init__(self, path: Path, now: Callable[[], int]) -> None:
        self.path = path
        self._now = now
        self._writing = threading.Lock()
        self._idle: queue.LifoQueue[sqlite3.Connection] = queue.LifoQueue()
        self.before_commit: Callable[[Transaction], None] = lambda _: None
        self.after_commit: Callable[[Transaction], None] = lambda _: None
        with self._connection() as db:
            db.executescript(SCHEMA)

    @contextmanager
    def transaction(self, *, at: int | None = None, origin: Json | None = None) -> Iterator[Transaction]:
        """Read and write; commits at the end, rolls back on any exception."""
        with self._writing, self._connection() as db:
            db.execute("BEGIN IMMEDIATE")
            transaction = Transaction(db=db, at=self._now() if at is None else at, origin=origin or {})
            try:
                yield transaction
                self.before_commit(transaction)
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")
        self.after_commit(transaction)

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """A consistent view that changes nothing."""
        with self._connection() as db:
            db.execute("BEGIN")
            try:
                yield Transaction(db=db, at=self._now())
            finally:
                db.execute("ROLLBACK")

    def empty(self) -> None:
        """Forget everything."""
        with self._writing, self._connection() as db:
            db.execute("BEGIN IMMEDIATE")
            for table in TABLES:
                db.execute(f"DELETE FROM {table}")  # noqa: S608 - our own table names
            db.execute("COMMIT")

    def close(self) -> None:
        while not self._idle.empty():
            self._idle.get().close()

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        try:
            db = self._idle.get_nowait()
        except queue.Empty:
            db = sqlite3.connect(self.path, timeout=20, isolation_level=None, check_same_thread=False)
            db.row_factory = sqlite3.Row
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
        try:
            yield db
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
        finally:
            self._idle.put(db)
