"""Files of forms that are not sent yet: kept apart from all that somebody refers to, in a folder a day.

Nobody ever refers to what is here but the form itself, for some hours. A folder is swept when its day lies more than one
day back: by then every form that could name it is too old, so that a sweep never meets a form that is being sent. What is
sent is stored anew among the kept files (`attachments.service.attach`).
"""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from pathlib import Path

from shared.kit import clock, files

FOLDER = "waiting"
KEPT_DAYS = 1


def put(content: bytes) -> tuple[str, str]:
    """Keep bytes for a form; gives where they are: the folder's day and the digest."""
    day = _today().isoformat()
    return day, _store(day).put(content).sha256


def get(day: str, sha256: str) -> bytes:
    """What a form kept; raises NotFound when it was swept, ValueError for what is no day."""
    return _store(date.fromisoformat(day).isoformat()).get(sha256)


def sweep() -> int:
    """Delete the files of forms that were never sent; gives how many folders. Killed anywhere, the next one goes on."""
    last = _today() - timedelta(days=KEPT_DAYS)
    swept = 0
    for folder in _root().iterdir() if _root().is_dir() else ():
        if _day_of(folder) < last:
            shutil.rmtree(folder)
            swept += 1
    return swept


def _day_of(folder: Path) -> date:
    try:
        return date.fromisoformat(folder.name)
    except ValueError:
        return date.max  # not ours


def _today() -> date:
    return clock.today("UTC")


def _root() -> Path:
    return files.get_store().root / FOLDER


def _store(day: str) -> files.FileStore:
    return files.FileStore(_root() / day)
