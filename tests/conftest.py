"""The root fixtures: a real PostgreSQL made by the migrations, a frozen clock, settings, the two doors."""

from __future__ import annotations

import hashlib
import os
import tempfile
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import hypothesis
import psycopg
import pytest
from flask import Flask
from psycopg import sql
from pydantic import SecretStr
from sqlalchemy import Engine, inspect, text
from sqlalchemy.engine import make_url

import wsgi
from shared.kit import clock, files, schema, words
from shared.kit.db import make_engine, use_engine
from shared.kit.settings import Settings, use_settings
from tests.support import databases
from tests.support.compiled import Compiled
from tests.support.counter import Counter, Door, together
from tests.support.twins import TwinsProcess, start_twins

REPOSITORY = Path(__file__).resolve().parent.parent
JOURNEYS = REPOSITORY / "tests" / "journeys"
SHARED_DATA = REPOSITORY.parent / "shared" / "data"

hypothesis.settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any machine")

FOLDERS = Path(
    tempfile.gettempdir(), f"guichet-tests-{os.geteuid()}-{hashlib.sha256(bytes(REPOSITORY)).hexdigest()[:8]}"
)
"""Where the folders of this clone's tests lie: pytest closes its own to other users at every start, also to the PostgreSQL of
another run that keeps its data there."""
FOLDERS.mkdir(mode=0o711, exist_ok=True)
os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(FOLDERS))

Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": Compiled()}

MORNING = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
"""A Tuesday, 10:00 in Paris: the moment at which every test begins."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The journeys come first: they take longest, and other workers do the rest meanwhile."""
    items.sort(key=lambda item: item.path.parent != JOURNEYS)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Whole files to a worker, for what is made once a file; and nearly all journeys to one, for they share a family."""
    from tests.support.scheduling import ByFile

    return ByFile(config, log)


@pytest.fixture(scope="session")
def real_files() -> Path:
    """The folder of real files; its absence fails in CI and skips elsewhere."""
    if not SHARED_DATA.is_dir():
        if os.environ.get("CI"):
            pytest.fail(f"{SHARED_DATA} is missing: CI must test on the real files")
        pytest.skip("the folder of real files is not here")
    return SHARED_DATA


@pytest.fixture(scope="session")
def server_url() -> str:
    """The PostgreSQL server that tests use: the one named by the environment, else the embedded one."""
    given = os.environ.get("GUICHET_DATABASE_URL")
    if given:
        return given
    from shared.kit.servers import ensure_test_postgres

    return ensure_test_postgres()


@pytest.fixture(scope="session")
def migrated(server_url: str) -> Iterator[Engine]:
    """A database of this run alone, cloned from a template that the migrations made."""
    wsgi.metadata()
    url = make_url(server_url)
    admin = url.set(drivername="postgresql").render_as_string(hide_password=False)
    template = "guichet_template_" + _fingerprint()
    name = f"guichet_test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(7007)")
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [template]).fetchone():
            _make_template(connection, url.set(drivername="postgresql+psycopg"), template)
        _create(connection, name, template)
        connection.execute("SELECT pg_advisory_unlock(7007)")
    engine = make_engine(url.set(drivername="postgresql+psycopg", database=name).render_as_string(hide_password=False))
    yield engine
    engine.dispose()
    with psycopg.connect(admin, autocommit=True) as connection:
        databases.drop(connection, name)


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for path in sorted((REPOSITORY / "shared/migrations/versions").glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _make_template(connection: psycopg.Connection, url: object, template: str) -> None:
    scratch = f"{template}_{uuid.uuid4().hex[:6]}"
    _create(connection, scratch, "template1")
    engine = make_engine(url.set(database=scratch).render_as_string(hide_password=False))
    use_engine(engine)
    schema.upgrade(wsgi.metadata())
    engine.dispose()
    use_engine(None)
    connection.execute(
        sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(scratch), sql.Identifier(template))
    )


def _create(connection: psycopg.Connection, name: str, template: str) -> None:
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
    connection.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))


@pytest.fixture
def database(migrated: Engine) -> Iterator[Engine]:
    """An empty database in charge of this process; what a test commits is gone after it."""
    use_engine(migrated)
    yield migrated
    use_engine(None)
    with migrated.begin() as connection:
        names = [name for name in inspect(connection).get_table_names() if name != "alembic_version"]
        used = " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT FROM {name})" for name in names)
        dirty = connection.execute(text(used)).scalars().all()
        if dirty:
            connection.execute(text(f"TRUNCATE {', '.join(dirty)} RESTART IDENTITY CASCADE"))


@pytest.fixture
def frozen() -> Iterator[clock.FrozenClock]:
    """Time stands still at MORNING until the test moves it."""
    frozen = clock.FrozenClock(MORNING)
    before = clock.set_clock(frozen)
    yield frozen
    clock.set_clock(before)


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    """Settings of a test installation: no provider, no mail server."""
    made = Settings(
        mode="test", secret_key=SecretStr("t" * 48), var_dir=tmp_path / "var", public_url="http://guichet.test"
    )
    use_settings(made)
    files.use_store(files.FileStore(made.var_dir / "files"))
    return made


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    with words.speaking("en"):
        yield


@pytest.fixture(scope="session")
def door() -> Iterator[Door]:
    """Where the twins of this run post their webhooks."""
    door = Door()
    door.open()
    yield door
    door.close()


@pytest.fixture(scope="session")
def bank(tmp_path_factory: pytest.TempPathFactory, door: Door) -> Iterator[TwinsProcess]:
    """The twins that post to our door."""
    with start_twins(tmp_path_factory.mktemp("bank"), app_url=f"http://127.0.0.1:{door.port}") as twins:
        yield twins


@pytest.fixture
def counter(database: object, bank: TwinsProcess, door: Door, tmp_path: Path) -> Iterator[Counter]:
    """A new world: empty database, twins without a past, one virtual time."""
    wsgi.import_jobs()
    with together(bank, door, tmp_path / "var") as counter:
        yield counter
