"""`guichet demo` as a person starts it (engines, twins, web with two workers, workers, clock), in a directory of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Self, TypeVar

import psycopg
from psycopg import sql
from sqlalchemy import select
from sqlalchemy.engine import make_url

import wsgi
from shared.company.models import Company
from shared.debtors.models import Debtor
from shared.debtors.service import DebtorDraft, add_contact, add_debtor
from shared.kit import clock, files, jobs, servers, words
from shared.kit import settings as settings_module
from shared.kit.actors import Actor
from shared.kit.db import make_engine, reading, transaction, use_engine
from shared.kit.family import last_demo_settings
from shared.kit.outbox.models import DutyState, MessageState, OutboxMessage
from shared.kit.settings import Settings
from shared.ledger.enter import InvoiceDraft, LineDraft, enter
from tests.support.ports import three_free_ports
from tests.support.twins import TwinsProcess

CODE = Path(__file__).resolve().parents[2]
BEGIN = datetime(2031, 3, 11, 9, 0, tzinfo=UTC)
"""A Tuesday, 10:00 in Paris. In the future: the twins sign with their own time, and Stripe's SDK refuses signatures of the past."""

PASSWORD = wsgi.DEMO_PASSWORD
AGENT, ACCOUNTANT, ADMIN = (f"{name}@atelier-des-lices.example" for name in ("ines", "charles", "anne"))
BY = Actor.system("journey")

wsgi.import_jobs()


T = TypeVar("T")


def eventually(ask: Callable[[], T], what: str, *, within_s: float = 30) -> T:
    """The first answer that is true; a question whose time runs out fails with what was waited for."""
    deadline = time.monotonic() + within_s
    while not (answer := ask()):
        assert time.monotonic() < deadline, f"not within {within_s:g} s: {what}"
        time.sleep(0.1)
    return answer


@dataclass(frozen=True)
class Account:
    """A debtor of the demo's company, with one person who acts for it."""

    id: uuid.UUID
    code: str
    name: str
    email: str
    invoices: dict[str, uuid.UUID]


@dataclass
class DemoFamily:
    """The running demo. `url` is the portal; `twins` speaks to its twins; `guichet` runs a command beside it."""

    var: Path
    port: int = 0
    process: subprocess.Popen[bytes] | None = None
    _accounts: int = 0
    _database: str = ""
    _outside: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def desk(self) -> str:
        return f"{self.url}/backoffice"

    @property
    def twins(self) -> TwinsProcess:
        return TwinsProcess(state_dir=self.var / "twins", port=self.port + 1, smtp_port=self.port + 2)

    @property
    def said(self) -> str:
        """Everything that its processes printed."""
        return (self.var / "family.log").read_text(errors="replace")

    def start(self) -> Self:
        """Start at BEGIN in an empty world; back when every process is ready."""
        self.var.mkdir(parents=True, exist_ok=True)
        (self.var / "twins").mkdir()
        offset = int(BEGIN.timestamp() - time.time())
        (self.var / "twins" / "clock.json").write_text(json.dumps({"offset_seconds": offset}))
        self._outside = self._engines_from_outside()
        self.port = three_free_ports()
        with (self.var / "family.log").open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(CODE / "wsgi.py"), "demo", "--port", str(self.port)],
                cwd=CODE,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        eventually(lambda: "Ctrl-C stops" in self.said or self._has_ended(), "the family is ready", within_s=300)
        assert not self._has_ended(), self.said[-4000:]
        return self

    def _has_ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def _environment(self) -> dict[str, str]:
        bare = {name: value for name, value in os.environ.items() if not name.startswith("GUICHET_")}
        return bare | self._outside | {"GUICHET_VAR_DIR": str(self.var)}

    def _engines_from_outside(self) -> dict[str, str]:
        """A fresh database on the server that the environment names, if it names one."""
        given = {name: os.environ[name] for name in ("GUICHET_REDIS_URL",) if name in os.environ}
        if server := os.environ.get("GUICHET_DATABASE_URL"):
            self._database = f"guichet_journeys_{uuid.uuid4().hex[:12]}"
            url = make_url(server)
            self._on_server(url.render_as_string(hide_password=False), "CREATE DATABASE {}")
            given["GUICHET_DATABASE_URL"] = url.set(database=self._database).render_as_string(hide_password=False)
        return given

    def _on_server(self, server: str, statement: str) -> None:
        address = make_url(server).set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(sql.Identifier(self._database)))

    def stop(self) -> None:
        """Stop everything as Ctrl-C does; whoever is left behind fails the run."""
        if self.process is None:
            return
        self.process.terminate()
        self.process.wait(timeout=60)
        assert self.process.returncode == 0, self.said[-4000:]
        eventually(lambda: not self.processes(), "no process is left behind", within_s=20)
        if self._database:
            self._on_server(os.environ["GUICHET_DATABASE_URL"], "DROP DATABASE {} WITH (FORCE)")

    def processes(self) -> list[str]:
        """What runs for this directory: by its environment or by its command line."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                try:
                    words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                    told = (entry / "environ").read_bytes()
                except OSError:
                    continue
                if words and (f"GUICHET_VAR_DIR={self.var}".encode() in told or f"{self.var}/" in words):
                    found.append(words)
        return found

    def guichet(self, *arguments: str) -> str:
        """What a `guichet` command prints; its failure raises with what it said."""
        done = subprocess.run(
            [sys.executable, str(CODE / "wsgi.py"), *arguments],
            cwd=CODE,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"guichet {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    @property
    def settings(self) -> Settings:
        settings = last_demo_settings(self.var)
        assert settings is not None
        return settings

    @contextmanager
    def inside(self) -> Iterator[None]:
        """This process acts as one of the family: its database, files, time and settings."""
        settings = self.settings
        given = settings.database_url
        engine = make_engine(given.get_secret_value() if given else servers.addresses(self.var).database_url)
        before = list(settings_module._override), clock.set_clock(clock.OffsetClock(settings.clock_file))
        settings_module.use_settings(settings)
        use_engine(engine)
        files.use_store(files.FileStore(settings.var_dir / "files"))
        try:
            with words.speaking("en"):
                yield
        finally:
            use_engine(None)
            engine.dispose()
            settings_module._override[:] = before[0]
            clock.set_clock(before[1])

    def today(self) -> date:
        """The legal day in the demo's one virtual time."""
        return date.fromisoformat(self.twins.now()["today"])

    def open_account(self, name: str, bills: Sequence[tuple[int, str]], *, language: str = "en") -> Account:
        """A customer account of its own for a journey: bills of (due in so many days, total with VAT)."""
        self._accounts += 1
        code = f"411J{self._accounts:03d}"
        email = f"{re.sub('[^a-z]+', '.', name.lower()).strip('.')}.{self._accounts}@journeys.example"
        today = self.today()
        with self.inside(), transaction() as session:
            company = session.scalars(select(Company).where(Company.code == "atelier")).one()
            place = {"street": "3 rue des Halles", "postcode": "35000", "city": "Rennes"}
            draft = DebtorDraft(code, name, language=language, **place)
            debtor = add_debtor(session, company_id=company.id, draft=draft, by=BY)
            add_contact(session, debtor=debtor, email=email, name=name, language=language, by=BY)
            entered = [
                enter(session, debtor, _bill(f"J{self._accounts:03d}-{n}", today, *bill), by=BY)
                for n, bill in enumerate(bills, start=1)
            ]
            return Account(debtor.id, code, name, email, {invoice.number: invoice.id for invoice in entered})

    def link(self, account: Account | str, email: str = "") -> str:
        """A magic link as `guichet access link` prints it, without starting a command for it."""
        code, email = (account.code, account.email) if isinstance(account, Account) else (account, email)
        with self.inside():
            return wsgi._a_link(code, email)

    def debtor_id(self, code: str) -> uuid.UUID:
        with self.inside(), transaction() as session:
            return session.scalars(select(Debtor.id).where(Debtor.account_code == code)).one()

    def mail(self, to: str, subject: str, *, within_s: float = 40, beyond: int = 0) -> dict[str, Any]:
        """The newest mail to an address whose subject holds these words, waited for. `beyond`: an id that it must pass."""

        def look() -> dict[str, Any] | None:
            found = self.twins.inbox(to)
            return next((m for m in found if subject.lower() in m["subject"].lower() and m["id"] > beyond), None)

        try:
            return eventually(look, f"a mail “{subject}” to {to}", within_s=within_s) or {}
        except AssertionError as error:
            there = [mail["subject"] for mail in self.twins.inbox(to)]
            raise AssertionError(f"{error}; there are: {there}") from None

    def days(self, count: int = 1, *, bank: bool = False) -> None:
        """Let days pass one by one, as when a person presses *next day* and looks before pressing again."""
        for _ in range(count):
            if bank:
                self.twins.advance(bank_days=1, deliver=True)
            else:
                self.twins.advance(1, deliver=True)
            self.calm()

    def calm(self, *, within_s: float = 180) -> None:
        """Wait until all that has fallen due is done: duties of the clock, webhooks, outbox, mails."""
        with self.inside():
            eventually(lambda: self._is_delivered() and _is_calm(), "everybody has done what is due", within_s=within_s)

    def _is_delivered(self) -> bool:
        return all(one["status"] != "pending" for one in self.twins.deliveries())


def _is_calm() -> bool:
    now = clock.now()
    every = {duty.name: duty.every for duty in jobs.all_duties()}
    with reading() as session:
        knocked = {state.name: state.last_at for state in session.scalars(select(DutyState))}
        waits = select(OutboxMessage.id).where(OutboxMessage.state == MessageState.WAITING, OutboxMessage.due_at <= now)
        if session.scalar(waits.limit(1)):
            return False
    return all(name in knocked and now - knocked[name] <= pause for name, pause in every.items())


def _bill(number: str, today: date, due_in: int, total: str) -> InvoiceDraft:
    due_on = today + timedelta(days=due_in)
    line = LineDraft("Oak desk, assembled", Decimal(total) / Decimal("1.2"))
    issued_on = min(today, due_on - timedelta(days=30))
    return InvoiceDraft(number=number, issued_on=issued_on, due_on=due_on, lines=[line], title="Oak desk")
