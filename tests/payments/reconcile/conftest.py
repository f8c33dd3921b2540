"""One world that has lived, made once for a module; each test has a copy of its database of its own."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Engine
from sqlalchemy.engine import URL, make_url

import wsgi
from shared.kit import schema, words
from shared.kit.db import make_engine, use_engine
from tests.support import databases
from tests.support.counter import Counter, Door, together
from tests.support.lived import live
from tests.support.twins import TwinsProcess


@dataclass
class Lived:
    """The world and the database that it left."""

    counter: Counter
    admin: str
    url: URL
    name: str

    def create(self, name: str, template: str | None = None) -> Engine:
        with psycopg.connect(self.admin, autocommit=True) as connection:
            statement = "CREATE DATABASE {} TEMPLATE {}"
            made = sql.SQL(statement).format(sql.Identifier(name), sql.Identifier(template or "template1"))
            connection.execute(made)
        return make_engine(self.url.set(database=name).render_as_string(hide_password=False))

    def drop(self, engine: Engine, name: str) -> None:
        engine.dispose()
        use_engine(None)
        with psycopg.connect(self.admin, autocommit=True) as connection:
            databases.drop(connection, name)


@pytest.fixture(scope="module")
def lived(server_url: str, bank: TwinsProcess, door: Door, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    """Dora's life, and its database as a template."""
    wsgi.import_jobs()
    url = make_url(server_url)
    admin = url.set(drivername="postgresql").render_as_string(hide_password=False)
    name = f"guichet_lived_{uuid.uuid4().hex[:12]}"
    var_dir: Path = tmp_path_factory.mktemp("lived") / "var"
    with words.speaking("en"), together(bank, door, var_dir) as counter:
        world = Lived(counter, admin, url.set(drivername="postgresql+psycopg"), name)
        engine = world.create(name)
        use_engine(engine)
        schema.upgrade(wsgi.metadata())
        live(counter)
        engine.dispose()
        use_engine(None)
        yield world
    with psycopg.connect(admin, autocommit=True) as connection:
        databases.drop(connection, name)


@pytest.fixture(scope="module")
def _copy(lived: Lived) -> Iterator[Engine]:
    name = f"{lived.name}_copy"
    engine = lived.create(name, lived.name)
    yield engine
    lived.drop(engine, name)


@pytest.fixture
def spoilt(lived: Lived, _copy: Engine) -> Iterator[Counter]:
    """A copy of that world for all tests that leave nothing behind."""
    use_engine(_copy)
    yield lived.counter
    use_engine(None)


@pytest.fixture
def world(lived: Lived) -> Iterator[Counter]:
    """A copy of that world, to be spoilt."""
    name = f"{lived.name}_{uuid.uuid4().hex[:6]}"
    engine = lived.create(name, lived.name)
    use_engine(engine)
    yield lived.counter
    lived.drop(engine, name)
