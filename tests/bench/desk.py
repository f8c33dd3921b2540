"""Every list of the back-office in the large world, in every order and with every filter that its page offers.

Links are followed as a person would: a list's own page shows its columns' orders, its views and its next page. Aim: each below
100 ms at the server, page and queries together.
"""

from __future__ import annotations

import html
import re
import tempfile
import time
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from sqlalchemy import select, text

import wsgi
from backoffice.access import passwords
from backoffice.reminders.models import ReminderRun
from shared.kit import files
from shared.kit.db import get_engine, transaction
from shared.kit.settings import Settings, use_settings
from tests.backoffice.conftest import PASSWORD, Desk
from tests.bench.server import cpu_seconds
from tests.bench.world import World

AIM_MS = 100
LISTS = (
    "/",
    "/search?q=client",
    "/debtors",
    "/debtors?q=client+42",
    "/invoices",
    "/invoices?q=B00042",
    "/payments",
    "/mandates",
    "/collections",
    "/reminders",
    "/messages",
    "/promises",
    "/promises/expected",
    "/declarations",
    "/disputes",
    "/plans",
    "/notices",
    "/quality",
    "/imports",
    "/system",
    "/system/outbox",
    "/system/webhooks",
    "/system/audit",
)

_HISTORY = (
    """
    INSERT INTO payment (id, company_id, debtor_id, reference, attempt, means, provider, status, amount_minor, currency,
        idempotency_key, request, refunded_minor, memo, received_on, created_at, confirmed_at)
    SELECT uuidv7(), company_id, debtor_id, 'PAY-' || left(md5(id::text), 16), 'bench ' || id, 'transfer', 'hand', 'confirmed',
        total_minor, currency, 'bench ' || id, '{}', 0, '', settled_on, settled_on, settled_on
    FROM invoice WHERE settled_on IS NOT NULL AND abs(hashtext(number)) % 4 = 0
    """,
    """
    INSERT INTO message (id, company_id, debtor_id, contact_id, kind, language, to_name, to_address, subject, text_body,
        html_body, attachments, reason, dedupe_key, at_most_once, status, created_at, sent_at, marker, rank, tries)
    SELECT uuidv7(), d.company_id, d.id, dc.contact_id, 'reminder', 'fr', d.name, lower(d.account_code) || '@client.example',
        'Vos factures', repeat('Bonjour. ', 100), repeat('<p>Bonjour.</p>', 100), '[]', 'bench', 'bench ' || d.id || k, true,
        CASE WHEN abs(hashtext(d.account_code || k)) % 50 = 0 THEN 'refused' ELSE 'sent' END, now() - k * interval '9 days',
        now() - k * interval '9 days', '', 1, 0
    FROM debtor d JOIN debtor_contact dc ON dc.debtor_id = d.id CROSS JOIN generate_series(1, 2) AS k
    """,
    """
    INSERT INTO mandate (id, company_id, debtor_id, reference, attempt, status, idempotency_key, request, holder_name,
        bank_name, iban_ending, iban_country, evidence, created_at, given_at, end_reason)
    SELECT uuidv7(), company_id, id, 'RUM' || account_code, 'bench ' || id, 'active', 'bench ' || id, '{}', name, 'Banque',
        '1234', 'FR', '{}', now(), now(), ''
    FROM debtor WHERE abs(hashtext(account_code)) % 5 = 0
    """,
    """
    INSERT INTO audit_line (at, actor_kind, actor_name, action, subject_type, subject_id, company_id, debtor_id, after)
    SELECT created_at, 'system', 'bench', 'payment.confirmed', 'payment', id, company_id, debtor_id, '{}' FROM payment
    """,
    "UPDATE contact SET bounced_at = now() WHERE abs(hashtext(email)) % 40 = 0",
)


def measure(world: World, *, rounds: int) -> dict[str, Any]:
    """Ask for each list, and for all that its page offers of it, so many times; the best of each counts."""
    with tempfile.TemporaryDirectory(prefix="guichet-bench-") as folder:
        settings = Settings(mode="test", secret_key=SecretStr("b" * 48), var_dir=Path(folder))
        use_settings(settings)
        files.use_store(files.FileStore(Path(folder) / "files"))
        _add_history()
        app = wsgi.build_backoffice(settings)
        desk = Desk(app, app.test_client(), passwords.hash_password(PASSWORD))
        desk.add()
        if desk.sign_in().status_code != 303:
            raise RuntimeError("no way in")
        pages = {address: _ask(desk, world, address, rounds) for address in _addresses(desk)}
    by_time = sorted(pages.items(), key=lambda page: -page[1]["ms"])
    return {
        "pages": len(pages),
        "slowest_ms": by_time[0][1]["ms"],
        "over_aim": [address for address, page in by_time if page["ms"] > AIM_MS],
        "slowest": [{"page": address, **page} for address, page in by_time[:12]],
        "median_ms": by_time[len(by_time) // 2][1]["ms"],
        "aim_ms": AIM_MS,
    }


def _add_history() -> None:
    with get_engine().begin() as connection:
        connection.execute(text("SET LOCAL statement_timeout TO 0"))
        for statement in _HISTORY:
            connection.execute(text(statement))
    with get_engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SET statement_timeout TO 0"))
        connection.execute(text("VACUUM ANALYZE"))


def _addresses(desk: Desk) -> list[str]:
    """The lists, and every order, view and next page that they link to."""
    with transaction() as session:
        runs = session.scalars(select(ReminderRun.id).order_by(ReminderRun.run_on).limit(1)).all()
    found: dict[str, None] = {}
    for start in (*LISTS, *(f"/reminders/{run}" for run in runs)):
        answer = desk.get(start)
        if answer.status_code != 200:
            raise RuntimeError(f"{start}: {answer.status_code}")
        found[start] = None
        path = start.partition("?")[0]
        for link in re.findall(rf'href="({re.escape(path)}\?[^"]+)"', answer.text):
            found[html.unescape(link)] = None
    return list(found)


def _ask(desk: Desk, world: World, address: str, rounds: int) -> dict[str, float]:
    """The best of some rounds, in milliseconds: on the clock, and of the processors (ours and the database's) on average."""
    times = []
    computed = cpu_seconds(world.url)
    for _ in range(rounds):
        began = time.perf_counter()
        answer = desk.get(address)
        times.append(time.perf_counter() - began)
        if answer.status_code != 200:
            raise RuntimeError(f"{address}: {answer.status_code}")
    spent = cpu_seconds(world.url)
    page = {"ms": round(min(times) * 1000, 1)}
    if computed is not None and spent is not None:
        page["cpu_ms"] = round((spent - computed) / rounds * 1000)
    return page
