"""A stage on which processes are killed: real PostgreSQL, real twins, real webhooks, real mail."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import wsgi
from tests.support.counter import Counter, Door, together
from tests.support.twins import TwinsProcess, start_twins
from tests.torture.stage import Stage


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
def counter(database, bank: TwinsProcess, door: Door, tmp_path: Path) -> Iterator[Counter]:
    """A new world."""
    wsgi.import_jobs()
    with together(bank, door, tmp_path / "var") as counter:
        yield counter


@pytest.fixture
def stage(database, counter: Counter, tmp_path: Path) -> Iterator[Stage]:
    """A zygote in that world."""
    url = database.url.render_as_string(hide_password=False)
    stage = Stage(database=url, twins=counter.twins, var_dir=tmp_path / "var")
    yield stage
    stage.close()
