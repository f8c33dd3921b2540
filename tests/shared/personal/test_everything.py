"""Everything that is held about a person stands in its export, in words that a person reads; and nothing of anybody else."""

from __future__ import annotations

import io
import json
import re
import uuid
import zipfile
from datetime import date, timedelta
from itertools import count
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import JSONB

import wsgi
from shared.debtors.models import Contact, Debtor, DebtorContact
from shared.debtors.service import add_contact
from shared.kit import clock, personal
from shared.kit.db import Base, reading, transaction
from shared.kit.ids import new_id
from shared.kit.money import Money
from shared.kit.words import speaking
from shared.messages.decision import Decision, LeftOut, Listed, Omission
from shared.messages.models import MessageStatus
from shared.personal import export, readable, sweep
from shared.promises.rules import PromiseState
from tests.shared.personal.test_sweep import CLOCK, _account, release, settle, totals  # noqa: F401
from tests.support.account import Account
from tests.support.people import SYSTEM

PLANTED = {
    "attachment": ("name",),
    "contact": ("name", "phone", "bounce_answer"),
    "debtor": ("street", "city", "reminders_pause_reason"),
    "debtor_alias": ("code",),
    "debtor_contact": ("called",),
    "debtor_note": ("text",),
    "declaration": ("bank_reference", "note", "answer"),
    "dispute": ("resolution",),
    "dispute_entry": ("text",),
    "erasure_request": ("answer",),
    "mandate": ("holder_name", "bank_name"),
    "message": ("to_address", "subject", "reason", "text_body"),
    "payment": ("failure_reason", "memo"),
    "plan": ("message", "answer", "end_reason"),
    "plan_consent": ("name", "email", "address", "user_agent", "clause"),
    "portal_session": ("user_agent", "address"),
    "promise": ("note",),
    "refund": ("reason",),
}
"""The words about a person that the person gets, by table."""

NOT_HANDED_OUT = {
    "audit_line": "the act and its day are handed out; what stood before and after may name others",
    "debtor": "of the account itself: street and city stand for its address; a text for searching says nothing new",
    "chargeback": "the case of the bank; its payment is handed out",
    "magic_link": "who closed it",
    "one_time_code": "digests alone",
    "kept_draft": "sealed: nobody opens it but its browser",
    "rate_counter": "digests alone",
    "erased_address": "a digest of whoever is gone",
    "outbox_message": "numbers alone",
    "inbox_event": "the provider's words; what became of them stands in the payment",
    "import_run": "the file of the company; what was taken from it is handed out where it stands",
    "document": "papers that the person downloads in the portal",
    "invoice": "the account's papers",
    "gift": "staff",
    "import_change": "what a file said of the account; it goes with the file",
    "paper_order": "what a long paper is made from, while it is made",
    "invoice_line": "the account's papers",
    "limit_raise": "staff",
    "invoice_freeze": "why an invoice is set aside: the account's affair",
    "dispute_credit_proposal": "between members of staff, until it is decided; then the dispute says it",
    "staff_member": "staff",
    "staff_session": "staff",
    "staff_notice": "staff",
    "retention_release": "staff",
    "retention_term": "staff",
    "correction": "staff",
}
for _steps in ("chargeback", "declaration", "dispute", "mandate", "payment", "plan", "promise"):
    NOT_HANDED_OUT[f"{_steps}_transition"] = "the steps of an affair that is handed out"


_numbers = count()


DECIDED = Decision(
    date(2026, 3, 9),
    15,
    [Listed("F-1", date(2026, 2, 28), Money(138_720, "EUR"))],
    [LeftOut("F-2", Money(50, "EUR"), Omission.NOT_DUE)],
).as_json()


class Planter:
    """Writes a row of any table: what is asked for, and else something that its columns take."""

    def __init__(self, connection: Any, known: dict[str, uuid.UUID], day: Any) -> None:
        self._connection, self._known, self._day = connection, known, day

    def plant(self, name: str, /, **facts: Any) -> uuid.UUID:
        table = Base.metadata.tables[name]
        row = {column.name: self._value(column) for column in table.columns if self._must(column)}
        row |= {"id": new_id()} | facts
        self._connection.execute(table.insert().values({k: v for k, v in row.items() if k in table.c}))
        return row["id"]

    @staticmethod
    def _must(column: sa.Column[Any]) -> bool:
        return not column.nullable and column.server_default is None and not column.identity

    def _value(self, column: sa.Column[Any]) -> Any:
        if column.foreign_keys:
            target = next(iter(column.foreign_keys)).column.table.name
            return self._known[target] if target in self._known else self._known.setdefault(target, self.plant(target))
        if column.name in ("currency", "language"):
            return {"currency": "EUR", "language": "fr"}[column.name]
        kind, number = column.type, next(_numbers)
        if isinstance(kind, sa.Enum):
            return next(iter(kind.enum_class)) if kind.enum_class else kind.enums[0]
        plain = {
            sa.Boolean: False,
            sa.Integer: 1,
            sa.DateTime: clock.now(),
            sa.Date: self._day,
            sa.LargeBinary: b"%d" % number,
            JSONB: {},
            sa.Uuid: new_id(),
            sa.String: ("f" * 64 if column.name.endswith("sha256") else f"x{number}")[: getattr(kind, "length", None)],
        }
        return next(value for of, value in plain.items() if isinstance(kind, of))


def marked(whose: str, table: str, column: str) -> str:
    return f"{whose}-{table}-{column}".replace("_", "-")[:40]


def plant_all(account: Account, whose: str, contact_id: uuid.UUID, debtor_id: uuid.UUID) -> set[str]:
    """A row of every table that holds something about a person, each word with a mark of its own; gives the marks."""

    def marks(table: str) -> dict[str, str]:
        return {column: marked(whose, table, column) for column in PLANTED[table]}

    with transaction() as session:
        connection = session.connection()
        known = {"company": account.company_id, "debtor": debtor_id, "contact": contact_id, "invoice": account.one}
        sow = Planter(connection, known, clock.today())
        mine = {"company_id": account.company_id, "debtor_id": debtor_id, "contact_id": contact_id}
        said_by = {"author_kind": "contact", "author_id": contact_id, "kind": "message"}
        connection.execute(sa.update(Contact).where(Contact.id == contact_id).values(**marks("contact")))
        connection.execute(sa.update(Debtor).where(Debtor.id == debtor_id).values(kind="consumer", **marks("debtor")))
        connection.execute(
            sa.update(DebtorContact).where(DebtorContact.contact_id == contact_id).values(**marks("debtor_contact"))
        )
        sow.plant("debtor_alias", **mine | {"code_says_who": True} | marks("debtor_alias"))
        sow.plant("debtor_note", **mine | marks("debtor_note"))
        known["magic_link"] = sow.plant("magic_link", **mine)
        sow.plant("portal_session", **mine | marks("portal_session"))
        sow.plant(
            "message",
            **mine | {"attachments": [], "status": MessageStatus.SENT, "decision": DECIDED} | marks("message"),
        )
        dispute = sow.plant("dispute", **mine | {"ended_at": clock.now()} | marks("dispute"))
        sow.plant("dispute_entry", **said_by | {"dispute_id": dispute} | marks("dispute_entry"))
        by_me = {"uploaded_by_kind": "contact", "uploaded_by_id": contact_id, "subject_id": dispute}
        sow.plant("attachment", **mine | by_me | {"subject_type": "dispute"} | marks("attachment"))
        known["mandate"] = sow.plant("mandate", **mine | marks("mandate"))
        known["payment"] = sow.plant("payment", **mine | marks("payment"))
        sow.plant("refund", **{"payment_id": known["payment"]} | marks("refund"))
        sow.plant(
            "promise",
            **mine | {"until_on": clock.today() + timedelta(days=1), "state": PromiseState.KEPT} | marks("promise"),
        )
        sow.plant("declaration", **mine | {"ended_at": clock.now()} | marks("declaration"))
        known["plan"] = sow.plant("plan", **mine | {"reasons": [], "ended_at": clock.now()} | marks("plan"))
        sow.plant("plan_consent", **mine | {"plan_id": known["plan"]} | marks("plan_consent"))
        sow.plant(
            "erasure_request",
            **mine | {"state": "declined", "ground": "law", "decided_at": clock.now()} | marks("erasure_request"),
        )
    return {marked(whose, table, column) for table in PLANTED for column in PLANTED[table]}


def test_a_mark_in_every_table_comes_out_and_nobody_elses(account: Account) -> None:
    with transaction() as session:
        company = session.get_one(Debtor, account.debtor_id).company_id
        from shared.company.models import Company
        from tests.support.people import a_debtor

        other = a_debtor(session, session.get_one(Company, company), code="411PAUL", name="Paul")
        other_debtor = other.id
        paul = session.scalars(select(Contact.id).where(Contact.email == "411paul@client.example")).one()
    mine = plant_all(account, "dora", account.contact_id, account.debtor_id)
    plant_all(account, "paul", paul, other_debtor)

    with reading() as session, speaking("fr"):
        found = export.gather(session, account.contact_id, company_id=account.company_id)
        packed = readable.as_zip(found)

    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        page, data = (archive.read(name).decode() for name in archive.namelist())
    assert {mark for mark in mine if mark not in data} == set()
    assert {mark for mark in mine if mark not in page} == set()
    assert "paul" not in data.lower()
    assert "paul" not in page.lower()


def test_every_table_of_the_registry_is_handed_out_or_it_is_said_why_not() -> None:
    wsgi.import_personal()
    tables = {column.partition(".")[0] for kind in personal.all_kinds() for column in kind.holds}

    assert tables - set(PLANTED) - set(NOT_HANDED_OUT) == set()


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_page_is_in_words_and_not_in_codes(account: Account, language: str) -> None:
    plant_all(account, "dora", account.contact_id, account.debtor_id)
    with reading() as session, speaking(language):
        found = export.gather(session, account.contact_id, company_id=account.company_id)
        page = readable.as_page(found).decode()
        facts = {
            (each.kind, label): text
            for each in readable.sections(found)
            for entry in each.entries
            for label, text in (*entry.facts, *entry.texts)
        }

    shown = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    codes = [text for text in facts.values() if re.fullmatch(r"[a-z]+(_[a-z]+)+", text)]
    assert codes == []
    assert not re.search(r"\d{4}-\d\d-\d\dT\d\d:\d\d", shown), "days and hours as people write them"
    assert not re.search(r"\b(True|False|None)\b", shown)
    assert f'lang="{language}"' in page
    assert "://" not in shown, "it asks nobody for anything"
    if language == "fr":
        assert facts["promises", "État"] == "Tenue"
        decided = facts["messages_consumer", "Décidé par"]
        assert "Facture\u00a0: F-1 – Échéance\u00a0: 28 février 2026 – Montant\u00a0: 1\u202f387,20\u00a0€" in decided
        assert "pas encore" in decided


def test_a_note_on_an_account_that_others_share_is_not_one_persons(account: Account) -> None:
    plant_all(account, "dora", account.contact_id, account.debtor_id)
    with transaction() as session:
        debtor = session.get_one(Debtor, account.debtor_id)
        add_contact(session, debtor=debtor, email="paul@client.example", name="Paul", by=SYSTEM)
    with reading() as session:
        written = json.dumps(export.gather(session, account.contact_id, company_id=account.company_id))

    assert marked("dora", "debtor_note", "text") not in written
    assert marked("dora", "debtor", "street") not in written


KEPT_BY_LAW = {
    "dispute": ("resolution",),
    "mandate": ("holder_name", "bank_name"),
    "payment": ("failure_reason", "memo"),
    "plan_consent": ("name", "email", "address", "user_agent", "clause"),
    "refund": ("reason",),
}
"""What proves or explains the books: it has no end that the program brings about."""


def left() -> set[str]:
    """Every mark that stands anywhere in the database."""
    with reading() as session:
        tables = session.scalars(
            sa.text("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        ).all()
        rows = [
            row
            for table in tables
            for row in session.scalars(sa.text(f"SELECT t::text FROM \"{table}\" t WHERE t::text ILIKE '%dora-%'"))
        ]
    return set(re.findall(r"dora-[a-z-]+[a-z]", " ".join(rows)))


def test_after_its_term_every_word_is_gone_but_what_explains_the_books(account: Account) -> None:
    settle(account)
    mine = plant_all(account, "dora", account.contact_id, account.debtor_id)
    release(account.company_id)
    before = totals()
    assert mine <= left()

    account.clock.advance(days=31 * 133)
    sweep.sweep(by=CLOCK)
    sweep.sweep(by=CLOCK)

    by_law = {marked("dora", table, column) for table in KEPT_BY_LAW for column in KEPT_BY_LAW[table]}
    assert left() - {marked("dora", "message", "subject")} == by_law
    assert totals() == before


def test_nothing_of_it_goes_a_day_before_its_shortest_term(account: Account) -> None:
    settle(account)
    mine = plant_all(account, "dora", account.contact_id, account.debtor_id)
    release(account.company_id)
    account.clock.advance(days=364)
    sweep.sweep(by=CLOCK)

    assert mine - left() == set()
