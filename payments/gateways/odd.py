"""News that the provider signed and that we cannot read: kept as it came, and shown to a person, instead of stopping the rest."""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Callable
from typing import Any

from payments.gateways.base import EventSeen
from shared.kit import clock

log = logging.getLogger(__name__)

UNREADABLE = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError, RecursionError)
"""What reading raises of what is no event: the last two for a number or a nesting beyond measure."""

LONGEST_ID = 128
LONGEST_KIND = 96
LONGEST_REFERENCE = 255

_UNWRITABLE = re.compile(r"[\x00\ud800-\udfff]")
"""What no text column keeps: NUL, and half a pair of surrogates."""


def read(event: Any, reader: Callable[[Any], EventSeen]) -> EventSeen:
    """One event in our words; set aside when it cannot be read, or holds what our tables cannot keep."""
    try:
        seen = reader(event)
        problem = _problem(seen)
    except UNREADABLE as error:
        log.warning("an event cannot be read: %s", type(error).__name__)
        return set_aside(_bytes(event), f"{type(error).__name__}: {error}")
    return set_aside(seen.raw.encode(), problem) if problem else seen


def set_aside(body: bytes, problem: str) -> EventSeen:
    """News of which nothing is known but its bytes; the same bytes are kept once."""
    said = body.decode("utf-8", "backslashreplace")
    return EventSeen(
        id=f"unreadable-{hashlib.sha256(body).hexdigest()[:48]}",
        kind="unreadable",
        created_at=clock.now(),
        subject=None,
        raw=_writable(said),
        body=body,
        problem=_writable(problem)[:500],
    )


def reduced(event: EventSeen, problem: str) -> EventSeen:
    """An event that our tables refused, as one that is set aside."""
    return set_aside(event.body or event.raw.encode("utf-8", "backslashreplace"), problem)


def _problem(event: EventSeen) -> str:
    texts = {"id": (event.id, LONGEST_ID), "kind": (event.kind, LONGEST_KIND), "raw": (event.raw, None)}
    texts |= {name: (value, LONGEST_REFERENCE) for name, value in event.references.items()}
    for name, (text, longest) in texts.items():
        if not isinstance(text, str) or not text:
            return f"{name}: not a text"
        if _UNWRITABLE.search(text):
            return f"{name}: characters that cannot be kept"
        if longest and len(text) > longest:
            return f"{name}: {len(text)} characters"
    return ""


def _writable(text: str) -> str:
    return _UNWRITABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _bytes(event: Any) -> bytes:
    if isinstance(event, bytes):
        return event
    try:
        return json.dumps(event, separators=(",", ":"), default=str).encode()
    except (TypeError, ValueError, RecursionError):
        return repr(type(event)).encode()
