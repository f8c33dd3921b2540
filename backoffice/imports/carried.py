"""Balances carried forward against what is known: a FEC of the next year names last year's invoices in one lump.

Where Guichet holds the older invoices of an account, the lump is not written a second time: it says how much of them is
still open. They are settled, oldest first, down to it. Where the lump is more than they leave open, the difference was
paid here and the books do not know it yet, or it comes from before Guichet and becomes an opening balance of its own.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from backoffice.imports.faults import Findings
from backoffice.imports.write import Writer
from shared.debtors.models import Debtor
from shared.invoices.models import Invoice, InvoiceKind, InvoiceSource
from shared.kit.db import among


class Unheld(NamedTuple):
    """What a file that carries nothing forward would silently settle: how many invoices, and how much of them is open."""

    invoices: int
    open: int


def left_without_opening(
    session: Session, company_id: uuid.UUID, accounts: Sequence[str], first_day: date, held: Collection[str]
) -> Unheld:
    """The invoices of these accounts that are open here, older than a file's first day, and not `held` (numbers) by it."""
    rows = session.execute(
        select(Invoice.number, Invoice.open_minor)
        .join(Debtor, Debtor.id == Invoice.debtor_id)
        .where(Debtor.company_id == company_id, among(Debtor.account_code, accounts))
        .where(Invoice.source == InvoiceSource.IMPORT, Invoice.kind == InvoiceKind.INVOICE)
        .where(Invoice.open_minor > 0, Invoice.issued_on < first_day)
    ).all()
    mine = [row.open_minor for row in rows if row.number not in held]
    return Unheld(len(mine), sum(mine))


class _Older(NamedTuple):
    """An open invoice (sign 1) or credit note (sign −1) of an account that the file does not hold."""

    invoice_id: uuid.UUID
    debtor: str
    sign: int
    number: str
    issued_on: date
    source: str
    open: int
    held: int


def fold(writer: Writer, first_day: date, warnings: Findings) -> int:
    """Reconcile lumps with older invoices, for known debtors; gives how many invoices were settled.

    `first_day` is the first day of the file: what was issued before it can only be part of a lump.
    """
    _name_absent_accounts(writer, warnings)
    older = _unmentioned(writer)
    accounts = {row.debtor for row in older if row.issued_on < first_day and row.source == "import"}
    accounts |= _with_history(writer, first_day)
    settled = sum(
        _fold_account(writer, account, [r for r in older if r.debtor == account], first_day)
        for account in sorted(accounts)
    )
    for row in older:
        if row.source != "import":
            writer.do(
                "UPDATE stage_debtor SET explained = explained + %(open)s WHERE key = %(key)s",
                open=row.open * row.sign, key=row.debtor,
            )  # fmt: skip
        elif row.issued_on >= first_day:  # a person said that it stays, or a payment in flight holds it
            warnings.add("invoice.missing", value=row.number)
            writer.do(
                "UPDATE stage_debtor SET explained = explained + %(open)s WHERE key = %(key)s",
                open=row.open * row.sign, key=row.debtor,
            )  # fmt: skip
    return settled


def _name_absent_accounts(writer: Writer, warnings: Findings) -> None:
    """A FEC names every account with a balance: one that is open here and absent there is for a person to look at."""
    for code, minor in writer.rows("""SELECT d.account_code, d.open_minor FROM debtor d
            WHERE d.company_id = %(company)s AND d.open_minor <> 0
            AND NOT EXISTS (SELECT FROM stage_debtor s WHERE s.id = d.id)
            AND EXISTS (SELECT FROM invoice i WHERE i.debtor_id = d.id AND i.open_minor > 0 AND i.source = 'import')
            ORDER BY 1"""):
        warnings.add("debtor.missing", value=code, left=minor)


def _unmentioned(writer: Writer) -> list[_Older]:
    return [
        _Older(*row)
        for row in writer.rows("""SELECT i.id, d.key, CASE i.kind WHEN 'invoice' THEN 1 ELSE -1 END, i.number,
                i.issued_on, i.source, i.open_minor, i.held_minor
            FROM stage_debtor d JOIN invoice i ON i.debtor_id = d.id AND i.open_minor > 0
            WHERE NOT d.is_new AND NOT EXISTS (SELECT FROM stage_item s WHERE s.old_id = i.id)
            ORDER BY i.issued_on, i.id""")
    ]


def _with_history(writer: Writer, first_day: date) -> set[str]:
    """Accounts with a new lump in the file although their older invoices came in before."""
    return {
        key
        for (key,) in writer.rows(
            """SELECT DISTINCT d.key FROM stage_debtor d JOIN stage_item s ON s.debtor = d.key
            WHERE NOT d.is_new AND s.kind = 'opening' AND s.old_id IS NULL AND EXISTS (SELECT FROM invoice i
                WHERE i.debtor_id = d.id AND i.source = 'import' AND i.issued_on < %(first)s)""",
            first=first_day,
        )
    }


def _fold_account(writer: Writer, account: str, rows: list[_Older], first_day: date) -> int:
    mine = [row for row in rows if row.issued_on < first_day and row.source == "import"]
    mine.sort(key=lambda row: row.sign)  # credit notes first: what they take off is settled as well
    [(lump,)] = writer.rows(
        """SELECT coalesce(sum(open), 0) FROM stage_item
        WHERE debtor = %(key)s AND kind = 'opening' AND old_id IS NULL""",
        key=account,
    )
    surplus = sum(row.open * row.sign for row in mine) - int(lump)
    settled = 0
    for row in mine:
        taken = row.open if row.sign < 0 else max(0, min(surplus, row.open - row.held))
        surplus -= taken * row.sign
        if taken:
            settled += 1
            _settle(writer, row, taken)
    _write_lump(writer, account, first_day, missing=max(0, -surplus), left=max(0, surplus))
    return settled


def _settle(writer: Writer, row: _Older, minor: int) -> None:
    mine, theirs = "'receivable', id", "'elsewhere', NULL::uuid"
    debit, credit = (theirs, mine) if row.sign > 0 else (mine, theirs)
    facts: dict[str, Any] = {"invoice": row.invoice_id, "minor": minor}
    writer.remember_invoices("%(invoice)s", **facts)
    writer.book(
        f"""SELECT new_id(), %(company)s, debtor_id, new_id(), 0, 'imported', 'posted', {debit}, {credit},
            %(minor)s, %(currency)s, %(today)s, %(at)s FROM invoice WHERE id = %(invoice)s""",  # noqa: S608 - our words
        **facts,
    )
    writer.do(
        """UPDATE invoice SET open_minor = open_minor - %(minor)s,
            settled_on = CASE WHEN open_minor = %(minor)s THEN %(today)s END WHERE id = %(invoice)s""",
        **facts,
    )


def _write_lump(writer: Writer, account: str, first_day: date, *, missing: int, left: int) -> None:
    """Keep of the lump only what is neither here nor was paid here; `left` stays open because payments hold it."""
    [(paid,)] = writer.rows(
        """SELECT coalesce(sum(CASE WHEN x.credit_owner = i.id THEN x.amount_minor ELSE -x.amount_minor END), 0)
        FROM stage_debtor d JOIN invoice i ON i.debtor_id = d.id AND i.kind = 'invoice' AND i.source = 'import'
            AND i.issued_on < %(first)s
        JOIN ledger_transfer x ON x.debtor_id = d.id AND i.id IN (x.debit_owner, x.credit_owner)
            AND x.kind NOT IN ('issue', 'imported') AND x.phase IN ('posted', 'post')
        WHERE d.key = %(key)s""",
        first=first_day,
        key=account,
    )
    unknown = min(missing, max(0, int(paid)))
    keep = missing - unknown
    writer.do(
        "UPDATE stage_debtor SET explained = explained + %(by)s WHERE key = %(key)s", by=left - unknown, key=account
    )
    if keep:
        writer.do(
            """UPDATE stage_item SET total = %(keep)s, open = %(keep)s, settled_on = NULL WHERE id = (
                SELECT id FROM stage_item WHERE debtor = %(key)s AND kind = 'opening' AND old_id IS NULL
                ORDER BY line LIMIT 1)""",
            keep=keep,
            key=account,
        )
    writer.do(
        """DELETE FROM stage_item WHERE debtor = %(key)s AND kind = 'opening' AND old_id IS NULL
            AND (%(keep)s = 0 OR id <> (SELECT id FROM stage_item WHERE debtor = %(key)s AND kind = 'opening'
                AND old_id IS NULL ORDER BY line LIMIT 1))""",
        keep=keep,
        key=account,
    )
