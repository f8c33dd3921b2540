"""Taking an import back, as long as nothing was built on it: what it made goes, what it changed is as it was before.

The ledger only grows: each movement of the import gets its opposite, on the same legal day, so that the books of every day say what they
said without it. New invoices go and leave a tombstone (`WithdrawnInvoice`), by which `guichet verify` knows whose their movements were. New
accounts are emptied and hidden: their movements name them, and the next file with their code brings the same account again. Answers
stay. Why: docs/adr, "An import may be taken back".
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from backoffice.imports import stuck
from backoffice.imports.models import ImportRun, RunState
from backoffice.imports.standing import Obstacle, obstacles, referring
from backoffice.imports.statements import DEBTOR_FACTS, INVOICE_FACTS, digest_of
from backoffice.imports.writing import prepare, raw_cursor, take_time, tell_payments
from shared.kit import audit, clock
from shared.kit.actors import Actor
from shared.kit.db import lock, transaction
from shared.kit.errors import Conflict, NotFound, Unavailable
from shared.kit.outbox.write import enqueue
from shared.kit.words import gettext as _


@dataclass(frozen=True, slots=True)
class Preview:
    """What taking an import back would do, in figures, and what stands against it."""

    invoices: int
    debtors: int
    people: int
    codes: int
    restored_invoices: int
    restored_debtors: int
    taken_off: int
    """What then is open less than now, in minor units; negative where more is open again."""
    obstacles: tuple[Obstacle, ...]

    @property
    def may_be_done(self) -> bool:
        return not self.obstacles


def last_run(session: Session, company_id: uuid.UUID) -> ImportRun:
    """The last import of a company that was written; raises NotFound."""
    found = session.scalar(
        select(ImportRun)
        .where(ImportRun.company_id == company_id, ImportRun.state == RunState.DONE)
        .order_by(ImportRun.finished_at.desc(), ImportRun.id.desc())
        .limit(1)
    )
    if found is None:
        raise NotFound("import.none", _("Nothing has been imported that could be taken back."))
    return found


def preview(session: Session, run: ImportRun) -> Preview:
    """What goes back, and what prevents it. Writes nothing. Raises Conflict for a run that was not written."""
    if run.state is not RunState.DONE:
        raise Conflict("import.not_done", _("Only an import that was done can be taken back."))
    take_time(session)
    row = session.execute(text(_PREVIEW), {"run": run.id, "company": run.company_id}).one()
    invoices, debtors, people, codes, restored_invoices, restored_debtors, minor = (int(figure) for figure in row)
    stands = tuple(obstacles(session, run))
    return Preview(invoices, debtors, people, codes, restored_invoices, restored_debtors, minor, stands)


def ask(run_id: uuid.UUID, *, reason: str, by: Actor) -> None:
    """Have an import taken back in the background. Raises Conflict when something stands against it.

    A second wish changes nothing while the first is at work; when its job is dead, it is begun again.
    """
    with transaction() as session:
        run = lock(session, ImportRun, run_id)
        if stuck.is_stuck(session, run):
            stuck.give_back(run)
        if run.state in (RunState.UNDOING, RunState.UNDONE):
            return
        _refuse_if(preview(session, run).obstacles)
        run.state, run.undo_reason = RunState.UNDOING, reason.strip()
        run.result = {name: each for name, each in run.result.items() if name not in ("undo_failed", "undo_stopped")}
        run.undone_by_id, run.undone_by = by.id, by.name
        audit.record(
            session,
            by,
            "import.undo_asked",
            subject_type="import_run",
            subject_id=run.id,
            company_id=run.company_id,
            after={"file": run.file_name, "reason": reason.strip()},
        )
        enqueue(session, "imports.undo", {"run": str(run.id)})


def undo(run_id: uuid.UUID) -> dict[str, Any]:
    """Take an import back in one transaction, or not at all; gives what was done. Twice is harmless.

    What was built on it after it was asked for stops it: the import stands as before. Raises Unavailable when somebody works on one of
    its accounts or another import runs.
    """
    try:
        with transaction() as session:
            run = lock(session, ImportRun, run_id)
            if run.state is not RunState.UNDOING:
                return run.result.get("undone") or {}
            prepare(session, run.company_id)
            _lock(session, run)
            run.state = RunState.DONE
            session.flush()
            stands = preview(session, run)
            if stands.obstacles:
                run.result = run.result | {"undo_stopped": True}
                return {}
            return _undo(session, run, stands)
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", "") == "55P03":
            raise Unavailable("import.busy", _("Somebody is working on one of these accounts.")) from error
        raise


def _refuse_if(stands: tuple[Obstacle, ...]) -> None:
    if stands:
        raise Conflict(
            "import.built_on",
            _("Something was built on this import since: it cannot be taken back. The page says what."),
        )


def _lock(session: Session, run: ImportRun) -> None:
    """Its debtors in the order of their ids, then the invoices, like everybody."""
    facts = {"run": run.id, "company": run.company_id}
    session.execute(
        text("""SELECT count(*) FROM (SELECT 1 FROM debtor WHERE id IN (
            SELECT debtor_id FROM invoice WHERE company_id = :company AND import_run_id = :run
            UNION SELECT id FROM debtor WHERE company_id = :company AND import_run_id = :run
            UNION SELECT x.debtor_id FROM import_leg l JOIN ledger_transfer x ON x.id = l.transfer_id WHERE l.run_id = :run
            UNION SELECT i.debtor_id FROM import_change c JOIN invoice i ON i.id = c.subject_id WHERE c.run_id = :run
            UNION SELECT subject_id FROM import_change WHERE run_id = :run AND kind <> 'invoice'
            UNION SELECT debtor_id FROM debtor_contact WHERE import_run_id = :run) ORDER BY id FOR UPDATE) AS rows"""),
        facts,
    )
    session.execute(
        text("""SELECT count(*) FROM (SELECT 1 FROM invoice WHERE company_id = :company AND (import_run_id = :run
            OR id IN (SELECT subject_id FROM import_change WHERE run_id = :run AND kind = 'invoice')) ORDER BY id FOR UPDATE) AS rows"""),
        facts,
    )


def _undo(session: Session, run: ImportRun, stands: Preview) -> dict[str, Any]:
    facts = {"run": run.id, "company": run.company_id, "at": clock.now()}
    with raw_cursor(session) as (_cursor, new_id):

        def do(statement: str) -> int:
            done: Any = session.execute(text(statement.replace("new_id()", new_id)), facts)
            return max(int(done.rowcount), 0)

        do(_LEGS)
        turned = do(_OPPOSITES)
        do(_CREDIT)
        lowered, moved = _announced(session, facts)
        do(_RESTORE_INVOICES)
        do("DELETE FROM collection_decision x USING invoice i WHERE i.id = x.invoice_id AND i.company_id = :company "
           "AND i.import_run_id = :run")  # fmt: skip
        do(_TOMBSTONES)
        do("DELETE FROM invoice WHERE company_id = :company AND import_run_id = :run")
        do(_TOTALS)
        do(_RESTORE_DEBTORS)
        do(_RESTORE_POSITIONS)
        do(_DROP_POSITIONS)
        do("DELETE FROM debtor_alias WHERE import_run_id = :run")
        do("DELETE FROM debtor_contact WHERE import_run_id = :run")
        do(_drop_contacts())
        do(
            "UPDATE gift g SET state = 'undone' FROM import_change c WHERE c.run_id = :run AND c.kind = 'gift' AND g.id = c.subject_id"
        )
        do(_WITHDRAW)
    tell_payments(session, lowered, moved)
    done = {
        "invoices": stands.invoices,
        "debtors": stands.debtors,
        "people": stands.people,
        "restored_invoices": stands.restored_invoices,
        "restored_debtors": stands.restored_debtors,
        "minor": stands.taken_off,
        "movements": turned,
    }
    run.state, run.undone_at, run.result = RunState.UNDONE, clock.now(), run.result | {"undone": done}
    by = Actor("staff", run.undone_by_id, run.undone_by) if run.undone_by_id else Actor.system(run.undone_by)
    audit.record(
        session,
        by,
        "import.undone",
        subject_type="import_run",
        subject_id=run.id,
        company_id=run.company_id,
        after=done | {"file": run.file_name, "sha256": run.file_sha256, "reason": run.undo_reason},
    )
    session.flush()
    return done


def _announced(
    session: Session, facts: dict[str, Any]
) -> tuple[list[tuple[uuid.UUID, uuid.UUID]], list[tuple[uuid.UUID, uuid.UUID, date, date]]]:
    """Restored invoices of which less is open than now, or whose due day moves back: debits that were written over them look again."""
    rows = session.execute(text(_ANNOUNCED), facts).all()
    lowered = [(row.id, row.debtor_id) for row in rows if row.is_less]
    moved = [(row.id, row.debtor_id, row.due_on, row.due_before) for row in rows if row.due_on != row.due_before]
    return lowered, moved


def _drop_contacts() -> str:
    """People whom only this import had brought, and whom nothing names."""
    free = " ".join(
        f"AND NOT EXISTS (SELECT FROM {table.name} x WHERE x.{column} = c.id)" for table, column in referring("contact")
    )
    return f"DELETE FROM contact c WHERE c.company_id = :company AND c.import_run_id = :run {free}"  # noqa: S608 - our own tables


_PREVIEW = """
SELECT (SELECT count(*) FROM invoice WHERE company_id = :company AND import_run_id = :run),
    (SELECT count(*) FROM debtor WHERE company_id = :company AND import_run_id = :run AND withdrawn_at IS NULL),
    (SELECT count(*) FROM debtor_contact WHERE import_run_id = :run AND removed_at IS NULL),
    (SELECT count(*) FROM debtor_alias WHERE company_id = :company AND import_run_id = :run),
    (SELECT count(*) FROM import_change WHERE run_id = :run AND kind = 'invoice'),
    (SELECT count(*) FROM import_change WHERE run_id = :run AND kind = 'debtor'),
    (SELECT coalesce(sum(CASE kind WHEN 'invoice' THEN open_minor ELSE -open_minor END), 0) FROM invoice
        WHERE company_id = :company AND import_run_id = :run)
    + (SELECT coalesce(sum((i.open_minor - (c.before->>'open_minor')::bigint) * CASE i.kind WHEN 'invoice' THEN 1 ELSE -1 END), 0)
        FROM import_change c JOIN invoice i ON i.id = c.subject_id WHERE c.run_id = :run AND c.kind = 'invoice')
"""

_LEGS = """
CREATE TEMP TABLE undo_leg ON COMMIT DROP AS
SELECT x.* FROM ledger_transfer x WHERE x.id IN (
    SELECT transfer_id FROM import_leg WHERE run_id = :run
    UNION SELECT x.id FROM ledger_transfer x JOIN invoice i ON i.id = x.debit_owner WHERE i.company_id = :company AND i.import_run_id = :run
    UNION SELECT x.id FROM ledger_transfer x JOIN invoice i ON i.id = x.credit_owner WHERE i.company_id = :company AND i.import_run_id = :run)
"""

_OPPOSITES = """
INSERT INTO ledger_transfer (id, company_id, debtor_id, movement_id, leg, kind, phase, debit_account, debit_owner, credit_account,
    credit_owner, amount_minor, currency, value_on, at)
SELECT new_id(), company_id, debtor_id, new_id(), 0, kind, 'posted', credit_account, credit_owner, debit_account, debit_owner,
    amount_minor, currency, value_on, :at FROM undo_leg ORDER BY debtor_id, id
"""
"""Each movement of the import the other way round, on its own legal day."""

_CREDIT = """
UPDATE debtor d SET credit_minor = d.credit_minor - x.minor FROM (SELECT owner, sum(minor)::bigint AS minor FROM (
    SELECT credit_owner AS owner, amount_minor AS minor FROM undo_leg WHERE credit_account = 'credit'
    UNION ALL SELECT debit_owner, -amount_minor FROM undo_leg WHERE debit_account = 'credit') AS sides GROUP BY 1) x
WHERE d.id = x.owner AND x.minor <> 0
"""

_ANNOUNCED = """
SELECT i.id, i.debtor_id, i.due_on, (c.before->>'due_on')::date AS due_before, (c.before->>'open_minor')::bigint < i.open_minor AS is_less
FROM import_change c JOIN invoice i ON i.id = c.subject_id JOIN debtor d ON d.id = i.debtor_id
WHERE c.run_id = :run AND c.kind = 'invoice' AND i.kind = 'invoice' AND (d.autopay OR i.held_minor > 0) ORDER BY 2, 1
"""


def _restored(table: str, facts: tuple[str, ...], kind: str) -> str:
    """Put the columns that an import changed back to what they held."""
    columns = ", ".join(f"{name} = b.{name}" for name in facts)
    return f"""UPDATE {table} t SET {columns} FROM import_change c,
        LATERAL jsonb_populate_record(NULL::{table}, c.before) b
        WHERE c.run_id = :run AND c.kind = '{kind}' AND t.id = c.subject_id"""  # noqa: S608 - our own words


_RESTORE_INVOICES = _restored("invoice", INVOICE_FACTS, "invoice")
_RESTORE_DEBTORS = _restored("debtor", DEBTOR_FACTS, "debtor")

_TOMBSTONES = """
INSERT INTO invoice_withdrawn (id, company_id, debtor_id, kind, number, issued_on, total_minor, currency, import_run_id, withdrawn_at)
SELECT id, company_id, debtor_id, kind, number, issued_on, total_minor, currency, :run, :at FROM invoice
WHERE company_id = :company AND import_run_id = :run
"""

_TOTALS = """
UPDATE debtor d SET open_minor = x.open FROM (
    SELECT t.id, coalesce(sum(CASE i.kind WHEN 'invoice' THEN i.open_minor ELSE -i.open_minor END), 0)::bigint AS open
    FROM (SELECT DISTINCT debtor_id AS id FROM undo_leg) t LEFT JOIN invoice i ON i.debtor_id = t.id AND i.open_minor > 0 GROUP BY 1) x
WHERE d.id = x.id AND d.open_minor <> x.open
"""

_RESTORE_POSITIONS = """
UPDATE import_position p SET credit_minor = (c.before->>'credit_minor')::bigint, import_run_id = (c.before->>'import_run_id')::uuid
FROM import_change c WHERE c.run_id = :run AND c.kind = 'position' AND p.debtor_id = c.subject_id AND c.before <> '{}'
"""
_DROP_POSITIONS = """
DELETE FROM import_position p USING import_change c
WHERE c.run_id = :run AND c.kind = 'position' AND p.debtor_id = c.subject_id AND c.before = '{}'
"""

_LEFT = f"CASE WHEN d.code_says_who THEN {digest_of('d.account_code', ':company')} ELSE d.account_code END"
_WITHDRAW = f"""
UPDATE debtor d SET withdrawn_at = :at, account_code = {_LEFT}, name = {_LEFT}, siren = NULL, vat_number = NULL, street = '', street_more = '',
    postcode = '', city = '', search_text = '', autopay = false
WHERE company_id = :company AND import_run_id = :run AND withdrawn_at IS NULL
"""  # noqa: S608 - our own words
"""An account that was made is emptied of what it said of anybody; its code stays, by which the next file brings it again.

A code that was made of a name or an address is kept as its digest, which that name alone gives again."""
