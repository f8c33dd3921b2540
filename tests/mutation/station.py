"""Stations: processes that keep what is dear (a database, twins, a door) from one mutant to the next.

A fork for each mutant would make a database and start twins for each. A station makes them once, puts the body of a mutant
in the place of the other, runs the chosen tests, and puts the old one back. That a mutant left the station as it was is seen
by asking a test that has just failed once more, on the clean code: it must pass. If it does not, the station ends, and what it
met since the last time that it was right is met again elsewhere, each alone.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType
from typing import Any

import pytest

from tests.mutation import child

SURE_AFTER = 8
"""So many mutants are killed before the station is looked at; one whose test failed outside its own body, at once."""

Met = tuple[str, bool, str]


@dataclass(frozen=True, slots=True)
class Job:
    """A mutant of a body: what takes the place of what, the tests that run it, and how many seconds that may take."""

    name: str
    module: str
    bodies: Mapping[str, CodeType]
    tests: Sequence[str]
    seconds: float


class Last(child.Watch):
    """What the last test that failed was, and where."""

    def __init__(self) -> None:
        super().__init__()
        self.failed: str | None = None
        self.is_in_body = True
        self.said = ""

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self.is_in_body = self.is_in_body and report.when == "call"
            self.failed, self.said = report.nodeid, report.longreprtext[-4000:]


def work(session: pytest.Session, jobs: Mapping[str, Job], asked: int, answer: int) -> int:
    """In a child of the server: meet the mutants whose names come, "alone NAME" being looked at at once."""
    unsure: list[Met] = []
    killer: str | None = None

    def tell(word: str, *more: object) -> None:
        os.write(answer, (json.dumps([word, *more]) + "\n").encode())

    def is_right() -> bool:
        return killer is None or _run(session, [killer]).failed is None

    try:
        with os.fdopen(asked) as lines:
            for line in lines:
                how, _, name = line.strip().partition(" ")
                job = jobs[name]
                with child.instead(job.module, job.bodies) as is_there:
                    last = _run(session, job.tests) if is_there else Last()
                unsure.append((name, last.failed is not None, last.said))
                killer = last.failed or killer
                kills = sum(killed for _name, killed, _said in unsure)
                if how == "alone" or kills >= SURE_AFTER or not last.is_in_body:
                    if not is_right():
                        if how == "alone":
                            tell("sure", unsure)
                        return 0
                    tell("sure", unsure)
                    unsure, killer = [], None
                tell("next")
        if is_right():
            tell("sure", unsure)
        return 0
    finally:
        with contextlib.suppress(BaseException):
            session._setupstate.teardown_exact(None)


def _run(session: pytest.Session, chosen: Sequence[str]) -> Last:
    last = Last()
    session.testsfailed = 0
    session.config.pluginmanager.register(last)
    try:
        for name in chosen:
            item = child.item_of(session, name)
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=session)  # what is the session's stays
            if last.failed:
                break
    finally:
        session.config.pluginmanager.unregister(last)
    return last


@dataclass(slots=True)
class _Station:
    number: int
    asked: int
    answer: int
    output: Path
    given: list[str] = field(default_factory=list)
    """What it was given and has not said for sure; the last one is being met, unless it waits."""
    is_waiting: bool = True
    is_closing: bool = False
    deadline: float = 0.0
    heard: bytes = b""


class Stations:
    """In the server: so many stations at a time, each given one mutant after the other."""

    def __init__(
        self, session: pytest.Session, jobs: Sequence[Job], *, folder: Path, stop: Callable[[int], None]
    ) -> None:
        self._session = session
        self._jobs = {job.name: job for job in jobs}
        self._waiting = deque(self._jobs)
        self._alone: set[str] = set()
        self._folder = folder
        self._stop = stop
        self._stations: dict[int, _Station] = {}
        self._selector = selectors.DefaultSelector()

    def meet(self, workers: int) -> Iterator[Met]:
        """What becomes of each mutant, as it comes."""
        while self._waiting or self._stations:
            while len(self._stations) < min(workers, len(self._waiting)):
                self._begin()
            for station in list(self._stations.values()):
                if station.is_waiting:
                    self._give(station)
            for key, _events in self._selector.select(timeout=0.2):
                yield from self._hear(self._stations[key.fd])
            for station in list(self._stations.values()):
                if not station.is_waiting and time.monotonic() > station.deadline:
                    yield from self._give_up(station)

    def _begin(self) -> None:
        asked_out, asked_in = os.pipe()
        answer_out, answer_in = os.pipe()
        output = self._folder / f"station-{os.getpid()}-{answer_out}.txt"
        ours = [asked_in, answer_out, *self._stations]
        ours += [each.asked for each in self._stations.values() if not each.is_closing]

        def run() -> int:
            for pipe in ours:
                with contextlib.suppress(OSError):
                    os.close(pipe)
            return work(self._session, self._jobs, asked_out, answer_in)

        number = child.fork(run, output)
        os.close(asked_out)
        os.close(answer_in)
        self._stations[answer_out] = _Station(number, asked_in, answer_out, output)
        self._selector.register(answer_out, selectors.EVENT_READ)

    def _give(self, station: _Station) -> None:
        station.is_waiting = False
        if not self._waiting:
            station.is_closing, station.deadline = True, time.monotonic() + 600
            os.close(station.asked)
            return
        name = self._waiting.popleft()
        station.given.append(name)
        station.deadline = time.monotonic() + 2 * self._jobs[name].seconds
        os.write(station.asked, f"{'alone' if name in self._alone else 'one'} {name}\n".encode())

    def _hear(self, station: _Station) -> Iterator[Met]:
        heard = os.read(station.answer, 65536)
        if not heard:
            yield from self._end(station)
            return
        *lines, station.heard = (station.heard + heard).split(b"\n")
        for line in lines:
            word, *more = json.loads(line)
            if word == "next":
                station.is_waiting = True
                continue
            for name, killed, said in more[0]:
                station.given.remove(name)
                yield name, killed, said

    def _give_up(self, station: _Station) -> Iterator[Met]:
        self._stop(station.number)
        if station.given and not station.is_closing:
            yield station.given.pop(), True, "timeout"
        yield from self._end(station)

    def _end(self, station: _Station) -> Iterator[Met]:
        self._selector.unregister(station.answer)
        del self._stations[station.answer]
        os.close(station.answer)
        if not station.is_closing:
            os.close(station.asked)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(station.number, 0)
        station.output.unlink(missing_ok=True)
        for name in reversed(station.given):
            if name in self._alone:  # met alone, and even so the station ended: that is what this mutant does
                yield name, True, "the station ended"
            else:
                self._alone.add(name)
                self._waiting.appendleft(name)
