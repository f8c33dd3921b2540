"""Many rows at once: COPY inside the session's own transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from psycopg import sql
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from shared.kit.db import Base

_DIALECT = postgresql.dialect()


def copy_rows(session: Session, model: type[Base], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows by COPY (some ten times an INSERT's speed); values in the order of `columns`, enums as their text.

    Column defaults of the models do not apply: give every column that has no default in the database. The rows travel in
    PostgreSQL's binary form, which both sides read three times as fast as text.
    """
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        sql.Identifier(model.__tablename__), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    session.flush()
    driver = session.connection().connection.driver_connection
    if driver is None:
        raise RuntimeError("the session has lost its connection")
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types([_type_name(model, name) for name in columns])
        for row in rows:
            copy.write_row(row)


def _type_name(model: type[Base], column: str) -> str:
    """What PostgreSQL calls a column's type: "uuid", "smallint", "varchar"."""
    written: str = model.__table__.c[column].type.compile(dialect=_DIALECT)
    return written.lower().partition("(")[0]
