"""A PostgreSQL for the figures, with the settings an installation has (an answered commit is on disk), and databases in it."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL, make_url

import wsgi
from shared.kit import schema, servers
from shared.kit.db import make_engine, use_engine
from tests.support import databases

VAR = Path(__file__).resolve().parents[2] / "var" / "bench"


def server() -> URL:
    """The server that GUICHET_DATABASE_URL names, or an embedded one of the figures' own."""
    given = os.environ.get("GUICHET_DATABASE_URL")
    if given:
        return make_url(given)
    url = make_url(servers.ensure_postgres(VAR))
    with psycopg.connect(_plain(url.set(username="postgres", database="postgres")), autocommit=True) as connection:
        connection.execute("ALTER ROLE guichet CREATEDB")
    return url


def _plain(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(url: str) -> float | None:
    """What this process and the database's processes for it have computed so far; None when the server is elsewhere.

    On a busy machine it says more than seconds do: a run that had the machine to itself would hardly take longer.
    """
    words = f" {make_url(url).database} ".encode()
    total = 0
    is_here = False
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if words not in (folder / "cmdline").read_bytes().replace(b"\0", b" "):
                continue
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        is_here = True
        total += int(fields[11]) + int(fields[12])
    return total / _TICKS + time.process_time() if is_here else None


@contextmanager
def empty_database() -> Iterator[str]:
    """A migrated database of its own, in charge of this process; dropped afterwards."""
    at = server()
    name = f"guichet_bench_{uuid.uuid4().hex[:10]}"
    with psycopg.connect(_plain(at), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    url = at.set(drivername="postgresql+psycopg", database=name).render_as_string(hide_password=False)
    engine = make_engine(url)
    use_engine(engine)
    try:
        schema.upgrade(wsgi.metadata())
        wsgi.import_jobs()
        yield url
    finally:
        engine.dispose()
        use_engine(None)
        with psycopg.connect(_plain(at), autocommit=True) as connection:
            databases.drop(connection, name)
