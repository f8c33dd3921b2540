"""A stage on which processes are killed: real PostgreSQL, real twins, real webhooks, real mail."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.counter import Counter
from tests.torture.stage import Stage


@pytest.fixture
def stage(database, counter: Counter, tmp_path: Path) -> Iterator[Stage]:
    """A zygote in that world."""
    url = database.url.render_as_string(hide_password=False)
    stage = Stage(database=url, twins=counter.twins, var_dir=tmp_path / "var")
    yield stage
    stage.close()
