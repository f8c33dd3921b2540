"""A large world made in the database itself: 100,000 debtors with 1,000,000 invoices, one in five open."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import text

from shared.kit.db import get_engine, transaction
from tests.bench.server import empty_database
from tests.support.people import a_company

_WORLD = (
    """
    INSERT INTO debtor (id, company_id, account_code, name, kind, street, street_more, postcode, city, country, language,
        currency, autopay, reminders_pause_reason, open_minor, held_minor, credit_minor, search_text, created_at)
    SELECT uuidv7(), :company, '411B' || lpad(n::text, 6, '0'), 'Client ' || n, 'business', '1 rue du Port', '', '35000',
        'Rennes', 'FR', CASE WHEN n % 10 = 0 THEN 'en' ELSE 'fr' END, 'EUR', false, '', 0, 0, 0,
        'client ' || n || ' 411b' || lpad(n::text, 6, '0'), now()
    FROM generate_series(1, :debtors) AS n
    """,
    """
    INSERT INTO contact (id, company_id, email, name, language, phone, wants_digest, created_at)
    SELECT uuidv7(), company_id, lower(account_code) || '@client.example', name, language, '', false, now() FROM debtor
    """,
    """
    INSERT INTO debtor_contact (id, debtor_id, contact_id, role, is_reminded, created_at)
    SELECT uuidv7(), d.id, c.id, 'owner', true, now()
    FROM debtor d JOIN contact c ON c.email = lower(d.account_code) || '@client.example'
    """,
    """
    INSERT INTO invoice (id, company_id, debtor_id, kind, number, title, order_reference, issued_on, due_on,
        due_is_derived, currency, total_minor, open_minor, held_minor, frozen_minor, paused_minor, settled_on, source, created_at)
    SELECT uuidv7(), d.company_id, d.id, 'invoice', 'F' || d.account_code || '-' || k, 'Fourniture', '',
        CURRENT_DATE - age - 30, CURRENT_DATE - age, false, 'EUR', amount,
        CASE WHEN is_open THEN amount ELSE 0 END, 0, 0, 0,
        CASE WHEN is_open THEN NULL ELSE CURRENT_DATE - age + 5 END, 'import', now()
    FROM debtor d
    CROSS JOIN generate_series(1, :each) AS k
    CROSS JOIN LATERAL (
        SELECT abs(hashtext(d.account_code || k)) % 400 - 40 AS age,
               1000 + abs(hashtext(k || d.account_code)) % 500000 AS amount,
               abs(hashtext('open' || k || d.account_code)) % 5 = 0 AS is_open
    ) AS dice
    """,
    """
    INSERT INTO ledger_transfer (id, company_id, debtor_id, movement_id, leg, kind, phase, debit_account, debit_owner,
        credit_account, amount_minor, currency, value_on, at)
    SELECT uuidv7(), company_id, debtor_id, id, 0, 'issue', 'posted', 'receivable', id, 'sales', total_minor, currency,
        issued_on, now()
    FROM invoice
    """,
    """
    INSERT INTO ledger_transfer (id, company_id, debtor_id, movement_id, leg, kind, phase, debit_account, credit_account,
        credit_owner, amount_minor, currency, value_on, at)
    SELECT uuidv7(), company_id, debtor_id, uuidv7(), 0, 'imported', 'posted', 'elsewhere', 'receivable', id, total_minor,
        currency, settled_on, now()
    FROM invoice WHERE open_minor = 0
    """,
    """
    UPDATE debtor SET open_minor = sums.open_minor
    FROM (SELECT debtor_id, sum(open_minor) AS open_minor FROM invoice WHERE open_minor > 0 GROUP BY debtor_id) AS sums
    WHERE sums.debtor_id = debtor.id
    """,
)


@dataclass(frozen=True, slots=True)
class World:
    """Where the large world is."""

    url: str
    company_id: uuid.UUID
    seconds: float


@contextmanager
def large_world(debtors: int = 100_000, each: int = 10) -> Iterator[World]:
    """The world for the figures: `debtors` debtors with `each` invoices."""
    with empty_database() as url:
        began = time.perf_counter()
        with transaction() as session:
            company_id = a_company(session).id
        with get_engine().begin() as connection:
            connection.execute(text("SET LOCAL statement_timeout TO 0"))
            for statement in _WORLD:
                connection.execute(text(statement), {"company": company_id, "debtors": debtors, "each": each})
        with get_engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("SET statement_timeout TO 0"))
            connection.execute(text("VACUUM ANALYZE"))
        yield World(url, company_id, time.perf_counter() - began)
