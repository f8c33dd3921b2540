"""One account of 10,000 open invoices beside one of 100: every page that shows it, and every act on all of it.

    python -m tests.bench --only account

Pages should not grow with the account but where they are the account: the ratio of milliseconds, of statements and of bytes is of
the large account by the small one. Acts write a row for each invoice, so their time grows; their statements must not.
"""

from __future__ import annotations

import re
import tempfile
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lxml import html
from sqlalchemy import select, text, update
from werkzeug.datastructures import MultiDict

import wsgi
from backoffice.access import passwords
from payments import service as payments
from payments.models import Payment
from payments.service import Facts
from payments.status import PaymentStatus
from shared.access.models import LinkPurpose, PortalSession
from shared.access.service import make_link
from shared.company.models import Company
from shared.debtors.models import Contact, Debtor
from shared.invoices.models import Invoice
from shared.kit import clock
from shared.kit.db import get_engine, reading, transaction
from shared.kit.settings import get_settings
from shared.promises import service as promises
from shared.promises.models import Promise
from tests.backoffice.conftest import PASSWORD, Desk
from tests.bench.server import empty_database
from tests.support.browser import Form, _form
from tests.support.counter import Door, together
from tests.support.counting import counted
from tests.support.people import SYSTEM, a_debtor
from tests.support.twins import start_twins

BESIDE = 100
"""Open invoices of the small account."""

CONTESTED = 100
"""So many one form of a dispute takes."""

PORTAL = (
    "/",
    "/invoices",
    "/invoices?q=4",
    "/invoices?state=settled",
    "/pay",
    "/pay/transfer",
    "/choose/pay",
    "/choose/dispute",
    "/choose/download",
    "/plans/new",
    "/promises/new",
    "/declarations/new",
    "/disputes/new",
    "/mandate",
    "/mandate/autopay",
    "/mandate/debits",
    "/documents",
    "/payments",
    "/profile",
)
DESK = (
    "/debtors/{debtor}",
    "/invoices?q={code}",
    "/debtors/{debtor}/receipts/new",
    "/debtors/{debtor}/promises/new",
    "/debtors/{debtor}/declarations/new",
    "/debtors/{debtor}/plans/new",
    "/debtors/{debtor}/disputes/new",
    "/debtors/{debtor}/credit",
)

_INVOICES = (
    """
    INSERT INTO invoice (id, company_id, debtor_id, kind, number, title, order_reference, issued_on, due_on, due_is_derived,
        currency, total_minor, open_minor, held_minor, frozen_minor, paused_minor, source, created_at)
    SELECT uuidv7(), d.company_id, d.id, 'invoice', d.account_code || '-' || lpad(k::text, 6, '0'), 'Fourniture', '',
        CURRENT_DATE - 30 - k % 60, CURRENT_DATE - k % 60 + 30, false, 'EUR', 1000, 1000, 0, 0, 0, 'import', now()
    FROM debtor d CROSS JOIN generate_series(1, :size) AS k WHERE d.id = :debtor
    """,
    """
    INSERT INTO ledger_transfer (id, company_id, debtor_id, movement_id, leg, kind, phase, debit_account, debit_owner,
        credit_account, amount_minor, currency, value_on, at)
    SELECT uuidv7(), company_id, debtor_id, id, 0, 'issue', 'posted', 'receivable', id, 'sales', total_minor, currency,
        issued_on, now()
    FROM invoice WHERE debtor_id = :debtor
    """,
    "UPDATE debtor SET open_minor = 1000 * :size WHERE id = :debtor",
)


@dataclass
class Counted:
    """What one answer or act took."""

    ms: float
    statements: int
    bytes: int = 0


@dataclass
class Visitor:
    """A person at the portal whose answers are timed; forms are read outside the time."""

    client: Any
    found: dict[str, Counted] = field(default_factory=dict)

    def open(self, address: str, name: str = "") -> html.HtmlElement:
        """A page that must be there; redirects are followed and counted with it."""
        return self._took(name or address, lambda: self.client.get(address, follow_redirects=True))

    def send(self, page: html.HtmlElement, address: str, name: str, **values: Any) -> html.HtmlElement:
        """The form of a page that posts to an address, with more values."""
        form = next(
            each for each in map(_form, page.xpath("//form")) if _path(each) == address and each.method == "post"
        )
        fields = MultiDict(form.fields)
        for key, value in values.items():
            fields[key] = value
        return self._took(name, lambda: self.client.post(address, data=fields))

    def _took(self, name: str, act: Callable[[], Any]) -> html.HtmlElement:
        with counted() as statements:
            began = time.perf_counter()
            answer = act()
            spent = time.perf_counter() - began
        if answer.status_code not in {200, 303}:
            raise RuntimeError(f"{name}: {answer.status_code} {_said(answer.text)}")
        self.found[name] = Counted(round(spent * 1000, 1), len(statements), len(answer.data))
        if answer.status_code == 303:
            place = urlsplit(answer.headers["Location"])
            if place.netloc in {"", "localhost", "guichet.test"}:
                where = f"{place.path}?{place.query}" if place.query else place.path
                return self.open(where, f"{name} → page")
        return html.fromstring(answer.data or b"<p></p>")

    def act(self, name: str, do: Callable[[], object]) -> None:
        """Something that no page does."""
        with counted() as statements:
            began = time.perf_counter()
            do()
            spent = time.perf_counter() - began
        self.found[name] = Counted(round(spent * 1000, 1), len(statements))


def _path(form: Form) -> str:
    return urlsplit(form.action).path


def _said(source: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", source.partition("<main")[2]).split())[:300]


def measure(*, small: int, large: int) -> dict[str, Any]:
    """The same pages and acts for an account of each size."""
    with tempfile.TemporaryDirectory(prefix="guichet-bench-") as folder, ExitStack() as stack:
        stack.enter_context(empty_database())
        wsgi.import_jobs()
        door = Door()
        door.open()
        stack.callback(door.close)
        twins = stack.enter_context(start_twins(Path(folder), app_url=f"http://127.0.0.1:{door.port}"))
        counter = stack.enter_context(together(twins, door, Path(folder) / "var"))
        counter.open_account(amounts=())
        portal, back = wsgi.build_portal(get_settings()), wsgi.build_backoffice(get_settings())
        door.app = portal
        desk = Desk(back, back.test_client(), passwords.hash_password(PASSWORD))
        desk.add()
        if desk.sign_in().status_code != 303:
            raise RuntimeError("no way in")
        sizes: dict[int, dict[str, Counted]] = {}
        for size in (small, large):
            debtor_id = _account(counter.debtor_id, size)
            visitor = Visitor(portal.test_client())
            _sign_in(visitor, debtor_id)
            _pages(visitor)
            _desk_pages(visitor, desk, debtor_id, size)
            _acts(visitor, debtor_id)
            sizes[size] = visitor.found
    return _figures(sizes[small], sizes[large]) | {"small": small, "large": large}


def _account(beside: uuid.UUID, size: int) -> uuid.UUID:
    with transaction() as session:
        company = session.get_one(Company, session.get_one(Debtor, beside).company_id)
        debtor_id = a_debtor(session, company, f"C{size}", f"Client {size}").id
    with get_engine().begin() as connection:
        connection.execute(text("SET LOCAL statement_timeout TO 0"))
        for statement in _INVOICES:
            connection.execute(text(statement), {"debtor": debtor_id, "size": size})
    with get_engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    return debtor_id


def _sign_in(visitor: Visitor, debtor_id: uuid.UUID) -> None:
    with transaction() as session:
        contact = session.scalars(
            select(Contact).where(Contact.email.like("c%@client.example")).order_by(Contact.id.desc())
        ).first()
        assert contact is not None
        contact.language = "en"
        token = make_link(session, debtor_id=debtor_id, contact_id=contact.id, purpose=LinkPurpose.REMINDER)
    page = visitor.open(f"/l/{token}")
    visitor.send(page, f"/l/{token}", "sign in")
    with transaction() as session:
        session.execute(update(PortalSession).values(verified_at=clock.now()))
    visitor.found.clear()


def _pages(visitor: Visitor) -> None:
    for address in PORTAL:
        visitor.client.get(address, follow_redirects=True)  # what is compiled once is compiled now
        visitor.open(address)


def _desk_pages(visitor: Visitor, desk: Desk, debtor_id: uuid.UUID, size: int) -> None:
    for template in DESK:
        address = template.format(debtor=debtor_id, code=f"C{size}")
        desk.get(address)
        with counted() as statements:
            began = time.perf_counter()
            answer = desk.get(address)
            spent = time.perf_counter() - began
        if answer.status_code != 200:
            raise RuntimeError(f"{address}: {answer.status_code}")
        visitor.found[f"desk {template}"] = Counted(round(spent * 1000, 1), len(statements), len(answer.data))


def _chosen(visitor: Visitor, purpose: str, act: str = "all") -> html.HtmlElement:
    """All of the account, by the page that chooses; the page that it leads to."""
    page = visitor.open(f"/choose/{purpose}", f"choose {purpose}")
    page = visitor.send(page, f"/choose/{purpose}", f"choose {purpose}: tick", act=act)
    return visitor.send(page, f"/choose/{purpose}", f"choose {purpose}: go", act="go")


def _acts(visitor: Visitor, debtor_id: uuid.UUID) -> None:
    day = (clock.today() + timedelta(days=5)).isoformat()
    year = f"since={clock.today() - timedelta(days=365)}&until={clock.today()}"
    visitor.open(f"/documents/statement?{year}&form=csv", "statement of a year, CSV")
    # A promise of everything: given, looked at, called off.
    page = _chosen(visitor, "promise")
    visitor.send(page, "/promises/new", "POST promise all", promised_on=day, act="give")
    with reading() as session:
        promise_id = session.scalars(select(Promise.id).where(Promise.debtor_id == debtor_id)).one()
    visitor.act("look at the promise", lambda: _in_one(lambda s: promises.look(s, promise_id)))
    visitor.send(visitor.open(f"/promises/{promise_id}"), f"/promises/{promise_id}/cancel", "POST cancel the promise")
    # All of it declared as paid, and taken back.
    page = _chosen(visitor, "transfer")
    page = visitor.send(page, "/declarations/new", "POST declare all", paid_on=clock.today().isoformat())
    (withdraw,) = {_path(form) for form in map(_form, page.xpath("//form")) if form.action.endswith("/withdraw")}
    visitor.send(page, withdraw, "POST withdraw the declaration")
    # As many as a form takes, contested, and taken back.
    page = visitor.send(visitor.open("/choose/dispute"), "/choose/dispute", "choose dispute: none", act="none")
    with reading() as session:
        some = session.scalars(
            select(Invoice.id)
            .where(Invoice.debtor_id == debtor_id)
            .order_by(Invoice.due_on, Invoice.id)
            .limit(CONTESTED)
        ).all()
    ticked = MultiDict(
        next(form for form in map(_form, page.xpath("//form")) if _path(form) == "/choose/dispute").fields
    )
    ticked.setlist("invoice", [str(one) for one in some])
    ticked["act"] = "go"
    answer = visitor.client.post("/choose/dispute", data=ticked)
    page = visitor.open(answer.headers["Location"], "dispute form of a hundred")
    page = visitor.send(
        page, "/disputes/new", "POST dispute of a hundred", text="Nothing came.", reason="not_delivered"
    )
    (withdraw,) = {_path(form) for form in map(_form, page.xpath("//form")) if form.action.endswith("/withdraw")}
    visitor.send(page, withdraw, "POST withdraw the dispute")
    # A card payment of everything: begun, confirmed, charged back, won.
    page = _chosen(visitor, "pay")
    visitor.send(page, "/pay", "POST pay all", means="card")
    with reading() as session:
        payment_id = session.scalars(select(Payment.id).where(Payment.debtor_id == debtor_id)).one()
    visitor.act("the money has come", lambda: _advance(payment_id, PaymentStatus.CONFIRMED))
    visitor.act("it is charged back", lambda: _advance(payment_id, PaymentStatus.CHARGED_BACK, "dp_1"))
    visitor.act("it is won", lambda: _advance(payment_id, PaymentStatus.CONFIRMED, "won_1"))
    visitor.open(f"/payments/{payment_id}", "its page")
    visitor.act("it is charged back again", lambda: _advance(payment_id, PaymentStatus.CHARGED_BACK, "dp_2"))


def _in_one(act: Callable[[Any], object]) -> None:
    with transaction() as session:
        act(session)


def _advance(payment_id: uuid.UUID, to: PaymentStatus, reference: str = "") -> None:
    facts = Facts(object_reference=f"{reference}_{payment_id}") if reference else Facts()
    _in_one(lambda session: payments.advance(session, payment_id, to, by=SYSTEM, facts=facts))


def _figures(small: dict[str, Counted], large: dict[str, Counted]) -> dict[str, Any]:
    names = [name for name in large if name in small or "→" not in name]
    rows = {}
    for name in names:
        few, many = small.get(name), large[name]
        rows[name] = {
            "ms": many.ms,
            "statements": many.statements,
            "bytes": many.bytes,
            "ratio": round(many.ms / few.ms, 1) if few else None,
            "statements_more": many.statements - few.statements if few else None,
        }
    acts = {name for name in names if name.startswith("POST ") and "→" not in name} | {
        "look at the promise",
        "the money has come",
        "it is charged back",
        "it is won",
    }
    pages = [name for name in names if name not in acts and rows[name]["bytes"]]
    slowest = max(pages, key=lambda name: float(rows[name]["ms"]))
    return {
        "rows": rows,
        "slowest_page": slowest,
        "slowest_page_ms": rows[slowest]["ms"],
        "ratio_of_home": rows["/"]["ratio"],
        "heaviest_page_bytes": max(int(rows[name]["bytes"]) for name in pages),
        "more_statements": max(int(rows[name]["statements_more"] or 0) for name in acts),
        "slowest_act": max(acts, key=lambda name: float(rows[name]["ms"])),
    }
