"""`python -m tests.torture.run`: hundreds of payments in a war, then peace, and `guichet verify`.

Processes are killed at random boundaries (kill -9), providers time out after commit, refuse, repeat, reorder and lose
webhooks, banks take money back, time leaps.

    --payments 240 --kills 60 --seed 1 --workers 3

Ends with 1 when a difference is left, a payment was made twice, a job gave up, or less happened than asked for.
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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import func, select, update
from sqlalchemy.engine import make_url

from payments.declarations.models import Declaration
from payments.models import Payment
from payments.plans.models import Plan
from payments.reconcile.verify import verify
from payments.status import IN_FLIGHT
from shared.debtors.models import Debtor
from shared.disputes.models import Dispute
from shared.kit import clock, schema
from shared.kit.db import get_engine, reading, transaction
from shared.kit.outbox.models import MessageState, OutboxMessage
from shared.kit.servers import ensure_test_postgres
from shared.kit.words import speak
from shared.promises.models import Promise
from tests.support import databases
from tests.support.people import a_company, a_debtor, an_invoice
from tests.support.twins import TwinsProcess, start_twins
from tests.torture.stage import ROOT, Stage, world_of
from tests.torture.zygote import enter

BEGIN = "2031-03-11T09:00:00+00:00"
CARDS = ("success", "success", "success", "declined", "challenge", "chargeback")
FATES = ("success", "success", "insufficient_funds", "late_failure", "late_failure_after_payout", "refunded_by_bank")
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


@dataclass
class Account:
    """A debtor, and what it still wants to pay."""

    debtor: str
    invoices: list[tuple[str, int]]
    mandate: str | None = None


@dataclass
class Tally:
    """What happened, shared by all threads."""

    seed: int
    said: Counter[str] = field(default_factory=Counter)
    kills: int = 0
    acts: int = 0
    bugs: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, name: str) -> None:
        with self.lock:
            self.said[name] += 1


class Hand:
    """A thread with a zygote and a die of its own."""

    def __init__(self, stage: Stage, tally: Tally, number: int) -> None:
        self.stage = stage
        self.tally = tally
        self.die = random.Random(tally.seed * 1000 + number)

    def act(self, name: str, *, danger: float = 0.25, **given: Any) -> Any:
        """One act, perhaps killed; a bug is kept and ends the torture."""
        kill_at = self.die.randint(1, 14) if self.die.random() < danger else None
        try:
            said = self.stage.do(name, kill_at=kill_at, may_fail=True, **given)
        except AssertionError as bug:
            with self.tally.lock:
                self.tally.bugs.append(str(bug))
            return None
        with self.tally.lock:
            self.tally.acts += 1
            self.tally.kills += said.killed
            self.tally.said[f"{name} {'killed' if said.killed else said.error or 'done'}"] += 1
        return said.result


SPEAK_FIRST = 0.4


def payer(hand: Hand, twins: TwinsProcess, accounts: list[Account]) -> None:
    """People who pay by card, by debit, by cheque, who press twice, give up, come back, get refunds; and who speak first."""
    for account in accounts:
        for invoice, minor in account.invoices:
            if hand.die.random() < SPEAK_FIRST:
                _speak(hand, twins, account, invoice, minor)
            _pay(hand, twins, account, invoice, minor)


def _pay(hand: Hand, twins: TwinsProcess, account: Account, invoice: str, minor: int) -> None:
    attempt, parts = str(uuid.uuid4()), [[invoice, minor]]
    way = hand.die.choice(("card", "card", "debit", "debit", "cheque", "wait"))
    if way == "cheque":
        on = clock.today().isoformat()
        hand.act("cheque", debtor=account.debtor, parts=parts, minor=minor, attempt=attempt, on=on)
    elif way == "debit":
        _mandate(hand, twins, account)
        for _ in range(hand.die.choice((1, 2))):
            if account.mandate:
                given = {"debtor": account.debtor, "mandate": account.mandate, "parts": parts}
                hand.act("pay_by_debit", **given, attempt=attempt)
    elif way == "card":
        for _ in range(3):
            step = hand.act("pay_by_card", debtor=account.debtor, parts=parts, attempt=attempt)
            if step and step["url"]:
                _on_the_page(hand, twins, account, step, minor)
                return


def _mandate(hand: Hand, twins: TwinsProcess, account: Account) -> None:
    if account.mandate:
        return
    step = hand.act("ask_mandate", debtor=account.debtor, attempt=str(uuid.uuid4()))
    if step and step["url"]:
        with contextlib.suppress(AssertionError):
            twins.authorise(step["url"], hand.die.choice(FATES), email="torture@client.example")
        hand.act("return_from_mandate", mandate=step["mandate"], debtor=account.debtor)
        account.mandate = step["mandate"]


def _on_the_page(hand: Hand, twins: TwinsProcess, account: Account, step: dict[str, Any], minor: int) -> None:
    chance = hand.die.random()
    if chance < 0.15:
        hand.act("abandon", payment=step["payment"], debtor=account.debtor)
        return
    with contextlib.suppress(AssertionError):
        twins.pay(step["url"], hand.die.choice(CARDS))
    if chance < 0.6:
        hand.act("return_from_page", payment=step["payment"], debtor=account.debtor)
    if chance < 0.3:
        refund = hand.act("ask_refund", payment=step["payment"], minor=max(1, minor // 3))
        if refund:
            hand.act("send_refund", refund=refund)


def _speak(hand: Hand, twins: TwinsProcess, account: Account, invoice: str, minor: int) -> None:
    """A debtor says something of what he owes, and somebody answers, or nobody does."""
    attempt, parts = str(uuid.uuid4()), [[invoice, max(1, minor * hand.die.choice((1, 2)) // 2)]]
    match hand.die.choice(("contest", "contest", "promise", "declare", "plan")):
        case "contest":
            amount = hand.die.choice((None, max(1, minor // 3)))
            made = hand.act("contest", debtor=account.debtor, invoice=invoice, minor=amount, attempt=attempt)
            for how in hand.die.sample(("credit", "reject", "withdraw", "reopen", ""), 2):
                if made and how:
                    hand.act("decide", dispute=made, how=how)
        case "promise":
            days = hand.die.choice((0, 1, 3))
            made = hand.act("promise", debtor=account.debtor, parts=parts, days=days, attempt=attempt)
            if made and hand.die.random() < 0.3:
                hand.act("break_promise", promise=made)
        case "declare":
            made = hand.act("declare", debtor=account.debtor, parts=parts, attempt=attempt)
            how = hand.die.choice(("record", "record", "refuse", "withdraw", ""))
            if made and how:
                hand.act("answer_declaration", declaration=made, how=how)
        case _:
            _plan(hand, twins, account, attempt)


def _plan(hand: Hand, twins: TwinsProcess, account: Account, attempt: str) -> None:
    by_mandate = hand.die.random() < 0.5
    if by_mandate:
        _mandate(hand, twins, account)
    count = hand.die.choice((2, 3, 4))
    made = hand.act("propose_plan", debtor=account.debtor, attempt=attempt, count=count, by_mandate=by_mandate)
    if not made or made["status"] != "offered":
        return
    hand.act("accept_plan", debtor=account.debtor, plan=made["plan"])
    for how in hand.die.choice(((), (), ("pause", "resume"), ("cancel",), ("default",))):
        hand.act("end_plan", plan=made["plan"], how=how)


def staff_and_clock(hand: Hand, peace: threading.Event) -> None:
    """Workers, janitor, runs: over and over, killed now and then."""
    while not peace.is_set():
        hand.act("work", limit=40)
        name = hand.die.choice(("janitor", "listing", "collections", "payouts", "work", "duties", "remind"))
        hand.act(name)


def heaven(hand: Hand, twins: TwinsProcess, peace: threading.Event) -> None:
    """Time passes and providers misbehave."""
    while not peace.is_set():
        twins.fault(**hand.die.choice(FAULTS))
        with contextlib.suppress(AssertionError):
            twins.advance(seconds=hand.die.choice((2, 5, 10, 20, 60, 60, 300, 600, 40_000)))
            _befall(hand.die, twins)
        time.sleep(0.5)


def _befall(die: random.Random, twins: TwinsProcess) -> None:
    confirmed = [one for one in twins.objects("gocardless", "payments") if one["status"] in ("confirmed", "paid_out")]
    if confirmed and die.random() < 0.3:
        twins.fault(die.choice(("late_failure", "chargeback")), object=die.choice(confirmed)["id"])


def make_accounts(count: int, die: random.Random) -> list[Account]:
    """Debtors with two invoices each; every third is on autopay."""
    accounts = []
    with transaction() as session:
        company = a_company(session)
        for n in range(count):
            debtor = a_debtor(session, company, f"411T{n}", street="1 rue", postcode="35000", city="Rennes")
            made = [
                an_invoice(session, debtor, f"T{n}-{i}", die.randint(1_000, 90_000), due_in=die.randint(-20, 20))
                for i in range(2)
            ]
            session.get_one(Debtor, debtor.id).autopay = n % 3 == 0
            accounts.append(Account(str(debtor.id), [(str(one.id), one.total_minor) for one in made]))
    return accounts


def make_peace(stage: Stage, twins: TwinsProcess) -> None:
    """No more faults; what a healthy installation does by itself, day by day, until nothing is on its way any more.

    The last thing is always to handle the news: a debit that the bank confirmed a moment ago is no difference.
    """
    twins.clear_faults()
    for _ in range(25):
        twins.advance(bank_days=1)
        for name in ("collections", "payouts", "duties", "remind"):
            stage.do(name)
        _settle(stage, twins)
        with reading() as session:
            moving = session.scalars(select(Payment.id).where(Payment.status.in_(IN_FLIGHT)).limit(1)).first()
        if moving is None:
            return


def _settle(stage: Stage, twins: TwinsProcess) -> None:
    for _ in range(6):
        twins.flush()
        stage.do("janitor")
        found = stage.do("listing").result
        with transaction() as session:
            waiting = OutboxMessage.state == MessageState.WAITING
            session.execute(update(OutboxMessage).where(waiting).values(locked_until=None, due_at=clock.now()))
        if not stage.do("work", limit=5000).result and not found:
            return


def twice(twins: TwinsProcess) -> list[str]:
    """Payments of ours that stand at a provider more than once."""
    seen: Counter[str] = Counter()
    for session in twins.objects("stripe", "checkout.session"):
        seen[session["metadata"]["payment_id"]] += 1
    for payment in twins.objects("gocardless", "payments"):
        seen[payment["metadata"]["payment_id"]] += 1
    return [payment_id for payment_id, count in seen.items() if count > 1]


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
        while not peace.wait(12):
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


def torture(twins: TwinsProcess, world: dict[str, str], asked: argparse.Namespace, tally: Tally) -> None:
    """War until enough payments and kills have happened, then peace."""
    import wsgi

    schema.upgrade(wsgi.metadata())
    accounts = make_accounts(max(10, asked.payments), random.Random(asked.seed))
    var_dir = Path(world["var_dir"])
    stages = [Stage(database=world["database"], twins=twins, var_dir=var_dir) for _ in range(asked.workers + 2)]
    doorman = Doorman(world)
    peace = threading.Event()
    hands = [Hand(stage, tally, n) for n, stage in enumerate(stages)]
    shares = [accounts[n :: asked.workers] for n in range(asked.workers)]
    payers = [threading.Thread(target=payer, args=(hands[n], twins, shares[n])) for n in range(asked.workers)]
    others = [
        threading.Thread(target=staff_and_clock, args=(hands[-1], peace)),
        threading.Thread(target=staff_and_clock, args=(hands[-2], peace)),
        threading.Thread(target=heaven, args=(Hand(stages[0], tally, 99), twins, peace)),
    ]
    doorman.port = asked.door_port
    doorman.open()
    others.append(threading.Thread(target=doorman.keep_killing, args=(peace,)))
    for thread in [*payers, *others]:
        thread.start()
    for thread in payers:
        thread.join()
    peace.set()
    for thread in others:
        thread.join()
    tally.kills += doorman.kills
    tally.said["webhook door killed"] = doorman.kills
    make_peace(stages[0], twins)
    for stage in stages:
        stage.close()
    doorman.kill()


def say(text: str) -> None:
    sys.stdout.write(text + "\n")


def report(asked: argparse.Namespace, tally: Tally, twins: TwinsProcess, began: float) -> int:
    """Say what happened; 0 when everything is as it must be."""
    proof, doubles = verify(), twice(twins)
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
    for bug in tally.bugs[:5]:
        say(f"BUG {bug}")
    for job in dead:
        say(f"dead job: {job.job} {job.last_error}")
    say(f"{len(proof.differences)} differences, {len(doubles)} payments made twice, {len(tally.bugs)} bugs")
    enough = statuses.total() >= asked.payments and tally.kills >= asked.kills and all(spoken.values())
    if not enough:
        say(
            f"too little happened: {asked.payments} payments and {asked.kills} kills were asked for, and each thing to say once"
        )
    return 0 if proof.is_clean and not doubles and not tally.bugs and not dead and enough else 1


def main() -> int:
    """Torture, and say how it went."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture.run", description=__doc__)
    parser.add_argument("--payments", type=int, default=240)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=3)
    asked = parser.parse_args()
    began, tally = time.monotonic(), Tally(asked.seed)
    asked.door_port = _free_port()
    with tempfile.TemporaryDirectory() as folder, database() as url:
        where = Path(folder)
        with start_twins(where, app_url=f"http://127.0.0.1:{asked.door_port}", begin_at=BEGIN) as twins:
            world = world_of(database=url, twins=twins, var_dir=where / "var")
            enter(world)
            speak("en")
            torture(twins, world, asked, tally)
            return report(asked, tally, twins, began)


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
