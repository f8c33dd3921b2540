"""Paging by key: a page of rows and the address of the next one, at the same speed on page one and page thousand."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")

DEFAULT_SIZE = 50


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows; `next_key` continues after the last one (None at the end), `previous_key` goes back."""

    rows: Sequence[T]
    next_key: str | None = None
    previous_key: str | None = None
    total: int | None = None


def encode_key(values: Sequence[Any]) -> str:
    """The sort values of a row, for a URL."""
    return base64.urlsafe_b64encode(json.dumps(list(values), default=str).encode()).decode().rstrip("=")


def decode_key(key: str | None) -> list[Any] | None:
    """The sort values of a key; None for none or a damaged one (page one is shown)."""
    if not key:
        return None
    try:
        values = json.loads(base64.urlsafe_b64decode(key + "=" * (-len(key) % 4)))
        json.dumps(values, ensure_ascii=False).encode()  # half a surrogate pair is no text for a database
    except (ValueError, binascii.Error, RecursionError):
        return None
    return values if isinstance(values, list) else None
