"""When a digest is due, and what it says of each message: pure."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

MONDAY = 0
DIGEST_FROM = time(8)
DIGEST_UNTIL = time(20)
WRAPPED_AT = 76
"""Where the text part of a message breaks its lines (templates/mail/components.txt.j2)."""


def last_digest_moment(now: datetime, zone: str) -> datetime:
    """The latest Monday, eight in the morning of a company's zone, that has come: what was gathered before it is due."""
    local = now.astimezone(ZoneInfo(zone))
    monday = local.date() - timedelta(days=(local.weekday() - MONDAY) % 7)
    moment = datetime.combine(monday, DIGEST_FROM, ZoneInfo(zone))
    if moment > local:
        moment = datetime.combine(monday - timedelta(days=7), DIGEST_FROM, ZoneInfo(zone))
    return moment


def is_digest_time(now: datetime, zone: str) -> bool:
    """Whether a digest may leave now: by day only, also when it is late (an outage over Monday morning)."""
    return DIGEST_FROM <= now.astimezone(ZoneInfo(zone)).time() < DIGEST_UNTIL


def excerpt(text: str, *, link: str) -> list[str]:
    """What a message says, paragraph by paragraph: without its greeting, its link (`link` marks it) and its foot."""
    *before, foot = re.split(r"^-- ?$", text, flags=re.MULTILINE)
    body = "--".join(before) or foot
    paragraphs = [unwrap(block.splitlines()) for block in re.split(r"\n{2,}", body.strip())]
    kept = [each for each in paragraphs if link not in each]
    if kept and len(kept[0]) < WRAPPED_AT and kept[0].endswith(","):
        kept = kept[1:]
    return [each for each in kept if not re.fullmatch(r"-{3,}", each)]


def unwrap(lines: list[str]) -> str:
    """A paragraph with the line breaks that its writer meant: a line is joined to one that had no room for its first word."""
    joined = ""
    last = ""
    for line in lines:
        first = line.split(" ", 1)[0]
        was_broken = bool(last) and len(last) + 1 + len(first) > WRAPPED_AT and not line.startswith("- ")
        joined += (" " if was_broken else "\n" if joined else "") + line
        last = line
    return joined
