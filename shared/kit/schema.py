"""The schema's history: Alembic, driven from the command line of Guichet with the tables that it is given."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData

from shared.kit.db import get_engine

DIRECTORY = Path(__file__).resolve().parent.parent / "migrations"


def _config(metadata: MetaData, connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(DIRECTORY))
    config.attributes.update(metadata=metadata, connection=connection)
    return config


def upgrade(metadata: MetaData, to: str = "head") -> None:
    """Bring the database up to a revision."""
    with get_engine().begin() as connection:
        upgrade_with(metadata, connection, to)


def upgrade_with(metadata: MetaData, connection: Connection, to: str = "head") -> None:
    """Bring the database of a transaction up to a revision; no statement is too long there, and no lock is waited for long."""
    command.upgrade(_config(metadata, connection), to)


def downgrade(metadata: MetaData, to: str) -> None:
    """Take the database back to a revision (tests)."""
    with get_engine().begin() as connection:
        command.downgrade(_config(metadata, connection), to)


def revision(metadata: MetaData, name: str) -> str:
    """Write the next numbered migration from the difference between models and database; gives its path."""
    with get_engine().begin() as connection:
        config = _config(metadata, connection)
        count = len(list(ScriptDirectory.from_config(config).walk_revisions()))
        script = command.revision(config, message=name, autogenerate=True, rev_id=f"{count + 1:04d}")
    return str(script.path if script and not isinstance(script, list) else script)
