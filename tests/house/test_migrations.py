"""The schema's history: numbered, one head, up and down, and equal to the models."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg import sql
from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.engine import make_url

import wsgi
from shared.kit import schema
from shared.kit.db import make_engine, use_engine
from shared.kit.ids import new_id
from tests.support import databases

VERSIONS = Path(schema.DIRECTORY) / "versions"


def test_migrations_are_numbered_in_one_line() -> None:
    config = Config()
    config.set_main_option("script_location", str(schema.DIRECTORY))
    script = ScriptDirectory.from_config(config)

    assert len(script.get_heads()) == 1
    names = sorted(path.name for path in VERSIONS.glob("*.py"))
    assert [int(re.match(r"(\d{4})_", name)[1]) for name in names] == list(range(1, len(names) + 1))


def test_the_migrated_schema_equals_the_models(migrated) -> None:
    with migrated.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, wsgi.metadata()) == []


@pytest.mark.usefixtures("database")
def test_the_append_only_tables_refuse_change(migrated) -> None:
    with migrated.connect() as connection:
        guarded = connection.execute(
            text("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'append_only'")
        )
        assert set(guarded.scalars()) >= {
            "audit_line",
            "ledger_transfer",
            "payment_transition",
            "mandate_transition",
            "dispute_transition",
            "dispute_entry",
        }


def test_every_column_with_a_moment_has_a_zone(migrated) -> None:
    tables = {table: inspect(migrated).get_columns(table) for table in inspect(migrated).get_table_names()}

    moments = [
        (f"{table}.{column['name']}", column["type"].timezone)
        for table, columns in tables.items()
        for column in columns
        if str(column["type"]).startswith("TIMESTAMP")
    ]

    assert len(moments) > 30
    assert [name for name, has_zone in moments if not has_zone] == []


@pytest.fixture(name="empty")
def _empty(server_url: str) -> Iterator[Engine]:
    """A database without a table, in charge of this process."""
    name, url = f"guichet_steps_{uuid.uuid4().hex[:12]}", make_url(server_url)
    admin = url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    engine = make_engine(url.set(drivername="postgresql+psycopg", database=name).render_as_string(hide_password=False))
    use_engine(engine)
    yield engine
    use_engine(None)
    engine.dispose()
    with psycopg.connect(admin, autocommit=True) as connection:
        databases.drop(connection, name)


def test_replies_of_disputes_stay_when_every_room_gets_replies_and_when_that_is_taken_back(empty: Engine) -> None:
    columns = "code, title, text_fr, text_en, asks, is_active, position"
    schema.upgrade(wsgi.metadata(), "0002")
    with empty.begin() as connection:
        values = f"SELECT '{new_id()}', '{new_id()}', 'ours', 'Ours', 'f', 'e', true, true, 1"
        _add_orphan(connection, "dispute_saved_reply", f"id, company_id, {columns}", values)

    schema.upgrade(wsgi.metadata(), "0003")
    with empty.begin() as connection:
        found = connection.execute(text("SELECT room, act, code, text_fr FROM saved_reply")).all()
        assert found == [("dispute", "answer", "ours", "f")]
        values = f"SELECT '{new_id()}', company_id, 'plan', 'decline', {columns} FROM saved_reply"
        _add_orphan(connection, "saved_reply", f"id, company_id, room, act, {columns}", values)

    with pytest.raises(RuntimeError, match="1 of saved_reply"):
        schema.downgrade(wsgi.metadata(), "0002")
    with empty.begin() as connection:
        connection.execute(text("DELETE FROM saved_reply WHERE room = 'plan'"))
    schema.downgrade(wsgi.metadata(), "0002")
    with empty.begin() as connection:
        assert connection.execute(text("SELECT code, text_fr FROM dispute_saved_reply")).all() == [("ours", "f")]
    schema.upgrade(wsgi.metadata(), "0003")


def test_three_days_of_quiet_become_a_week_where_nobody_chose_them(empty: Engine) -> None:
    schema.upgrade(wsgi.metadata(), "0029")
    made, chosen, other = new_id(), new_id(), new_id()
    with empty.begin() as connection:
        for identity, is_default, days in ((made, True, 3), (chosen, True, 3), (other, False, 3)):
            values = f"'{identity}', '{new_id()}', 'One', {is_default}, 100, {days}, now()"
            columns = "id, company_id, name, is_default, minimum_minor, quiet_days, created_at"
            connection.execute(text("ALTER TABLE scenario DROP CONSTRAINT IF EXISTS fk_scenario_company_id"))
            connection.execute(text(f"INSERT INTO scenario ({columns}) SELECT {values}"))
        connection.execute(
            text(f"""INSERT INTO audit_line (at, actor_kind, actor_name, action, subject_type, subject_id)
                VALUES (now(), 'staff', 'Sam', 'scenario.changed', 'scenario', '{chosen}')""")
        )
    schema.upgrade(wsgi.metadata(), "0030")
    with empty.begin() as connection:
        found = {row.id: row.quiet_days for row in connection.execute(text("SELECT id, quiet_days FROM scenario"))}
    assert found == {made: 7, chosen: 3, other: 3}


def _add_orphan(connection: Connection, table: str, columns: str, values: str) -> None:
    """A row whose company is not there: what the test is about, without a whole company."""
    key = f"fk_{table}_company_id"
    connection.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT {key}"))
    connection.execute(text(f"INSERT INTO {table} ({columns}) {values}"))
    connection.execute(
        text(f"ALTER TABLE {table} ADD CONSTRAINT {key} FOREIGN KEY (company_id) REFERENCES company (id) NOT VALID")
    )
