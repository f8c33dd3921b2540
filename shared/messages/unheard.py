"""Who could not be told of something: whoever did it is to know, also when its own words say that the debtor is told."""

from __future__ import annotations

from contextvars import ContextVar

_names: ContextVar[list[str] | None] = ContextVar("unheard", default=None)


def begin() -> None:
    """Listen from now on, in this thread."""
    _names.set([])


def note(debtor_name: str) -> None:
    """A message to a debtor's people was to be written, and nobody of them has an address that takes messages."""
    names = _names.get()
    if names is not None and debtor_name not in names:
        names.append(debtor_name)


def anybody() -> bool:
    """Whether somebody could not be told since `begin`."""
    return bool(_names.get())


def take() -> list[str]:
    """The names that were noted since `begin`; it listens no more."""
    names = _names.get() or []
    _names.set(None)
    return names
