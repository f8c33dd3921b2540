"""Many rows at once: COPY inside the session's own transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from psycopg import sql
from sqlalchemy.orm import Session

from shared.kit.db import Base


def copy_rows(session: Session, model: type[Base], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows by COPY (some ten times an INSERT's speed); values in the order of `columns`, enums as their text.

    Column defaults of the models do not apply: give every column that has no default in the database.
    """
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(model.__tablename__), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    session.flush()
    driver = session.connection().connection.driver_connection
    if driver is None:
        raise RuntimeError("the session has lost its connection")
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
