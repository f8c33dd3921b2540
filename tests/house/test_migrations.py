"""The schema's history: numbered, one head, up and down, and equal to the models."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

import wsgi
from shared.kit import schema

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
