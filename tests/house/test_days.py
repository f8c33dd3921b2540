"""A day is a company's: the UTC day of a moment is another one for an hour or two each night."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
UTC_DAY = re.compile(r"(_at|_at\)|now\(\))\.date\(\)")


def test_no_moment_gives_its_utc_day() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for storey in ("shared", "payments", "portal", "backoffice")
        for path in sorted((ROOT / storey).rglob("*.py"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if UTC_DAY.search(line)
    ]

    assert found == []
