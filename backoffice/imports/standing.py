"""What was built on an import since: why it can no longer be taken back, named one by one.

Whatever names one of its invoices, or an account that it made, stands in the way: every table that refers to invoices or debtors is asked,
so that a room that is added later is asked as well. Only logs of decisions, papers and what the import itself wrote do not count.
"""

# ruff: noqa: S608 - tables and columns are those of our own models

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Table, text
from sqlalchemy.orm import Session

from backoffice.imports.models import ImportRun
from backoffice.imports.statements import DEBTOR, INVOICE
from shared.kit.db import Base

LOGS = frozenset({"collection_decision"})
"""What was decided of an invoice on a day; goes with it."""
OWN = frozenset(
    {"invoice", "invoice_line", "invoice_vat", "debtor", "debtor_alias", "debtor_contact", "import_position"}
)
"""What an import writes."""
ASIDE = frozenset({
    "ledger_transfer", "invoice_freeze", "invoice_withdrawn", "document", "paper_order", "kept_selection", "staff_notice",
    "scenario_choice",
})  # fmt: skip
"""Asked in words of their own below, or nothing that anybody relies on; what staff choose of an account has its line in the audit trail."""
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One reason against an undo: its kind (`undo_words`), what it is about, and how many there are of that kind."""

    what: str
    subjects: tuple[str, ...]
    count: int


def obstacles(session: Session, run: ImportRun) -> list[Obstacle]:
    """Everything that stands against taking an import back; empty when it may be."""
    if not run.result.get("may_be_undone") or run.file_gone_at is not None:
        return [Obstacle("unknown", (), 1)]
    facts = {"run": run.id, "company": run.company_id, "since": run.finished_at}
    shrunk = int(run.result.get("holds_shrunk") or 0)
    found = [Obstacle("holds_shrunk", (), shrunk)] if shrunk else []
    for what, query in asked():
        rows = session.execute(
            text(f"{_WITH} SELECT subject, count(*) OVER () AS count FROM ({query}) AS q ORDER BY 1 LIMIT {SHOWN}"),
            facts,
        ).all()
        if rows:
            found.append(Obstacle(what, tuple(str(subject) for subject, _count in rows), int(rows[0][1])))
    return found


def referring(to: str) -> list[tuple[Table, str]]:
    """Every table that refers to a table, with the column."""
    return [
        (table, column.name)
        for table in Base.metadata.sorted_tables
        for column in table.c
        if any(key.target_fullname == f"{to}.id" for key in column.foreign_keys)
    ]


def asked() -> Iterator[tuple[str, str]]:
    """What is asked, by the kind of its answers: SQL that gives the subjects."""
    yield from _ASKED.items()
    for table, column in referring("invoice"):
        if table.name not in LOGS | OWN | ASIDE:
            yield (
                table.name,
                f"SELECT DISTINCT m.number AS subject FROM {table.name} x JOIN mine m ON m.id = x.{column}",
            )
    for table, column in referring("debtor"):
        if table.name not in LOGS | OWN | ASIDE | set(_ASKED):
            yield (
                table.name,
                f"SELECT DISTINCT d.account_code AS subject FROM {table.name} x JOIN made d ON d.id = x.{column}",
            )


_WITH = """
WITH mine AS (SELECT id, number, debtor_id FROM invoice WHERE company_id = :company AND import_run_id = :run),
made AS (SELECT id, account_code FROM debtor WHERE company_id = :company AND import_run_id = :run AND withdrawn_at IS NULL),
changed AS (SELECT i.id, i.number, i.debtor_id, c.before, c.after FROM import_change c JOIN invoice i ON i.id = c.subject_id
    WHERE c.run_id = :run AND c.kind = 'invoice'),
corrected AS (SELECT d.id, d.account_code, c.before, c.after FROM import_change c JOIN debtor d ON d.id = c.subject_id
    WHERE c.run_id = :run AND c.kind = 'debtor'),
legs AS (SELECT x.* FROM import_leg l JOIN ledger_transfer x ON x.id = l.transfer_id WHERE l.run_id = :run)
"""

_ASKED: dict[str, str] = {
    "later_import": """SELECT file_name AS subject FROM import_run WHERE company_id = :company AND id <> :run
        AND (state IN ('waiting', 'writing') OR state IN ('done', 'undoing')
            AND (finished_at > :since OR finished_at = :since AND id > :run))""",
    "payment": """
        SELECT m.number AS subject FROM mine m JOIN ledger_transfer x ON x.credit_owner = m.id AND x.kind NOT IN ('issue', 'imported')
        UNION SELECT m.number FROM mine m JOIN ledger_transfer x ON x.debit_owner = m.id AND x.kind NOT IN ('issue', 'imported')
        UNION SELECT c.number FROM changed c JOIN ledger_transfer x ON x.debtor_id = c.debtor_id
            AND c.id IN (x.debit_owner, x.credit_owner) AND x.at >= :since AND x.kind NOT IN ('issue', 'imported')
        UNION SELECT c.number FROM changed c JOIN payment_allocation a ON a.invoice_id = c.id JOIN payment p ON p.id = a.payment_id
            WHERE p.created_at >= :since""",
    **{
        f"freeze_{kind}": f"""
        SELECT m.number AS subject FROM mine m JOIN invoice_freeze f ON f.invoice_id = m.id AND f.kind = '{kind}'
        UNION SELECT c.number FROM changed c JOIN invoice_freeze f ON f.invoice_id = c.id AND f.kind = '{kind}'
            AND (f.frozen_at >= :since OR f.lifted_at >= :since)"""
        for kind in ("dispute", "plan", "promise", "declaration", "respite", "legal_hold", "chargeback")
    },
    "reminder": """
        SELECT m.number AS subject FROM mine m JOIN reminder_invoice r ON r.invoice_id = m.id
        UNION SELECT d.account_code FROM made d JOIN reminder r ON r.debtor_id = d.id""",
    "credit_used": """
        SELECT d.account_code AS subject FROM debtor d JOIN (SELECT owner, sum(minor) AS minor FROM (
                SELECT credit_owner AS owner, amount_minor AS minor FROM legs WHERE credit_account = 'credit'
                UNION ALL SELECT debit_owner, -amount_minor FROM legs WHERE debit_account = 'credit') AS sides GROUP BY 1) x
            ON x.owner = d.id WHERE d.credit_minor < x.minor""",
    "changed": f"""
        SELECT i.number AS subject FROM invoice i JOIN changed c ON c.id = i.id WHERE {INVOICE} <> c.after
            OR i.held_minor > (c.before->>'open_minor')::bigint
            OR greatest(i.frozen_minor, i.paused_minor) > (c.before->>'total_minor')::bigint
        UNION SELECT d.account_code FROM debtor d JOIN corrected c ON c.id = d.id WHERE {DEBTOR} <> c.after
            AND d.id NOT IN (SELECT id FROM made)""",
    "message": """SELECT DISTINCT d.account_code AS subject FROM message x JOIN made d ON d.id = x.debtor_id
        WHERE x.kind <> 'people_changed'""",  # whom a file brought: of no weight once it is taken back
    "cancelled": "SELECT i.number AS subject FROM invoice i JOIN mine m ON m.id = i.id WHERE i.cancelled_on IS NOT NULL",
    "edited": """
        SELECT DISTINCT a.action || '|' || coalesce(m.number, d.account_code, a.after->>'number', '') AS subject FROM audit_line a
        LEFT JOIN mine m ON m.id = a.subject_id LEFT JOIN made d ON d.id = a.debtor_id
        WHERE a.company_id = :company AND a.at >= :since AND a.actor_name <> 'import' AND a.action NOT LIKE 'import.%'
            AND (m.id IS NOT NULL OR d.id IS NOT NULL OR a.subject_id IN (SELECT id FROM changed)
                OR a.subject_type = 'contact' AND a.subject_id IN (SELECT contact_id FROM debtor_contact WHERE import_run_id = :run)
                OR a.action = 'debtor.merged' AND a.debtor_id IN (SELECT debtor_id FROM mine UNION SELECT debtor_id FROM changed))""",
}
"""What is asked in words of its own; `:since` is when the import was done."""
