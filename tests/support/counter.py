"""The whole money side for a test: twins in a process of their own, our webhook door on a real port, one virtual time.

Nothing is replaced: the real SDKs speak HTTP to the twins, the twins post signed webhooks to the real views.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from sqlalchemy import select
from werkzeug.serving import WSGIRequestHandler, make_server

from payments.cards import checkout
from payments.mandates import collect, setup
from payments.models import Mandate, Payment
from shared.company.models import Company
from shared.invoices.models import Invoice
from shared.kit import clock, files
from shared.kit.actors import Actor
from shared.kit.db import reading, transaction
from shared.kit.outbox.relay import perform_due
from shared.kit.settings import Settings, get_settings, use_settings
from shared.ledger.rules import Part
from tests.support.doors import webhook_door
from tests.support.people import a_company, a_debtor, an_invoice
from tests.support.twins import TwinsProcess

BEGIN = "2031-03-11T09:00:00+00:00"
"""A Tuesday. In the future, because the twins sign with their own time and the SDK refuses signatures of the past."""


class _Quiet(WSGIRequestHandler):
    def log_request(self, *_: Any) -> None:
        """Say nothing."""


@dataclass
class Door:
    """Our webhook door on a real port; it serves whatever settings are in charge at the moment."""

    port: int = 0
    app: Any = None
    server: Any = None
    answers: list[int] = field(default_factory=list)

    def __call__(self, environ: Any, start_response: Any) -> Any:
        def start(status: str, *rest: Any) -> Any:
            self.answers.append(int(status[:3]))
            return start_response(status, *rest)

        return self.app(environ, start)

    def open(self) -> None:
        self.server = make_server("127.0.0.1", self.port, self, threaded=True, request_handler=_Quiet)
        self.port = self.server.port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def settings_for(twins: TwinsProcess, var_dir: Path) -> Settings:
    return Settings(
        mode="test",
        secret_key=SecretStr("t" * 48),
        var_dir=var_dir,
        public_url="http://guichet.test",
        stripe_api_key=SecretStr(twins.stripe_key),
        stripe_api_base=twins.stripe_base,
        stripe_webhook_secret=SecretStr(twins.stripe_webhook_secret),
        gocardless_access_token=SecretStr(twins.gocardless_token),
        gocardless_base_url=twins.gocardless_base,
        gocardless_webhook_secret=SecretStr(twins.gocardless_webhook_secret),
        smtp_url=twins.smtp_url if twins.smtp_port else None,
    )


@contextmanager
def together(twins: TwinsProcess, door: Door, var_dir: Path, begin_at: str = BEGIN) -> Iterator[Counter]:
    """A new world at `begin_at`, twins and Guichet in one time. Twins live in one world: a second one would empty the first."""
    assert not twins.has_world, "these twins live in another world still: use twins of your own, or another file"
    twins.has_world = True
    twins.reset(begin_at)
    made = settings_for(twins, var_dir)
    use_settings(made)
    files.use_store(files.FileStore(var_dir / "files"))
    before = clock.set_clock(clock.OffsetClock(twins.clock_file))
    door.app, door.answers = webhook_door(made), []
    try:
        yield Counter(twins, door)
    finally:
        twins.has_world = False
        clock.set_clock(before)


@dataclass
class Counter:
    """What a story does: people pay, days pass, webhooks come."""

    twins: TwinsProcess
    door: Door
    debtor_id: uuid.UUID = field(default_factory=uuid.uuid4)
    contact_id: uuid.UUID | None = None
    invoices: dict[str, uuid.UUID] = field(default_factory=dict)
    by: Actor = field(default_factory=lambda: Actor.system("dora"))
    _attempts: int = 0

    def open_account(
        self, amounts: Sequence[int] = (12_000, 8_000), *, code: str = "411DORA", **company: Any
    ) -> Counter:
        """Dora owes invoices F-1, F-2, … of these amounts, due in 0, 1, … days."""
        with transaction() as session:
            home = session.scalars(select(Company)).first() or a_company(session, **company)
            debtor = a_debtor(
                session,
                home,
                code,
                street="3 rue des Halles",
                postcode="35000",
                city="Rennes",
            )
            self.debtor_id = debtor.id
            self.invoices = {
                f"F-{n}": an_invoice(session, debtor, f"F-{n}", minor, due_in=n).id
                for n, minor in enumerate(amounts, start=1)
            }
        return self

    def part(self, number: str, minor: int) -> Part:
        return Part(self.invoices[number], minor)

    def pay_by_card(self, *parts: Part, attempt: str | None = None) -> checkout.NextStep:
        return checkout.begin(
            debtor_id=self.debtor_id,
            contact_id=self.contact_id,
            parts=parts,
            attempt=attempt or self.new_attempt(),
            language="en",
            success_url=f"{get_settings().public_url}/pay/{{payment_id}}/return",
            cancel_url=f"{get_settings().public_url}/pay/{{payment_id}}/cancelled",
            by=self.by,
        )

    def new_attempt(self) -> str:
        self._attempts += 1
        return f"attempt-{self.debtor_id}-{self._attempts}"

    def ask_mandate(self, attempt: str | None = None) -> setup.NextStep:
        return setup.begin(
            debtor_id=self.debtor_id,
            contact_id=self.contact_id,
            attempt=attempt or self.new_attempt(),
            language="en",
            return_url=f"{get_settings().public_url}/mandate/return",
            exit_url=f"{get_settings().public_url}/mandate",
            evidence={"address": "192.0.2.7"},
            by=self.by,
        )

    def give_mandate(self, fate: str = "success") -> uuid.UUID:
        """A usable mandate on an account with this fate."""
        step = self.ask_mandate()
        self.twins.authorise(str(step.url), fate, email="dora@client.example")
        setup.look(step.mandate_id, self.debtor_id)
        return step.mandate_id

    def pay_by_debit(self, mandate_id: uuid.UUID, *parts: Part, attempt: str | None = None) -> Payment:
        return collect.pay_now(
            debtor_id=self.debtor_id,
            contact_id=self.contact_id,
            mandate_id=mandate_id,
            parts=parts,
            attempt=attempt or self.new_attempt(),
            by=self.by,
        )

    def deliver(self) -> None:
        """Post what webhooks wait, and do the work that follows, until nothing is left."""
        for _ in range(20):
            before = len(self.door.answers)
            self.twins.flush()
            if not perform_due() and len(self.door.answers) == before:
                return

    def days(self, count: int = 1, *, bank: bool = False) -> None:
        """Let days pass one by one, webhooks and work included."""
        for _ in range(count):
            self.twins.advance(bank_days=1) if bank else self.twins.advance(1)
            self.deliver()

    def payment(self, payment_id: uuid.UUID) -> Payment:
        with reading() as session:
            return session.get_one(Payment, payment_id)

    def mandate(self, mandate_id: uuid.UUID) -> Mandate:
        with reading() as session:
            return session.get_one(Mandate, mandate_id)

    def amounts(self, *numbers: str) -> list[tuple[int, int]]:
        """(open, held) of invoices."""
        with reading() as session:
            found = {
                invoice.number: invoice
                for invoice in session.scalars(select(Invoice).where(Invoice.debtor_id == self.debtor_id))
            }
            return [(found[number].open_minor, found[number].held_minor) for number in numbers]

    def payments(self) -> list[Payment]:
        with reading() as session:
            return list(session.scalars(select(Payment).order_by(Payment.id)))
