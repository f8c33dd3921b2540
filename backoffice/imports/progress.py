"""How far a run has come, told while it works."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import update

from backoffice.imports.faults import Unreadable
from backoffice.imports.models import ImportRun
from backoffice.imports.plan import Item
from backoffice.imports.source import Source, kind_of
from shared.kit import files
from shared.kit.db import get_engine

SAMPLED = 8
_SAMPLE_FIELDS = ("number", "debtor", "kind", "due_derived", "total", "open")


class Progress:
    """Tells how far a run has come on a connection of its own, so that others see it before the commit."""

    def __init__(self, run_id: uuid.UUID, tell: Callable[[int], None]) -> None:
        self._run_id, self._tell = run_id, tell
        self._seen = 0
        self.sample: list[dict[str, Any]] = []

    def at(self, line: int) -> None:
        if line >= self._seen + 20_000:
            self._seen = line
            self._tell(line)

    def item(self, item: Item) -> None:
        """A sink that keeps the first items and looks at the line of the others."""
        if len(self.sample) < SAMPLED:
            self.sample.append(
                {name: getattr(item, name) for name in _SAMPLE_FIELDS}
                | {"issued_on": item.issued_on.isoformat(), "due_on": item.due_on.isoformat()}
            )
        if item.line >= self._seen + 20_000:
            self.at(item.line)


@contextmanager
def progress_of(run: ImportRun) -> Iterator[Progress]:
    source = Source(files.get_store().path(run.file_sha256), run.file_name)
    lines = sum(chunk.count(b"\n") for chunk in source.chunks()) if run.file_size and _is_text(source) else 0
    with get_engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:

        def tell(line: int) -> None:
            connection.execute(
                update(ImportRun)
                .where(ImportRun.id == run.id)
                .values(done_count=min(line, lines) if lines else line, total_count=lines)
            )

        tell(0)
        yield Progress(run.id, tell)


def _is_text(source: Source) -> bool:
    try:
        return kind_of(source) == "text"
    except Unreadable:
        return False
