"""Databases of a moment are taken away."""

from __future__ import annotations

import psycopg
from psycopg import sql


def drop(connection: psycopg.Connection, name: str) -> None:
    """Drop a database with whatever is connected to it.

    By force it would end its own role's connections only, and refuses when an autovacuum worker is there; without force
    PostgreSQL ends that worker itself. So one follows the other.
    """
    named = sql.Identifier(name)
    try:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(named))
    except psycopg.errors.InsufficientPrivilege:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(named))
