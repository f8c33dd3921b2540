"""A database as the first migration left it, with a row in every table; and what a schema consists of, to be compared."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import CheckConstraint, Connection, Engine, MetaData, Table, inspect, text
from sqlalchemy.engine import make_url

from shared.kit.db import make_engine, use_engine
from tests.support import databases

Row = dict[str, Any]

_MOMENT = datetime(2026, 2, 3, 8, 30, tzinfo=UTC)
_FIRST_OF_ONE_OF = re.compile(r"^(\w+)::text = ANY \(ARRAY\['(\w+)'")

_NEEDED = {
    "document": {"sha256": "a" * 64},
    "ledger_transfer": {"credit_account": "sales", "debit_account": "sales", "phase": "posted"},
    "payment": {"status": "confirmed"},
}
"""What the CHECKs ask for beyond one column's words."""

_CATALOGUE = {
    "column": """
        SELECT c.relname || '.' || a.attname,
            concat_ws(' ', format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, pg_get_expr(d.adbin, d.adrelid))
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid LEFT JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (c.oid, a.attnum)
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
    """,
    "constraint": """
        SELECT conrelid::regclass || '.' || conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND conrelid <> 0 AND contype <> 'n'
    """,
    "index": "SELECT tablename || '.' || indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "trigger": "SELECT tgrelid::regclass || '.' || tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
    "function": """
        SELECT proname, prosrc FROM pg_proc p WHERE pronamespace = 'public'::regnamespace
        AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.objid = p.oid AND e.deptype = 'e')
    """,
}


@contextmanager
def scratch(server_url: str, like: Engine | None = None) -> Iterator[Engine]:
    """A database of its own, empty or a copy of another one, in charge of this process until it is dropped."""
    url = make_url(server_url)
    admin = url.set(drivername="postgresql").render_as_string(hide_password=False)
    name = f"guichet_scratch_{uuid.uuid4().hex[:12]}"
    template = like.url.database if like is not None else "template1"
    with psycopg.connect(admin, autocommit=True) as connection:
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        connection.execute("SELECT pg_advisory_lock(7007)")
        connection.execute(statement.format(sql.Identifier(name), sql.Identifier(str(template))))
        connection.execute("SELECT pg_advisory_unlock(7007)")
    engine = make_engine(url.set(drivername="postgresql+psycopg", database=name).render_as_string(hide_password=False))
    use_engine(engine)
    try:
        yield engine
    finally:
        engine.dispose()
        use_engine(None)
        with psycopg.connect(admin, autocommit=True) as connection:
            databases.drop(connection, name)


def catalogue(engine: Engine) -> dict[str, dict[str, str]]:
    """Everything that the schema consists of, as PostgreSQL writes it: name and definition, by sort."""
    with engine.connect() as connection:
        found = {sort: {str(k): str(v) for k, v in connection.execute(text(q))} for sort, q in _CATALOGUE.items()}
    return {
        sort: {name: what for name, what in all_of.items() if not name.startswith("alembic_version.")}
        for sort, all_of in found.items()
    }


def rows(engine: Engine) -> dict[str, dict[str, Row]]:
    """All that stands in the tables: table → primary key in words → row."""
    kept: dict[str, dict[str, Row]] = {}
    with engine.connect() as connection:
        for name in inspect(connection).get_table_names():
            if name != "alembic_version":
                key = inspect(connection).get_pk_constraint(name)["constrained_columns"]
                each = connection.execute(text(f"SELECT to_jsonb(t) FROM {name} t")).scalars()
                kept[name] = {" ".join(str(row[column]) for column in key): row for row in each}
    return kept


@dataclass
class Former:
    """Rows for a schema that no model describes any more: what a test does not say is filled in by the column's type."""

    connection: Connection
    tables: MetaData = field(init=False)
    last: dict[str, Row] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tables = MetaData()
        self.tables.reflect(self.connection)

    def put(self, table: str, **values: Any) -> Row:
        """A row; what it refers to is the last row of that table unless the test names another."""
        made = self._filled(self.tables.tables[table]) | _NEEDED.get(table, {}) | values
        row = self.connection.execute(self.tables.tables[table].insert().values(made).returning(text("*"))).mappings()
        self.last[table] = dict(row.one())
        return self.last[table]

    def _filled(self, table: Table) -> Row:
        words = dict(
            found.groups()
            for check in table.constraints
            if isinstance(check, CheckConstraint) and (found := _FIRST_OF_ONE_OF.match(str(check.sqltext)))
        )
        filled: Row = {}
        for column in table.columns:
            if column.nullable or column.server_default is not None or column.identity is not None:
                continue
            keys = [key.column for key in column.foreign_keys if key.column.table.name in self.last]
            if keys:
                filled[column.name] = self.last[keys[0].table.name][keys[0].name]
            elif column.name in words:
                filled[column.name] = words[column.name]
            else:
                filled[column.name] = _of_type(column.type.python_type, getattr(column.type, "length", None))
        return filled


def _of_type(kind: type[Any], length: int | None) -> Any:
    if kind is str:
        return uuid.uuid4().hex[: length or 12]
    made: dict[type[Any], Any] = {
        uuid.UUID: uuid.uuid4(),
        int: 1,
        Decimal: Decimal(1),
        bool: True,
        date: _MOMENT.date(),
        datetime: _MOMENT,
        time: _MOMENT.time(),
        bytes: uuid.uuid4().bytes,
        dict: {},
        object: {},
    }
    return made[kind]


def fill(connection: Connection) -> dict[str, Row]:
    """A world at 0001: a row in each table, and two companies' scenarios, runs, collections and messages. Gives the named rows."""
    world = Former(connection)
    put = world.put
    named: dict[str, Row] = {}
    for name, offsets in (("baker", (-5, 8, 21)), ("atelier", (3, 30))):
        company = named[name] = put("company", currency="EUR")
        named[f"{name} member"] = put("staff_member")
        named[f"{name} debtor"] = put("debtor", currency="EUR", credit_minor=1_200, held_minor=0)
        named[f"{name} contact"] = put("contact")
        put("debtor_contact")
        paid = put("invoice", number=f"{name} paid", total_minor=50_000, open_minor=0, held_minor=0, frozen_minor=0)
        late = put(
            "invoice", number=f"{name} late", due_on=date(2026, 1, 15), total_minor=90_000, open_minor=60_000,
            held_minor=10_000, frozen_minor=20_000,
        )  # fmt: skip
        named[f"{name} late"] = late
        for kind in ("dispute", "plan", "promise", "legal_hold"):
            put("invoice_freeze", kind=kind, invoice_id=late["id"], amount_minor=20_000, lifted_at=_MOMENT)
        put("invoice_freeze", kind="legal_hold", invoice_id=late["id"], amount_minor=20_000)
        _remind(world, named, name, offsets, late=late, paid=paid)
        _collect(world, named, name, late=late, paid=paid)
        for status in ("waiting", "sending", "sent", "uncertain", "refused", "dropped"):
            put("message", status=status, company_id=company["id"], attachments=[])
        for kind in ("original", "invoice", "statement", "receipt", "mandate"):
            put("document", kind=kind, **({} if kind == "original" else {"facts": {"of": name}}))
    for table in world.tables.sorted_tables:
        if table.name not in {*world.last, "alembic_version"}:
            put(table.name)
    return named


def _remind(world: Former, named: dict[str, Row], name: str, offsets: tuple[int, ...], *, late: Row, paid: Row) -> None:
    world.put("scenario", is_default=True)
    steps = [world.put("scenario_step", position=place, offset_days=days) for place, days in enumerate(offsets, 1)]
    for day, step, invoice in zip((date(2026, 1, 20), date(2026, 2, 20)), steps, (paid, late), strict=False):
        run = world.put("reminder_run", run_on=day, status="done")
        reminder = world.put("reminder", step_id=step["id"], remind_on=day)
        named[f"{name} reminded {day}"] = world.put(
            "reminder_invoice", reminder_id=reminder["id"], step_id=step["id"], invoice_id=invoice["id"],
            position=step["position"],
        )  # fmt: skip
        named[f"{name} decided {day}"] = world.put(
            "reminder_decision", run_id=run["id"], debtor_id=late["debtor_id"], run_on=day, outcome="reminded",
            step_position=step["position"],
        )  # fmt: skip
    named[f"{name} left alone"] = world.put(
        "reminder_decision", run_id=run["id"], outcome="nothing_due", step_position=None
    )


def _collect(world: Former, named: dict[str, Row], name: str, *, late: Row, paid: Row) -> None:
    world.put("mandate", status="active")
    world.put("collection_run")
    for what, invoice, state in (("collected", paid, "created"), ("announced", late, "announced")):
        collection = world.put("collection", invoice_id=invoice["id"], state=state)
        named[f"{name} {what}"] = collection
        named[f"{name} decision {what}"] = world.put(
            "collection_decision", invoice_id=invoice["id"], collection_id=collection["id"]
        )
