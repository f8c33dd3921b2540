"""Stepping aside: who waits for somebody outside lets the next visitor come to the counter.

In a web process one request is worked on at a time (`shared.kit.clerk`): that is quickest for pages, and no two of them
meet. What is slow and not ours, a provider's answer, or slow and heavy, a paper or a picture, is done *aside*: the
request leaves its turn, others are served meanwhile, and it comes back for the rest. Each kind of such work has a
`Lane`, few at once, so that it can never take the whole web.

Outside the web (workers, commands, tests of a flow) nobody waits behind us: all of this does nothing there.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from shared.kit.errors import Unavailable

SILENT_S = 1.0
"""A call that failed after so long was not answered; one that failed at once costs nobody anything."""

SILENT_TIMES = 2
"""So many silent calls one after the other, and nobody asks for a while."""

REST_S = 15.0
"""That while; then one call tries."""


class Engaged(Unavailable):
    """Not even begun: too many do the same at this moment, or who should answer has been silent. Later it may go."""


class Turn(Protocol):
    """The right to work on a request: one thread of the process has it."""

    def leave(self) -> None:
        """Give it to somebody else."""
        ...

    def take(self) -> None:
        """Wait for it and have it again."""
        ...


class _Here(threading.local):
    turn: Turn | None = None
    is_aside = False


_here = _Here()


def has_turn(turn: Turn) -> None:
    """Say that this thread works on requests under that turn (the web server's worker)."""
    _here.turn = turn


def somebody_waits() -> bool:
    """Whether a visitor waits for what this thread does: then it must be quick, and something else must finish it."""
    return _here.turn is not None


class Lane:
    """One kind of slow work: `at_once` in a process, and at most `waiting` behind them."""

    def __init__(self, name: str, *, at_once: int, waiting: int = 0, refusal: object = "") -> None:
        """`refusal`: the words, for people, when there is no place in it."""
        self.name = name
        self._refusal = refusal
        self._at_once = at_once
        self._most = at_once + waiting
        self._inside = 0
        self._lock = threading.Lock()
        self._places = threading.Semaphore(at_once)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Do this work aside. Raises Engaged, at once, when too many do or wait already."""
        turn = _here.turn
        if turn is None or _here.is_aside:
            yield
            return
        self._enter()
        turn.leave()
        _here.is_aside = True
        try:
            with self._places:
                yield
        finally:
            with self._lock:
                self._inside -= 1
            _here.is_aside = False
            turn.take()

    def _enter(self) -> None:
        with self._lock:
            if self._inside >= self._most:
                raise Engaged("lane.full", str(self._refusal) or f"{self.name}: {self._inside} at once")
            self._inside += 1


class Line:
    """A lane to somebody who may stay silent: after two calls in vain nobody calls for a while, then one tries."""

    def __init__(self, name: str, *, at_once: int) -> None:
        self.name = name
        self._lane = Lane(name, at_once=at_once)
        self._lock = threading.Lock()
        self._in_vain = 0
        self._rests_until = 0.0

    @contextmanager
    def call(self) -> Iterator[None]:
        """Speak to them, aside. Raises Engaged, at once, when too many do, or when they have been silent."""
        if _here.turn is None or _here.is_aside:
            yield
            return
        self._may_try()
        began = time.monotonic()
        is_silent = True
        try:
            with self._lane.aside():
                yield
                is_silent = False
        except BaseException:
            is_silent = time.monotonic() - began >= SILENT_S
            raise
        finally:
            self._remember(is_silent=is_silent)

    def _may_try(self) -> None:
        with self._lock:
            if self._in_vain < SILENT_TIMES:
                return
            if time.monotonic() < self._rests_until:
                raise Engaged("line.silent", f"{self.name} has been silent")
            self._rests_until = time.monotonic() + REST_S  # one tries; the others go on resting

    def _remember(self, *, is_silent: bool) -> None:
        with self._lock:
            self._in_vain = self._in_vain + 1 if is_silent else 0
            if self._in_vain >= SILENT_TIMES:
                self._rests_until = time.monotonic() + REST_S
