"""`python -m tests.torture.run`: hundreds of payments in a war of many days, then peace, `guichet verify` and the referee.

Each day people pay, speak, meddle and change their minds, staff and accounting act, banks take money back, providers time
out after commit, refuse, repeat, reorder and lose webhooks, the mail server is away, and processes are killed at random
boundaries (kill -9). Each evening the house does its own work undisturbed, the referee looks, and a day passes.

    --payments 240 --kills 60 --seed 1 --workers 3 --days 30 --notice 14

Ends with 1 when a difference is left, a debit was taken that should not have been, a payment was made twice, a job gave
up, or less happened than asked for.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import func, select
from sqlalchemy.engine import make_url

from payments.declarations.models import Declaration
from payments.models import Payment
from payments.plans.models import Plan
from payments.reconcile.verify import verify
from payments.status import IN_FLIGHT
from shared.debtors.models import Debtor
from shared.disputes.models import Dispute
from shared.kit import schema
from shared.kit.db import get_engine, reading, transaction
from shared.kit.outbox.models import MessageState, OutboxMessage
from shared.kit.servers import ensure_test_postgres
from shared.kit.words import speak
from shared.promises.models import Promise
from tests.support import databases
from tests.support.people import a_company, a_debtor, an_invoice
from tests.support.twins import TwinsProcess, start_twins
from tests.torture.hands import Account, Hand, Tally, befall, give_mandate, meddle, pay_and_speak
from tests.torture.house import keep_house, look_again
from tests.torture.referee import Referee, story
from tests.torture.stage import ROOT, Stage, world_of
from tests.torture.zygote import enter

BEGIN = "2031-03-11T09:00:00+00:00"
SPOKEN = (Dispute, Plan, Promise, Declaration)
FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "cut_after_commit", "provider": "stripe", "match": "POST /v1"},
    {"kind": "cut_after_commit", "provider": "gocardless", "match": "POST /"},
    {"kind": "reset_before", "provider": "stripe", "match": "/v1"},
    {"kind": "reset_before", "provider": "gocardless", "match": "/"},
    {"kind": "status", "status": 500, "after_commit": True, "provider": "stripe", "match": "POST /v1"},
    {"kind": "status", "status": 500, "provider": "gocardless", "match": "POST /payments"},
    {"kind": "status", "status": 429, "match": "/"},
    {"kind": "malformed_body", "provider": "gocardless", "match": "POST /payments"},
    {"kind": "webhook_duplicate", "copies": 2},
    {"kind": "webhook_drop"},
    {"kind": "webhook_reorder"},
)
QUIET_PASSES = 6
SILENT_S = 400
"""Longer than any call with its retries: what is not answered by then is asked about."""


class Sky:
    """The twins over everybody: what misbehaves for moments, what for days, and how time passes."""

    def __init__(self, twins: TwinsProcess, tally: Tally) -> None:
        self.twins = twins
        self.tally = tally
        self.die = random.Random(tally.seed * 1000 + 99)
        self.lasting: dict[str, int] = {}
        self.poisoned = ""

    def last(self, name: str, kind: str, **rule: Any) -> None:
        """Something that is wrong until it is mended."""
        self.lasting[name] = self.twins.fault(kind, times=0, **rule)["fault"]["id"]
        self.tally.note(f"lasting: {name}")

    def mend(self, name: str) -> None:
        if (number := self.lasting.pop(name, None)) is not None:
            self.twins.ask("DELETE", f"/_twin/faults/{number}")

    def clear(self) -> None:
        """What was wrong for a moment only is over."""
        for rule in self.twins.faults():
            if rule["id"] not in self.lasting.values():
                self.twins.ask("DELETE", f"/_twin/faults/{rule['id']}")

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.twins.now()["now"], UTC)

    def storm(self, peace: threading.Event) -> None:
        """Until the evening: faults, and a little time."""
        while not peace.wait(0.5):
            self.gust()

    def gust(self) -> None:
        self.twins.fault(**self.die.choice(FAULTS))
        with contextlib.suppress(AssertionError):
            self.twins.advance(seconds=self.die.choice((2, 5, 10, 20, 60, 60, 300, 600)))
        if self.die.random() < 0.5:
            befall(self.die, self.twins, self.tally, spare=self.poisoned)

    def plan_the_day(self, day: int, days: int, accounts: list[Account], hand: Hand) -> None:
        """The mail server is away for a while in the middle; some mailboxes and a mandate are gone for ever."""
        if day == days // 3:
            self.last("mail away", "mail_away")
        if day == days // 3 + 2:
            self.mend("mail away")
        wants = [one for one in accounts if one.autopay and one.mandate]
        if day in (1, days // 2) and wants:
            self.last(f"mailbox refused {day}", "mail_refused", match=f"{self.die.choice(wants).code.lower()}@")
        self._company(day, days, hand)
        if day == 3:
            self._poison([one for one in wants if one.fate == "success"], hand)

    def _company(self, day: int, days: int, hand: Hand) -> None:
        """The last day but one the company debits nobody by itself: what is announced and written is called off. Then it does."""
        wanted = {days - 2: False, days - 1: True}.get(day)
        while wanted is not None and hand.act("company_debits", is_on=wanted) is not wanted:
            self.tally.note("the company's switch: once more")

    def _poison(self, accounts: list[Account], hand: Hand) -> None:
        """A mandate, active and never ended, about which the provider gives no usable answer any more."""
        active = {one["id"] for one in self.twins.objects("gocardless", "mandates") if one["status"] == "active"}
        for account in accounts:
            found = [one for one in hand.ask("active_mandates", debtor=account.debtor) if one in active]
            if found:
                self.poisoned = found[0]
                account.mandate = None  # nobody ends it
                self.last("mandate poisoned", "status", match=f"GET /mandates/{self.poisoned}", status=500)
                return


def staff_and_clock(hand: Hand, peace: threading.Event) -> None:
    """Workers, janitor, runs: over and over, killed now and then."""
    while not peace.is_set():
        work_once(hand)


def work_once(hand: Hand) -> None:
    hand.act("work", limit=40)
    hand.act(hand.die.choice(("janitor", "listing", "collections", "payouts", "work", "duties", "remind")))


def live_a_day(hand: Hand, twins: TwinsProcess, mine: list[Account], day: int, days: int) -> None:
    """Some accounts pay, each once in all those days; some others are meddled with."""
    for account in mine:
        if account.autopay and not account.mandate:
            give_mandate(hand, twins, account)
    for account in mine[day % days :: days]:
        if not account.autopay or hand.die.random() < 0.2:
            pay_and_speak(hand, twins, account)
    for account in hand.die.sample(mine, max(1, len(mine) // 8)):
        meddle(hand, twins, account)


def make_accounts(count: int, die: random.Random, *, notice: int, days: int) -> list[Account]:
    """Debtors with two invoices each; every other is on autopay, with days of charging that come while the war lasts."""
    accounts = []
    with transaction() as session:
        company = a_company(session, notice_days=notice)
        for n in range(count):
            debtor = a_debtor(session, company, f"411T{n}", street="1 rue", postcode="35000", city="Rennes")
            is_autopay = n % 2 == 0
            span = (notice - 4, max(notice, days - 2)) if is_autopay else (-20, 20)
            made = [
                an_invoice(session, debtor, f"T{n}-{i}", die.randint(1_000, 90_000), due_in=die.randint(*span))
                for i in range(2)
            ]
            session.get_one(Debtor, debtor.id).autopay = is_autopay
            invoices = [(str(one.id), one.total_minor) for one in made]
            accounts.append(Account(str(debtor.id), debtor.account_code, invoices, is_autopay))
    return accounts


def look(sky: Sky, referee: Referee) -> None:
    """The evening: nothing misbehaves for a moment, the house does all that it has to do, and the referee looks."""
    sky.clear()
    for _ in range(QUIET_PASSES):
        sky.twins.flush()
        found = keep_house()
        sky.twins.advance(seconds=SILENT_S)
        sky.twins.flush()
        again = look_again()
        if not again + max(0, found):
            break
    referee.look(sky.now())


def make_peace(sky: Sky, referee: Referee) -> None:
    """No more faults; what a healthy installation does by itself, day by day, until nothing is on its way any more.

    The last thing is always to handle the news: a debit that the bank confirmed a moment ago is no difference.
    """
    for name in list(sky.lasting):
        sky.mend(name)
    sky.poisoned = ""
    for _ in range(40):
        sky.twins.advance(bank_days=1)
        look(sky, referee)
        with reading() as session:
            moving = session.scalars(select(Payment.id).where(Payment.status.in_(IN_FLIGHT)).limit(1)).first()
        if moving is None:
            return


class Doorman:
    """The webhook door, killed and started again."""

    def __init__(self, world: dict[str, str]) -> None:
        self.world = world
        self.port = 0
        self.kills = 0
        self.process: subprocess.Popen[str] | None = None

    def open(self) -> None:
        command = [sys.executable, "-m", "tests.torture.doorman", str(self.port)]
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(self.world) + "\n")
        self.process.stdin.flush()
        self.port = int(self.process.stdout.readline())

    def kill(self) -> None:
        assert self.process
        self.process.kill()
        self.process.communicate()
        self.kills += 1

    def keep_killing(self, peace: threading.Event) -> None:
        while not peace.wait(30):
            self.kill()
            self.open()


@contextlib.contextmanager
def database() -> Iterator[str]:
    """An empty database of this run alone."""
    url = make_url(ensure_test_postgres())
    admin = url.set(drivername="postgresql").render_as_string(hide_password=False)
    name = f"guichet_torture_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield url.set(drivername="postgresql+psycopg", database=name).render_as_string(hide_password=False)
    finally:
        get_engine().dispose()
        with psycopg.connect(admin, autocommit=True) as connection:
            databases.drop(connection, name)


def torture(
    twins: TwinsProcess, world: dict[str, str], asked: argparse.Namespace, tally: Tally, referee: Referee
) -> None:
    """So many days of war, then peace."""
    import wsgi

    schema.upgrade(wsgi.metadata())
    accounts = make_accounts(max(10, asked.payments), random.Random(asked.seed), notice=asked.notice, days=asked.days)
    var_dir = Path(world["var_dir"])
    numbers = (0, 2) if asked.workers == 1 else range(asked.workers + 2)
    stages = [Stage(database=world["database"], twins=twins, var_dir=var_dir) for _ in numbers]
    hands = [Hand(stage, tally, n) for n, stage in zip(numbers, stages, strict=True)]
    sky, doorman = Sky(twins, tally), Doorman(world)
    doorman.port = asked.door_port
    doorman.open()
    for day in range(asked.days):
        sky.plan_the_day(day, asked.days, accounts, hands[0])
        fight(hands, sky, doorman, accounts, day, asked)
        look(sky, referee)
        say(f"day {day + 1} of {asked.days}: {tally.acts} acts, {tally.kills} of them killed")
        twins.advance(1)
        if tally.bugs:
            break
    tally.kills += doorman.kills
    tally.said["webhook door killed"] = doorman.kills
    make_peace(sky, referee)
    for stage in stages:
        stage.close()
    doorman.kill()


def fight(  # noqa: PLR0917 - everybody
    hands: list[Hand], sky: Sky, doorman: Doorman, accounts: list[Account], day: int, asked: argparse.Namespace
) -> None:
    """One day: everybody at once, or with one worker one after the other, the same each time."""
    shares = [accounts[n :: asked.workers] for n in range(asked.workers)]
    if asked.workers == 1:
        sky.gust()
        live_a_day(hands[0], sky.twins, shares[0], day, asked.days)
        sky.gust()
        work_once(hands[-1])
        if day % 5 == 1:
            doorman.kill()
            doorman.open()
        return
    evening = threading.Event()
    payers = [
        threading.Thread(target=live_a_day, args=(hands[n], sky.twins, shares[n], day, asked.days))
        for n in range(asked.workers)
    ]
    others = [
        threading.Thread(target=staff_and_clock, args=(hands[-1], evening)),
        threading.Thread(target=staff_and_clock, args=(hands[-2], evening)),
        threading.Thread(target=sky.storm, args=(evening,)),
        threading.Thread(target=doorman.keep_killing, args=(evening,)),
    ]
    for thread in [*payers, *others]:
        thread.start()
    for thread in payers:
        thread.join()
    evening.set()
    for thread in others:
        thread.join()


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def report(asked: argparse.Namespace, tally: Tally, referee: Referee, began: float) -> int:
    """Say what happened; 0 when everything is as it must be."""
    proof, violations = verify(), referee.judge()
    with reading() as session:
        statuses = Counter(payment.status.value for payment in session.scalars(select(Payment)))
        spoken = {kind.__tablename__: session.scalar(select(func.count()).select_from(kind)) or 0 for kind in SPOKEN}
        dead = session.scalars(select(OutboxMessage).where(OutboxMessage.state == MessageState.DEAD)).all()
    for name, count in sorted(tally.said.items()):
        say(f"  {count:>6}  {name}")
    say(f"payments: {statuses.total()} {dict(statuses)}")
    say(f"said by debtors: {spoken}")
    say(f"processes killed with SIGKILL: {tally.kills} of {tally.acts} acts, in {time.monotonic() - began:.0f} s")
    say(f"compared: {dict(proof.compared)}")
    say(f"totals: {proof.totals}")
    for one in proof.differences:
        say(f"DIFFERENCE {one}")
    for violation in violations:
        say(f"VIOLATION {violation}")
        for line in story(referee.database, violation.debit):
            say(f"    {line}")
    for bug in tally.bugs[:5]:
        say(f"BUG {bug}")
    for job in dead:
        say(f"dead job: {job.job} {job.last_error}")
    say(f"the referee: {dict(referee.checked)}")
    say(
        f"{len(proof.differences)} differences, {len(violations)} violations, {len(dead)} jobs that gave up,"
        f" {len(tally.bugs)} bugs"
    )
    enough = statuses.total() >= asked.payments and tally.kills >= asked.kills and all(spoken.values())
    enough = enough and referee.checked["left"] > 0
    if not enough:
        say(
            f"too little happened: {asked.payments} payments and {asked.kills} kills were asked for, and each thing to say once"
        )
    return 0 if proof.is_clean and not violations and not tally.bugs and not dead and enough else 1


def main() -> int:
    """Torture, and say how it went."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture.run", description=__doc__)
    parser.add_argument("--payments", type=int, default=240)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=3, help="one: the same story each time")
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--notice", type=int, default=14, help="days between a notice and its debit")
    asked = parser.parse_args()
    began, tally = time.monotonic(), Tally(asked.seed)
    asked.door_port = _free_port()
    with tempfile.TemporaryDirectory() as folder, database() as url:
        where = Path(folder)
        with start_twins(where, app_url=f"http://127.0.0.1:{asked.door_port}", begin_at=BEGIN) as twins:
            world = world_of(database=url, twins=twins, var_dir=where / "var")
            enter(world)
            speak("en")
            referee = Referee(url, twins)
            torture(twins, world, asked, tally, referee)
            return report(asked, tally, referee, began)


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
