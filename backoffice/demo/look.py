"""Before a demo opens a database: is it one that a demo may open?"""

from __future__ import annotations

import psycopg

from shared.kit.errors import Refused, Unavailable

COMPANIES = ("atelier", "cidrerie")
"""The companies of the demo's world, by code."""


def refuse_foreign(database_url: str) -> None:
    """Raises Refused when the database holds a company that no demo made, Unavailable when it does not answer."""
    address = database_url.replace("postgresql+psycopg://", "postgresql://", 1)
    try:
        with psycopg.connect(address, connect_timeout=10) as connection:
            if connection.execute("SELECT to_regclass('company')").fetchone() == (None,):
                return
            found = connection.execute("SELECT code FROM company WHERE code <> ALL(%s) LIMIT 1", [list(COMPANIES)])
            other = found.fetchone()
    except psycopg.Error as error:
        raise Unavailable("demo.database", f"The database does not answer: {str(error).strip()}") from error
    if other is not None:
        raise Refused(
            "demo.foreign",
            f"This database holds the company {other[0]}, which no demo made: the demo does not open it. "
            "Name another one (GUICHET_DATABASE_URL), or another folder (GUICHET_VAR_DIR).",
        )
