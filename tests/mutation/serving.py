"""Meeting the mutants of modules that the same tests concern: a server that learns from the clean code, and its children."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from types import CodeType
from typing import Any

from tests.mutation import child, station
from tests.mutation.mutants import REPOSITORY, Mutant

SLACK = 20.0
"""Seconds that a mutant may take beyond eight times what its tests take on the clean code."""

Met = tuple[str, bool, str]
"""The number of a mutant's job, whether a test failed, and what pytest said."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the clean run showed: seconds of each test, and the tests that run each line of a module after the import."""

    seconds: dict[str, float]
    lines: dict[str, dict[int, frozenset[str]]]

    def tests_of(self, mutant: Mutant) -> list[str]:
        """The tests that can see a mutant in a body, the quickest first."""
        found: set[str] = set()
        for line in mutant.lines:
            found |= self.lines[mutant.module].get(line, frozenset())
        return self._quickest_first(found - {""})

    def all_tests(self, module: str) -> list[str]:
        """Those that run anything of the module first."""
        touching = set().union(*self.lines[module].values()) - {""}
        return self._quickest_first(touching) + self._quickest_first(set(self.seconds) - touching)

    def _quickest_first(self, names: set[str]) -> list[str]:
        return sorted(names, key=lambda name: (self.seconds[name], name))

    @classmethod
    def read(cls, learnt: Path) -> tuple[Known, list[str]]:
        """What was learnt, and the modules of others that the tests import."""
        read = json.loads(learnt.read_text())
        lines = {
            module: {int(line): frozenset(names) for line, names in found.items()}
            for module, found in read["lines"].items()
        }
        return cls(read["seconds"], lines), read["modules"]


@dataclass(frozen=True, slots=True)
class Task:
    """The modules as they are, their mutants, and where a server writes what it learns and what it meets."""

    cleans: Mapping[str, str]
    mutants: Sequence[Mutant]
    workers: int
    folder: Path

    @property
    def learnt(self) -> Path:
        return self.folder / "learnt.json"

    @property
    def told(self) -> Path:
        return self.folder / "met.jsonl"

    @property
    def output(self) -> Path:
        return self.folder / "clean.txt"

    def bodies(self, mutant: Mutant) -> Mapping[str, CodeType] | None:
        """See `child.bodies`."""
        return child.bodies(mutant.module, self.cleans[mutant.module], mutant.source)


def meet_all(tests: Sequence[str], mutants: Sequence[Mutant], workers: int, sessions: Path) -> Iterator[Met]:
    """What becomes of each mutant, as it comes. Ends the program when the tests fail on the clean code."""
    if not tests:
        yield from ((mutant.item.job_id, False, "there is no test") for mutant in mutants)
        return
    folder = sessions / str(os.getpid())
    folder.mkdir(exist_ok=True)
    cleans = {mutant.module: (REPOSITORY / mutant.module).read_text() for mutant in mutants}
    task = Task(cleans, mutants, workers, folder)
    for light in (True, False):
        for left in (task.told, task.learnt):
            left.unlink(missing_ok=True)
        if not light:
            _hold_servers()
        serve = _serve if light else _serve_from_stations
        work = partial(child.serve, tests, partial(serve, task), light=light)
        yield from _follow(child.fork(work, task.output), task.told)
        if task.learnt.exists():
            break
    else:
        sys.exit(f"The tests fail on the clean code:\n{task.output.read_text()}")
    known, foreign = Known.read(task.learnt)
    for name in foreign:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    seconds = SLACK + 8 * sum(known.seconds.values())
    jobs = []
    for mutant in mutants:
        if task.bodies(mutant) is None:
            chosen = known.all_tests(mutant.module)
            work = partial(child.meet_at_import, mutant.module, mutant.source, chosen, light=light)
            jobs.append((mutant.item.job_id, seconds, work))
    yield from _side_by_side(jobs, workers, folder)
    for left in folder.iterdir():
        left.unlink()
    folder.rmdir()


def _serve(task: Task, session: Any) -> None:
    """In the server: learn from the clean code, then meet each mutant of a body in a fork of its own."""
    known = _learn(task, session)
    if known is None:
        return
    quickest = known.all_tests(next(iter(task.cleans)))[0]
    output = task.folder / "nothing-changed.txt"
    if _wait(child.fork(lambda: child.run(session, [quickest]), output), 600) != 0:
        sys.stdout.write(f"Nothing was changed, and yet a test fails in a fork:\n{output.read_text()}")
        task.learnt.unlink()
        return

    def work(job: station.Job) -> int:
        return child.run(session, job.tests) if child.replace(job.module, job.bodies) else 0

    with _telling(task) as tell:
        jobs = [(job.name, job.seconds, partial(work, job)) for job in _jobs(task, known, tell)]
        for met in _side_by_side(jobs, task.workers, task.folder):
            tell(*met)


def _serve_from_stations(task: Task, session: Any) -> None:
    """The same where tests need a database: a few processes meet one mutant after the other."""
    known = _learn(task, session)
    if known is None:
        return
    with _telling(task) as tell:
        stations = station.Stations(session, _jobs(task, known, tell), folder=task.folder, stop=_stop)
        for met in stations.meet(task.workers):
            tell(*met)


def _learn(task: Task, session: Any) -> Known | None:
    output = task.folder / "learn.txt"
    if _wait(child.fork(lambda: child.learn(session, list(task.cleans), task.learnt), output), 3600) != 0:
        sys.stdout.write(output.read_text())
        task.learnt.unlink(missing_ok=True)
        return None
    return Known.read(task.learnt)[0]


@contextlib.contextmanager
def _telling(task: Task) -> Iterator[Callable[..., None]]:
    """What became of each mutant is written as it comes."""
    with task.told.open("a") as file:

        def tell(*met: object) -> None:
            file.write(json.dumps(met) + "\n")
            file.flush()

        yield tell


def _jobs(task: Task, known: Known, tell: Callable[..., None]) -> list[station.Job]:
    """The mutants of bodies that some test runs; the others are told at once."""
    jobs = []
    for mutant in task.mutants:
        changed = task.bodies(mutant)
        if changed is None:
            continue
        chosen = known.tests_of(mutant)
        if chosen:
            seconds = SLACK + 8 * sum(known.seconds[name] for name in chosen)
            jobs.append(station.Job(mutant.item.job_id, mutant.module, changed, chosen, seconds))
        else:
            tell(mutant.item.job_id, False, "no test runs this line")
    return jobs


@cache
def _hold_servers() -> subprocess.Popen[bytes]:
    """Keep the tests' PostgreSQL until we end: it would stop, and start anew, with each process that ran a test."""
    code = "import sys; from shared.kit import servers; servers.ensure_test_postgres(); print(); sys.stdin.read()"
    holder = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout is not None
    holder.stdout.readline()
    return holder


def _follow(server: int, told: Path) -> Iterator[Met]:
    """What a server tells, while it runs."""
    read = 0
    while True:
        ended = os.waitpid(server, os.WNOHANG)[0]
        if told.exists():
            lines = told.read_text().splitlines(keepends=True)
            for line in lines[read:]:
                if line.endswith("\n"):
                    read += 1
                    yield tuple(json.loads(line))
        if ended:
            return
        time.sleep(0.1)


def _side_by_side(jobs: Sequence[Any], workers: int, folder: Path) -> Iterator[Met]:
    """So many children at a time."""
    waiting = list(reversed(jobs))
    running: dict[int, tuple[str, Path, float]] = {}
    while waiting or running:
        while waiting and len(running) < workers:
            job, seconds, work = waiting.pop()
            output = folder / f"{job}.txt"
            running[child.fork(work, output)] = (job, output, time.monotonic() + seconds)
        for number, (job, output, deadline) in list(running.items()):
            ended, status = os.waitpid(number, os.WNOHANG)
            late = not ended and time.monotonic() > deadline
            if late:
                _stop(number)
            if ended or late:
                del running[number]
                said = "timeout" if late else output.read_text(errors="replace")[-4000:]
                output.unlink(missing_ok=True)
                yield job, late or os.waitstatus_to_exitcode(status) != 0, said
        if running:
            time.sleep(0.005)


def _stop(number: int) -> None:
    """End a child that goes on for ever: asked first, so that it can clean up, then by force with all that it started."""
    for how in (signal.SIGINT, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(number, how)
        limit = time.monotonic() + 10
        while time.monotonic() < limit:
            if os.waitpid(number, os.WNOHANG)[0]:
                return
            time.sleep(0.05)


def _wait(number: int, seconds: float) -> int:
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        ended, status = os.waitpid(number, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    _stop(number)
    return -1
