"""The referee finds every fault that is planted in the code that decides about debits, and nothing where there is none."""

from __future__ import annotations

import ast
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import update

from payments.collections import collect, eligible, notices, reconsider, withdraw
from payments.collections.jobs import run_today
from payments.deciding import Ask, Facts, Told, Under
from payments.gateways.gocardless_gateway import GoCardlessGateway
from payments.models import Mandate, Payment
from payments.reconcile.sweep import sweep
from shared.company.models import Company
from shared.debtors.models import Contact, Debtor
from shared.debtors.service import lock_debtor
from shared.invoices.models import Invoice
from shared.kit import clock
from shared.kit.db import get_engine, reading, transaction
from shared.kit.outbox.relay import perform_due
from shared.ledger import service as ledger
from shared.ledger.models import Account, Kind
from tests.support.people import an_invoice
from tests.torture import acts, between, house, referee, speaking
from tests.torture.referee import Referee, story

pytestmark = pytest.mark.slow

OWED = 12_000


def test_the_referee_knows_nothing_of_guichet():
    tree = ast.parse(Path(referee.__file__).read_text())
    known = {name.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    known |= {str(node.module).split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert known.isdisjoint({"payments", "shared", "portal", "backoffice", "tests", "wsgi"})


class Street:
    """Debtors on autopay, each with an invoice due in fifteen days and in one circumstance, through the same weeks."""

    def __init__(self, counter: Any) -> None:
        self.counter = counter
        self.twins = counter.twins
        self.people: dict[str, tuple[uuid.UUID, uuid.UUID]] = {}
        self.mandates: dict[str, list[uuid.UUID]] = {}
        self.referee = Referee(get_engine().url.render_as_string(hide_password=False), self.twins)

    def moves_in(self, who: str, *, mandates: int = 1, due_in: int = 15, autopay: bool = True) -> None:
        self.counter.open_account((), code=who)
        if who in ENGLISH:
            with transaction() as session:
                address = Contact.email == f"{who}@client.example"
                session.execute(update(Contact).where(address).values(language="en"))
        self.mandates[who] = [self.counter.give_mandate() for _ in range(mandates)]
        with transaction() as session:
            debtor = session.get_one(Debtor, self.counter.debtor_id)
            debtor.autopay = autopay
            invoice = an_invoice(session, debtor, f"F-{who}", OWED, due_in=due_in)
            self.people[who] = debtor.id, invoice.id

    def look(self) -> None:
        """What a house does in an hour, then the referee's look."""
        for _ in range(2):
            self.twins.flush()
            house.keep_house()
            self.twins.advance(seconds=400)
            house.look_again()
        self.referee.look(datetime.fromtimestamp(self.twins.now()["now"], UTC))

    def pays_by_card(self, who: str) -> str:
        debtor, invoice = self.people[who]
        step = acts.pay_by_card(str(debtor), [[str(invoice), OWED]], f"card {who}")
        self.twins.pay(step["url"])
        acts.return_from_page(step["payment"], str(debtor))
        return str(step["payment"])

    def parts(self, who: str) -> list[list[Any]]:
        return [[str(self.people[who][1]), OWED]]

    def change(self, who: str, table: type[Any], **values: Any) -> None:
        debtor, invoice = self.people[who]
        with transaction() as session:
            row = session.get_one(table, invoice if table is Invoice else debtor)
            for name, value in values.items():
                setattr(row, name, value)

    def credit(self, who: str) -> None:
        with transaction() as session:
            debtor = lock_debtor(session, self.people[who][0])
            at = ledger.Occasion(at=clock.now(), value_on=clock.today())
            given = {"account": Account.BANK, "minor": OWED, "parts": (), "kind": Kind.RECEIPT}
            ledger.settle_directly(session, debtor, occasion=at, **given)


ORDINARY = ("plain", "maximum", "left_out", "credit", "contested", "autopay_off", "due_moved", "in_the_books")
ENGLISH = ("plain", "plan_paused")
"""Who is written to in English, the others in French: the referee reads both."""

FOUND = {
    "unheard": "notice",
    "other_mandate": "notice",
    "maximum": "above_maximum",
    "left_out": "left_out",
    "credit": "credit",
    "contested": "contested",
    "autopay_off": "autopay_off",
    "due_moved": "before_due",
    "in_the_books": "more_than_open",
    "promised": "promised",
    "declared": "declared",
    "charged_back": "contested_by_bank",
    "refunded": "refunded",
    "plan_paused": "plan_not_running",
    "silence": "made_twice",
}
"""Circumstance → the rule that a debit breaks which is taken in spite of it."""


def live(street: Street) -> None:
    """Four weeks: announced, written, overtaken by events, taken or not."""
    twins = street.twins
    for who in (*ORDINARY, "unheard", "promised", "declared", "charged_back", "refunded"):
        street.moves_in(who)
    perform_due()  # what is written to them so far arrives
    street.moves_in("silence", due_in=14)
    street.moves_in("other_mandate", mandates=2)
    street.moves_in("plan_paused", autopay=False)
    twins.fault("mail_refused", match="unheard@", times=0)
    charge = street.pays_by_card("charged_back")
    with reading() as session:
        intent = session.get_one(Payment, uuid.UUID(charge)).provider_reference
    twins.fault("inquiry" if intent is None else "chargeback", object=intent)
    acts.send_refund(acts.ask_refund(street.pays_by_card("refunded"), OWED))
    plan = speaking.propose_plan(str(street.people["plan_paused"][0]), "plan", 2, by_mandate=True)["plan"]
    speaking.accept_plan(str(street.people["plan_paused"][0]), plan)
    street.look()

    twins.advance(1)
    speaking.promise(str(street.people["promised"][0]), street.parts("promised"), 20, "promise")
    with reading() as session:
        newest = session.get_one(Mandate, max(street.mandates["other_mandate"])).provider_reference  # as debits choose
    twins.fault("mandate_cancelled_by_bank", object=newest)
    street.look()

    twins.advance(6)  # two of the debits, those of `silence` and of the plan, are written now
    twins.fault("cut_after_commit", provider="gocardless", match="POST /payments", times=4)
    run_today({})
    twins.advance(seconds=400)
    sweep()  # before any news of them is handled
    street.look()
    speaking.declare(str(street.people["declared"][0]), street.parts("declared"), "declaration")
    twins.advance(2)
    run_today({})
    speaking.contest(str(street.people["contested"][0]), str(street.people["contested"][1]), None, "dispute")
    street.change("autopay_off", Debtor, autopay=False)
    street.change("maximum", Debtor, autopay_maximum_minor=OWED - 1)
    street.change("left_out", Invoice, autopay_excluded_at=clock.now())
    street.change("due_moved", Invoice, due_on=clock.today() + timedelta(days=60))
    street.change("in_the_books", Invoice, elsewhere_minor=OWED)
    street.credit("credit")
    speaking.end_plan(plan, "pause")
    street.look()

    twins.advance(3)
    street.look()
    twins.advance(7)
    street.look()


def _careless(facts: Callable[..., Facts]) -> Callable[..., Facts]:
    """An invoice as somebody would see it who knows only what is open."""

    def look(invoice: Invoice, *given: Any, **named: Any) -> Facts:
        seen = facts(invoice, *given, **named)
        blind = {"maximum_minor": None, "credit_minor": 0, "frozen_minor": 0}
        blind |= {"is_left_out": False, "is_contested": False, "was_refunded": False}
        as_issued = invoice.issued_on + timedelta(days=30)
        return replace(seen, open_minor=invoice.open_minor, due_on=as_issued, **blind)

    return look


def _eager(*given: Any, **named: Any) -> Ask:
    asked = Ask(*given, **named)
    return replace(asked, wants=True, under=Under.SAME if asked.under is Under.OTHER else asked.under)


@contextmanager
def planted() -> Iterator[None]:
    """Every look before a debit left out at once."""
    create = GoCardlessGateway.create_debit
    with ExitStack() as stack:
        for where, name, what in (
            (eligible, "invoice_facts", _careless(eligible.invoice_facts)),
            (collect, "Ask", _eager),
            (notices, "told", lambda *_: Told(date(2000, 1, 1))),
            (withdraw, "withdraw_announced", lambda *_: None),
            (reconsider, "withdraw_announced", lambda *_: None),
            (withdraw, "_next", lambda *_: None),
            (GoCardlessGateway, "find_debit", lambda *_, **__: None),
            (GoCardlessGateway, "create_debit", lambda self, frozen, **_: create(self, frozen, key=f"{uuid.uuid4()}")),
        ):
            stack.enter_context(patch.object(where, name, what))
        yield


def test_every_planted_fault_is_found_and_named(counter):
    street = Street(counter)
    with planted():
        live(street)

    violations = street.referee.judge()
    found = {(street_of(street, one.debit), one.rule) for one in violations}
    [declared] = [one for one in violations if one.rule == "declared"]
    told = "\n".join(story(street.referee.database, declared.debit))

    assert re.search(
        r"announced \d+ of F-declared for .*declaration of \d+ on F-declared, lifted .*: submitted", told, re.DOTALL
    ), told
    assert found == {*FOUND.items(), ("plan_paused", "made_twice")}


def test_nothing_is_found_where_every_look_is_taken(counter):
    street = Street(counter)
    live(street)

    assert [str(one) for one in street.referee.judge()] == []
    left = [one.id for one in referee.read_debits(street.twins) if one.left_at]
    # The debit under another mandate is announced anew: whether its new day is among those lived is the mandates' order.
    assert {street_of(street, one) for one in left} - {"other_mandate"} == {"plain", "silence"}
    assert street.referee.checked["mails"] > 10


def street_of(street: Street, debit: str) -> str:
    """Whose debit it is."""
    payment = uuid.UUID(street.twins.object(debit)["metadata"]["payment_id"])
    with reading() as session:
        debtor = session.get_one(Payment, payment).debtor_id
    return next(who for who, (identity, _invoice) in street.people.items() if identity == debtor)


def test_a_debit_of_a_company_that_debits_nobody_by_itself_is_found(counter):
    """Switched off while the debit is with the provider: planted away, it leaves and is named; asked, it is called off."""
    for is_planted in (True, False):
        street = Street(counter)
        who = "planted" if is_planted else "asked"
        street.moves_in(who)
        between.company_debits(is_on=True)
        perform_due()
        street.look()
        street.twins.advance(8)
        street.look()
        blind = patch.object(Company, "debits_by_itself", property(lambda _company: True))
        with blind if is_planted else nullcontext():
            between.company_debits(is_on=False)
            street.look()
            street.twins.advance(7)
            street.look()

        found = {(street_of(street, one.debit), one.rule) for one in street.referee.judge()}

        assert found & {(who, "company_stopped")} == ({(who, "company_stopped")} if is_planted else set())
        assert len([one for one in referee.read_debits(street.twins) if one.left_at]) == 1
