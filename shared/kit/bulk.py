"""Many rows at once: written or changed by one statement, COPY inside the session's own transaction, a quiet garbage collector."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from psycopg import sql
from sqlalchemy import (
    ARRAY,
    Column,
    Dialect,
    Enum,
    Select,
    String,
    Table,
    TableValuedAlias,
    Text,
    column,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

from shared.kit.db import Base, HasId, forget
from shared.kit.ids import new_id


def insert_rows(session: Session, model: type[Base], rows: Sequence[Mapping[str, Any]], **same: Any) -> None:
    """Insert rows by one statement, however many; `same` is what all of them say. Each row names the same columns.

    The ORM sends a statement for each row, and PostgreSQL then plans, checks and seals each for itself; here each column
    travels as one array. Rows without an id get one. No other column default of the model applies: give every column that has
    none in the database. No value of a JSON column may be None (the column would hold JSON's null).
    """
    if not rows:
        return
    if issubclass(model, HasId) and "id" not in rows[0]:
        rows = [{"id": new_id(), **row} for row in rows]
    session.flush()
    table = _table(model)
    varied = _unnested(table, rows)
    shared = [_value(table.c[name], value).label(name) for name, value in same.items()]
    fresh: Select[Any] = select(*varied.c, *shared)
    session.execute(insert(table).from_select([*rows[0], *same], fresh, include_defaults=False))


def change_rows(session: Session, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Give rows new values by one statement, however many: each names its `id`, and all the same other columns.

    The caller has locked them. What the session holds of them is read anew.
    """
    if not rows:
        return
    session.flush()
    table = _table(model)
    fresh = _unnested(table, rows)
    changed = [name for name in rows[0] if name != "id"]
    session.execute(update(table).where(table.c.id == fresh.c.id).values({name: fresh.c[name] for name in changed}))
    forget(session, model, [row["id"] for row in rows], *changed)


def _table(model: type[Base]) -> Table:
    table = model.__table__
    if not isinstance(table, Table):
        raise TypeError(f"{model.__name__} is no table")
    return table


def _unnested(table: Table, rows: Sequence[Mapping[str, Any]]) -> TableValuedAlias:
    """Rows as something to select from: one array for each column."""
    names = list(rows[0])
    arrays = [literal([row[name] for row in rows], ARRAY(_type(table.c[name]))) for name in names]
    columns = [column(name, table.c[name].type) for name in names]
    return func.unnest(*arrays).table_valued(*columns, name="fresh").render_derived()


def _value(of: Column[Any], value: Any) -> Any:
    return literal(value, _type(of))


def _type(of: Column[Any]) -> TypeEngine[Any]:
    """The type as which a value travels: a text without its length, because a cast would cut it where the column refuses it."""
    is_text = isinstance(of.type, String) and not isinstance(of.type, Enum)
    return Text() if is_text else of.type


def copy_rows(session: Session, model: type[Base], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows by COPY (some ten times an INSERT's speed); values in the order of `columns`, enums as their text.

    Column defaults of the models do not apply: give every column that has no default in the database. The rows travel in
    PostgreSQL's binary form, which both sides read three times as fast as text.
    """
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        sql.Identifier(model.__tablename__), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    session.flush()
    connection = session.connection()
    driver = connection.connection.driver_connection
    if driver is None:
        raise RuntimeError("the session has lost its connection")
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types([_type_name(model, name, connection.dialect) for name in columns])
        for row in rows:
            copy.write_row(row)


def _type_name(model: type[Base], column: str, dialect: Dialect) -> str:
    """What PostgreSQL calls a column's type: "uuid", "smallint", "varchar"."""
    written: str = model.__table__.c[column].type.compile(dialect=dialect)
    return written.lower().partition("(")[0]


@contextmanager
def uncollected() -> Iterator[None]:
    """Inside the block Python does not look for cycles of references.

    It looks after every so many new values, and walks all that live: a page of some hundred thousand small ones is walked again
    and again, a third of the time. What is in no cycle goes away as always.
    """
    was_looking = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_looking:
            gc.enable()
