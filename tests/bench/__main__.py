"""`make bench`: us beside the alternatives, in one run, as ratios.

    python -m tests.bench [--small] [--only PART,…] [--seed 7] [--json FILE]

The parts: portal, open, account, reminders, mail, desk, debits, webhooks, import, facturx.

Seconds depend on the machine and on what else it does; ratios are between two things measured in turns in the same run.
`--small` is a short form of everything, for smoke: its figures say that the benches work, not how fast anything is.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench import account, counter, debits, desk, facturx, imports, mail, portal, reminders, webhooks
from tests.bench.world import large_world

PARTS = ("portal", "open", "account", "reminders", "mail", "desk", "debits", "webhooks", "import", "facturx")
IN_THE_LARGE_WORLD = {"portal", "reminders", "mail", "desk"}


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything."""

    debtors: int
    each: int
    rounds: int
    requests: int
    visitors: int
    mails: int
    rounds_of_lists: int
    debits: int
    webhooks: int
    lines: int
    papers: int
    account: int
    """Open invoices of the large account; the one beside it has a hundred."""
    storm: counter.Size


LARGE = Size(
    debtors=100_000,
    each=10,
    rounds=4,
    requests=1_000,
    visitors=400,
    mails=1_000,
    rounds_of_lists=3,
    debits=100,
    webhooks=300,
    lines=1_000_000,
    papers=40,
    account=10_000,
    storm=counter.LARGE,
)
SMALL = Size(
    debtors=5_000,
    each=10,
    rounds=2,
    requests=60,
    visitors=20,
    mails=60,
    rounds_of_lists=1,
    debits=10,
    webhooks=10,
    lines=20_000,
    papers=3,
    account=300,
    storm=counter.SMALL,
)


def bench(size: Size, parts: tuple[str, ...], seed: int, tell: Callable[[str], None]) -> dict[str, Any]:
    """Measure these parts; `tell` hears what begins."""
    found: dict[str, Any] = {
        "seed": seed,
        "debtors": size.debtors,
        "invoices": size.debtors * size.each,
        "processors": os.cpu_count(),
        "load_before": round(os.getloadavg()[0], 1),
    }
    if IN_THE_LARGE_WORLD & set(parts):
        tell(f"a world of {size.debtors} debtors with {size.each} invoices each …")
        with large_world(size.debtors, size.each) as world:
            found["world_seconds"] = round(world.seconds, 1)
            if "portal" in parts:
                tell("the account page, in turns with the bare one …")
                found["portal"] = portal.measure(
                    world, rounds=size.rounds, requests=size.requests, visitors=size.visitors, seed=seed
                )
                tell(json.dumps(found["portal"]))
            if "reminders" in parts:
                tell("two days of reminders …")
                found["reminders"] = reminders.measure(world)
                tell(json.dumps(found["reminders"]))
            if "mail" in parts:
                tell("reminders written, and sent …")
                found["mail"] = mail.measure(world, count=size.mails)
                tell(json.dumps(found["mail"]))
            if "desk" in parts:
                tell("every list of the back-office …")
                found["desk"] = desk.measure(world, rounds=size.rounds_of_lists)
                tell(json.dumps(found["desk"]))
    if "open" in parts:
        tell(f"others, while {size.storm.payers} people press Pay at a silent Stripe …")
        found["open"] = counter.measure(size.storm, seed=seed)
        tell(json.dumps(found["open"]))
    if "account" in parts:
        tell(f"an account of {size.account} invoices beside one of {account.BESIDE} …")
        found["account"] = account.measure(small=account.BESIDE, large=size.account)
        tell(json.dumps(found["account"]))
    if "debits" in parts:
        tell(f"{size.debits} debits one by one, in turns with several at once …")
        found["debits"] = debits.measure(count=size.debits)
        tell(json.dumps(found["debits"]))
    if "webhooks" in parts:
        tell(f"the events of {size.webhooks} payments, handled by one process …")
        found["webhooks"] = webhooks.measure(count=size.webhooks)
        tell(json.dumps(found["webhooks"]))
    if "import" in parts:
        tell(f"an import of {size.lines} lines, then raw copies of what it wrote …")
        found["import"] = imports.measure(lines=size.lines, each=size.each, seed=seed)
        tell(json.dumps(found["import"]))
    if "facturx" in parts:
        tell(f"{size.papers} invoices on paper, in turns with bare WeasyPrint …")
        found["facturx"] = facturx.measure(count=size.papers, seed=seed)
    return found | {"load_after": round(os.getloadavg()[0], 1)}


def table(found: dict[str, Any]) -> list[str]:
    """The figures for people."""
    rows: list[tuple[str, str, str, str]] = []
    if page := found.get("portal"):
        ours, bare = page["ours"], page["bare"]
        rows += [
            ("account page / bare Flask + ORM", f"{page['ratio']}", "≥ 1.0", "requests/s, ours by bare"),
            ("", f"{page['cpu_ratio']}", "", f"processor time, bare {bare['worker_cpu_ms']} ms by ours {ours['worker_cpu_ms']} ms"),
            ("", f"{ours['requests_per_second']} /s", "", f"bare {bare['requests_per_second']} /s; p50 {ours['p50_ms']} ms, bare {bare['p50_ms']} ms"),
            ("account page, p99 at 16 connections", f"{ours['p99_ms']} ms", "< 60 ms", f"bare {bare['p99_ms']} ms"),
        ]  # fmt: skip
    if storm := found.get("open"):
        calm, rough = storm["calm"], storm["storm"]
        rows += [
            (f"others' pages, {storm['payers']} at a silent Stripe, p95", f"{rough['page_p95_s']} s", "< 1 s", f"before {calm['page_p95_s']} s; slowest {rough['page_slowest_s']} s"),
            ("webhooks acknowledged meanwhile, p95", f"{rough['webhook_p95_s']} s", "< 1 s", f"before {calm['webhook_p95_s']} s; health page {rough['health_p95_s']} s"),
            ("those who press Pay, p95", f"{storm['payers_p95_s']} s", "", f"{storm['told_that_it_is_being_opened']} of {storm['payers']} read that their page is being opened"),
        ]  # fmt: skip
    if one := found.get("account"):
        worst = one["rows"][one["slowest_page"]]
        rows += [
            (f"home, {one['large']} open / {one['small']} open", f"{one['ratio_of_home']}", "", f"{one['rows']['/']['ms']} ms, {one['rows']['/']['statements']} statements"),
            ("slowest page of that account", f"{one['slowest_page_ms']} ms", "", f"{one['slowest_page']}: {worst['ratio']} times that of the small one, {worst['statements']} statements, {worst['bytes']} bytes; heaviest page {one['heaviest_page_bytes']} bytes"),
            ("statements more of an act on all of it", f"{one['more_statements']}", "", f"slowest: {one['slowest_act']}, {one['rows'][one['slowest_act']]['ms']} ms"),
        ]  # fmt: skip
    if run := found.get("reminders"):
        rows += [
            (
                f"reminder run, {name.replace('_', ' ')}",
                f"{run[name]['debtors_per_second']} /s",
                "≥ 10000 /s",
                f"{run[name]['considered']} considered, {run[name]['reminded']} reminded in {run[name]['seconds']} s (processor {run[name]['cpu_seconds']} s)",
            )
            for name in ("first_day", "next_day")
        ]
    if letters := found.get("mail"):
        rows.append(
            (
                "mails in rows / bare smtplib",
                f"{letters['ratio']}",
                "",
                f"{letters['in_rows']['per_second']} /s (processor {letters['in_rows']['cpu_ms']} ms each), bare {letters['bare']['per_second']} /s; written {letters['written_per_second']} /s",
            )
        )
    if lists := found.get("desk"):
        worst = lists["slowest"][0]
        rows.append(
            (
                "slowest list of the back-office",
                f"{lists['slowest_ms']} ms",
                "< 100 ms",
                f"{worst['page']} (processor {worst.get('cpu_ms')} ms); {len(lists['over_aim'])} of {lists['pages']} over 100 ms, median {lists['median_ms']} ms",
            )
        )
    if debited := found.get("debits"):
        rows.append(
            (
                "debits at once / one by one",
                f"{debited['ratio']}",
                "≥ 2",
                f"{debited['at_once_per_second']} /s with {debited['at_once']} at once, {debited['one_by_one_per_second']} /s one by one; each answer takes {debited['latency_ms']} ms",
            )
        )
    if heard := found.get("webhooks"):
        rows.append(
            (
                "webhooks handled by one process",
                f"{heard['per_second']} /s",
                f"≥ {heard['aim']['per_second']} /s",
                f"{heard['events']} events of {heard['payments']} payments; asking the provider alone {heard['asked_per_second']} /s ({heard['ratio']})",
            )
        )
    if taken := found.get("import"):
        rows.append(
            (
                "import / raw COPY of its rows",
                f"{taken['ratio']}",
                "≥ 0.25",
                f"{taken['lines']} lines in {taken['seconds']} s (processor {taken['cpu_seconds']} s), {taken['rows']} rows copied in {taken['raw_copy_seconds']} s",
            )
        )
    if paper := found.get("facturx"):
        rows.append(
            (
                "Factur-X / bare WeasyPrint",
                f"{paper['ratio']}",
                "≤ 1.3",
                f"{paper['median_ms']['facturx']} ms, bare {paper['median_ms']['bare']} ms (with our caches: {paper['ratio_same_caches']})",
            )
        )
    return [
        f"{what:<38} {figure:>12}  {aim:<11} {more}" for what, figure, aim, more in (("", "found", "aim", ""), *rows)
    ]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--small", action="store_true", help="a short form, for smoke")
    parser.add_argument("--only", default=",".join(PARTS), help="parts, with commas between them")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", type=Path, help="write the figures there as well")
    given = parser.parse_args()
    parts = tuple(part.strip() for part in given.only.split(","))
    if unknown := set(parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    began = time.perf_counter()

    def tell(what: str) -> None:
        sys.stderr.write(f"[{time.perf_counter() - began:5.0f} s] {what}\n")

    # Asked to end, it takes its servers and databases away first.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))

    found = bench(SMALL if given.small else LARGE, parts, given.seed, tell)
    sys.stdout.write("\n".join(table(found)) + "\n\n" + json.dumps(found) + "\n")
    if given.json:
        given.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
