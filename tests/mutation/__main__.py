"""`make mutate`: which single-line faults the tests would not see.

    python -m tests.mutation [MODULE …] [--sample 100] [--seed 7] [--workers 2] [--nice 15] [--survivors] [--show] [--least 95]

MODULE is a path or the beginning of one ("payments/collections"); without any, all of `targets.py` are mutated. The
mutants are made by cosmic-ray, whose sessions are left in var/mutation for its own reports (`cr-html`, `cr-report`).
`--survivors` meets those again that survived the last time, `--tests FILE …` asks these tests instead of those that
`targets.py` names. What nobody can tell from the original is named in `equivalent.toml` with its reason, and not counted.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import sys
from dataclasses import dataclass, field
from itertools import chain, groupby
from pathlib import Path

from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import TestOutcome, WorkerOutcome, WorkResult

from tests.mutation.mutants import REPOSITORY, Equivalents, Mutant, mutants_of, place
from tests.mutation.serving import Met, meet_all
from tests.mutation.targets import TARGETS

SESSIONS = REPOSITORY / "var" / "mutation"


@dataclass(slots=True)
class Report:
    """What became of the mutants of one module."""

    module: str
    made: int
    killed: int = 0
    survived: list[Mutant] = field(default_factory=list)
    equivalent: int = 0
    wrongly: list[Mutant] = field(default_factory=list)

    def add(self, mutant: Mutant, *, killed: bool, is_listed: bool) -> None:
        """Count one that was met."""
        if is_listed:
            self.equivalent += 1
            if killed:
                self.wrongly.append(mutant)
        elif killed:
            self.killed += 1
        else:
            self.survived.append(mutant)

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
    _say(HEAD)
    for _tests, alike in groupby(modules, key=TARGETS.__getitem__):
        for report in _mutate(list(alike), equivalents, asked):
            reports.append(report)
            _say(report.line())
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
    parser.add_argument("--tests", nargs="+", metavar="TEST", help="ask these instead of those that targets.py names")
    parser.add_argument("--survivors", action="store_true", help="only those that survived the last time")
    parser.add_argument("--show", action="store_true", help="print each survivor")
    parser.add_argument("--least", type=float, default=95.0, help="the share in percent below which this fails")
    return parser.parse_args()


def _mutate(modules: list[str], equivalents: Equivalents, asked: argparse.Namespace) -> list[Report]:
    """Meet the mutants of modules that the same tests concern."""
    tests = [test for test in asked.tests or TARGETS[modules[0]] if (REPOSITORY / test).exists()]
    reports: dict[str, Report] = {}
    chosen: dict[str, Mutant] = {}
    known: list[Met] = []
    with contextlib.ExitStack() as stack:
        works: dict[str, WorkDB] = {}
        for module in modules:
            every = mutants_of(module)
            mutants = every
            if asked.sample and asked.sample < len(every):
                mutants = sorted(random.Random(asked.seed).sample(every, asked.sample), key=every.index)
            session = SESSIONS / (module.removesuffix(".py").replace("/", ".") + ".sqlite")
            before = _killed_before(session) if asked.survivors else set()
            chosen |= {mutant.item.job_id: mutant for mutant in mutants}
            known += [
                (mutant.item.job_id, True, "killed the last time") for mutant in mutants if mutant.item.job_id in before
            ]
            reports[module] = Report(module, len(every))
            works[module] = stack.enter_context(use_db(str(session), WorkDB.Mode.create))
            works[module].clear()
            works[module].add_work_items(mutant.item for mutant in mutants)
        met_already = {job for job, _killed, _said in known}
        again = [mutant for job, mutant in chosen.items() if job not in met_already]
        for job, killed, said in chain(known, meet_all(tests, again, asked.workers, SESSIONS) if again else []):
            mutant = chosen[job]
            works[mutant.module].set_result(job, _result(mutant, killed=killed, said=said))
            reports[mutant.module].add(mutant, killed=killed, is_listed=equivalents.find(mutant) is not None)
    for report in reports.values():
        report.survived.sort(key=place)
    return list(reports.values())


def _result(mutant: Mutant, *, killed: bool, said: str) -> WorkResult:
    return WorkResult(
        worker_outcome=WorkerOutcome.NORMAL,
        output=said,
        test_outcome=TestOutcome.KILLED if killed else TestOutcome.SURVIVED,
        diff=f"- {mutant.before}\n+ {mutant.after}",
    )


def _killed_before(session: Path) -> set[str]:
    if not session.exists():
        return set()
    with use_db(str(session), WorkDB.Mode.open) as work:
        return {job for job, result in work.results if result.test_outcome is TestOutcome.KILLED}


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
