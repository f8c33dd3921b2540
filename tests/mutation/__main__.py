"""`make mutate`: which single-line faults the tests would not see.

    python -m tests.mutation [MODULE …] [--sample 100] [--seed 7] [--workers 2] [--nice 15] [--survivors] [--show] [--least 95]

MODULE is a path or the beginning of one ("payments/collections"); without any, all of `targets.py` are mutated. The
mutants are made by cosmic-ray, whose sessions are left in var/mutation for its own reports (`cr-html`, `cr-report`).
`--survivors` meets those again that survived the last time. What nobody can tell from the original is named in
`equivalent.toml` with its reason, and not counted.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import chain
from pathlib import Path
from typing import Any

from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import TestOutcome, WorkerOutcome, WorkResult

from tests.mutation import child, station
from tests.mutation.mutants import REPOSITORY, Equivalents, Mutant, mutants_of
from tests.mutation.targets import TARGETS

SESSIONS = REPOSITORY / "var" / "mutation"
SLACK = 20.0
"""Seconds that a mutant may take beyond eight times what its tests take on the clean code."""


@dataclass(slots=True)
class Report:
    """What became of the mutants of one module."""

    module: str
    made: int
    killed: int = 0
    survived: list[Mutant] = field(default_factory=list)
    equivalent: int = 0
    wrongly: list[Mutant] = field(default_factory=list)

    @property
    def share(self) -> float:
        met = self.killed + len(self.survived)
        return 100 * self.killed / met if met else 100.0

    def line(self) -> str:
        sampled = self.killed + len(self.survived) + self.equivalent
        size = f"{sampled}" if sampled == self.made else f"{sampled} of {self.made}"
        return f"{self.module:38} {size:>12} {self.killed:>7} {len(self.survived):>9} {self.equivalent:>11} {self.share:>8.1f} %"


HEAD = f"{'module':38} {'mutants':>12} {'killed':>7} {'survived':>9} {'equivalent':>11} {'killed':>10}"


def main() -> int:
    asked = _arguments()
    os.chdir(REPOSITORY)
    os.nice(max(0, asked.nice - os.nice(0)))
    SESSIONS.mkdir(parents=True, exist_ok=True)
    modules = [module for module in TARGETS if not asked.modules or module.startswith(tuple(asked.modules))]
    if not modules:
        sys.exit(f"No module begins with {' or '.join(asked.modules)}. These are known: {', '.join(TARGETS)}.")
    equivalents = Equivalents()
    reports = []
    for module in modules:
        report = _mutate(module, equivalents, asked)
        reports.append(report)
        _say(f"{HEAD}\n{report.line()}" if len(reports) == 1 else report.line())
        for mutant in [*(report.survived if asked.show else []), *report.wrongly]:
            said = "listed as equivalent, yet killed" if mutant in report.wrongly else "survived"
            _say(f"    {mutant.where}: {said}\n      - {mutant.before}\n      + {mutant.after}")
    total = Report("all", sum(report.made for report in reports))
    for report in reports:
        total.killed += report.killed
        total.survived += report.survived
        total.equivalent += report.equivalent
    _say(total.line())
    stale = [row for row in equivalents.rows if row.module in modules and not row.seen] if not asked.sample else []
    for row in stale:
        _say(f"equivalent.toml names a mutant that {row.module} has not: {row.before} -> {row.after}")
    wrong = stale or any(report.wrongly for report in reports)
    return 1 if wrong or any(report.share < asked.least for report in reports) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutation", description="Which single-line faults the tests would not see."
    )
    parser.add_argument("modules", nargs="*", metavar="MODULE")
    parser.add_argument("--sample", type=int, default=0, help="so many mutants of each module, drawn by --seed")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--nice", type=int, default=15, help="how far everything else on this machine goes first")
    parser.add_argument("--survivors", action="store_true", help="only those that survived the last time")
    parser.add_argument("--show", action="store_true", help="print each survivor")
    parser.add_argument("--least", type=float, default=95.0, help="the share in percent below which this fails")
    return parser.parse_args()


def _mutate(module: str, equivalents: Equivalents, asked: argparse.Namespace) -> Report:
    every = mutants_of(module)
    tests = [test for test in TARGETS[module] if (REPOSITORY / test).exists()]
    mutants = every
    if asked.sample and asked.sample < len(every):
        mutants = sorted(random.Random(asked.seed).sample(every, asked.sample), key=every.index)
    session = SESSIONS / (module.removesuffix(".py").replace("/", ".") + ".sqlite")
    before = _killed_before(session) if asked.survivors else set()
    report = Report(module, len(every))
    by_job = {mutant.item.job_id: mutant for mutant in mutants}
    met = [(job, True, "killed the last time") for job in by_job if job in before]
    again = [mutant for mutant in mutants if mutant.item.job_id not in before]
    with use_db(str(session), WorkDB.Mode.create) as work:
        work.clear()
        work.add_work_items(mutant.item for mutant in mutants)
        for job, killed, said in chain(met, _meet_all(module, tests, again, asked.workers) if again else []):
            mutant = by_job[job]
            work.set_result(
                job,
                WorkResult(
                    worker_outcome=WorkerOutcome.NORMAL,
                    output=said,
                    test_outcome=TestOutcome.KILLED if killed else TestOutcome.SURVIVED,
                    diff=f"- {mutant.before}\n+ {mutant.after}",
                ),
            )
            listed = equivalents.find(mutant)
            if killed and listed is None:
                report.killed += 1
            elif listed is None:
                report.survived.append(mutant)
            else:
                report.equivalent += 1
                if killed:
                    report.wrongly.append(mutant)
    report.survived.sort(key=every.index)
    return report


def _killed_before(session: Path) -> set[str]:
    if not session.exists():
        return set()
    with use_db(str(session), WorkDB.Mode.open) as work:
        return {job for job, result in work.results if result.test_outcome is TestOutcome.KILLED}


@dataclass(frozen=True, slots=True)
class Known:
    """What the clean run showed: seconds of each test, and the tests that run each line after the import."""

    seconds: dict[str, float]
    lines: dict[int, frozenset[str]]

    def tests_of(self, mutant: Mutant) -> list[str]:
        """The tests that can see a mutant in a body, the quickest first."""
        found: set[str] = set()
        for line in mutant.lines:
            found |= self.lines.get(line, frozenset())
        return self._quickest_first(found - {""})

    def all_tests(self) -> list[str]:
        """Those that run anything of the module first."""
        touching = set().union(*self.lines.values()) - {""}
        return self._quickest_first(touching) + self._quickest_first(set(self.seconds) - touching)

    def _quickest_first(self, names: set[str]) -> list[str]:
        return sorted(names, key=lambda name: (self.seconds[name], name))

    @classmethod
    def read(cls, learnt: Path) -> tuple[Known, list[str]]:
        """What was learnt, and the modules of others that the tests import."""
        read = json.loads(learnt.read_text())
        lines = {int(line): frozenset(names) for line, names in read["lines"].items()}
        return cls(read["seconds"], lines), read["modules"]


Met = tuple[str, bool, str]
"""The number of a mutant's job, whether a test failed, and what pytest said."""


def _meet_all(module: str, tests: list[str], mutants: list[Mutant], workers: int) -> Iterator[Met]:
    if not tests:
        yield from ((mutant.item.job_id, False, "there is no test") for mutant in mutants)
        return
    clean = (REPOSITORY / module).read_text()
    told = SESSIONS / f"met-{os.getpid()}.jsonl"
    learnt = SESSIONS / f"learnt-{os.getpid()}.json"
    output = SESSIONS / f"clean-{os.getpid()}.txt"
    task = Task(module, clean, mutants, workers, learnt, told)
    for light in (True, False):
        for left in (told, learnt):
            left.unlink(missing_ok=True)
        if not light:
            _hold_servers()
        serve = _serve if light else _serve_from_stations
        work: Any = lambda light=light, serve=serve: child.serve(  # noqa: E731
            tests, lambda session: serve(session, task), light=light
        )
        server = child.fork(work, output)
        yield from _follow(server, told)
        if learnt.exists():
            break
    else:
        sys.exit(f"The tests of {module} fail on the clean code:\n{output.read_text()}")
    known, foreign = Known.read(learnt)
    for name in foreign:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    tests = known.all_tests()
    limit = SLACK + 8 * sum(known.seconds.values())
    at_import = [mutant for mutant in mutants if child.bodies(module, clean, mutant.source) is None]
    jobs = [
        (mutant.item.job_id, limit, lambda m=mutant: child.meet_at_import(module, m.source, tests, light=light))
        for mutant in at_import
    ]
    yield from _side_by_side(jobs, workers)
    for left in (told, learnt, output):
        left.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Task:
    """One module, its mutants, and where a server writes what it learns and what it meets."""

    module: str
    clean: str
    mutants: list[Mutant]
    workers: int
    learnt: Path
    told: Path


def _serve(session: Any, task: Task) -> None:
    """In the server: learn from the clean code, then meet each mutant of a body in a fork of its own."""
    known = _learn(session, task)
    if known is None:
        return
    output = SESSIONS / f"learn-{os.getpid()}.txt"
    quickest = known.all_tests()[0]
    if _wait(child.fork(lambda: child.run(session, [quickest]), output), 600) != 0:
        _say(f"Nothing was changed, and yet a test fails in a fork:\n{output.read_text()}")
        task.learnt.unlink()
        return
    output.unlink()

    def work(job: station.Job) -> int:
        return child.run(session, job.tests) if child.replace(task.module, job.bodies) else 0

    with _telling(task) as tell:
        jobs = _jobs(task, known, tell)
        for met in _side_by_side([(job.name, job.seconds, partial(work, job)) for job in jobs], task.workers):
            tell(*met)


def _serve_from_stations(session: Any, task: Task) -> None:
    """The same where tests need a database: a few processes meet one mutant after the other."""
    known = _learn(session, task)
    if known is None:
        return
    with _telling(task) as tell:
        jobs = _jobs(task, known, tell)
        stations = station.Stations(session, task.module, jobs, folder=SESSIONS, stop=_stop)
        for met in stations.meet(task.workers):
            tell(*met)


def _learn(session: Any, task: Task) -> Known | None:
    output = SESSIONS / f"learn-{os.getpid()}.txt"
    if _wait(child.fork(lambda: child.learn(session, task.module, task.learnt), output), 3600) != 0:
        _say(output.read_text())
        task.learnt.unlink(missing_ok=True)
        return None
    output.unlink()
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
        changed = child.bodies(task.module, task.clean, mutant.source)
        if changed is None:
            continue
        chosen = known.tests_of(mutant)
        if chosen:
            seconds = SLACK + 8 * sum(known.seconds[name] for name in chosen)
            jobs.append(station.Job(mutant.item.job_id, changed, chosen, seconds))
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


def _side_by_side(jobs: list[Any], workers: int) -> Iterator[Met]:
    """So many children at a time."""
    waiting = list(reversed(jobs))
    running: dict[int, tuple[str, Path, float]] = {}
    while waiting or running:
        while waiting and len(running) < workers:
            job, seconds, work = waiting.pop()
            output = SESSIONS / f"{job}.txt"
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


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


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


if __name__ == "__main__":
    sys.exit(main())
