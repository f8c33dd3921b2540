"""Facts for the decisions, and runs for the pages."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from backoffice.reminders.rules import Facts, Item
from payments.collections.outlook import is_paid_by_hand, outlook
from shared.debtors.models import Debtor

# One row a debtor, its open invoices as arrays: rows are what Python pays for. Credit notes lower the account's balance
# and count as credit. Every question is asked of the page's debtors only: EXISTS would be answered for all debtors at once
# (a hashed subplan), page after page, hence the LIMIT; and a page's place bounds the search for open invoices as well.
_FACTS = text(
    """
    WITH page AS (
        SELECT d.id, d.credit_minor, d.reminders_paused_until, d.autopay
        FROM debtor d
        WHERE d.company_id = :company_id
          AND d.id > :after
          AND EXISTS (
              SELECT FROM invoice i
              WHERE i.debtor_id = d.id AND i.debtor_id > :after AND i.open_minor > 0 AND i.cancelled_on IS NULL
          )
        ORDER BY d.id
        LIMIT :limit
    )
    SELECT page.id,
           page.credit_minor + coalesce(items.notes_minor, 0) AS credit,
           page.reminders_paused_until >= :day AS is_paused,
           (
               SELECT true FROM debtor_contact dc JOIN contact c ON c.id = dc.contact_id
               WHERE dc.debtor_id = page.id AND dc.removed_at IS NULL AND dc.is_reminded AND c.bounced_at IS NULL
               LIMIT 1
           ) IS NOT NULL AS has_address,
           page.autopay AND EXISTS (
               SELECT FROM mandate m WHERE m.debtor_id = page.id AND m.status IN ('pending', 'active')
           ) AS has_autopay,
           (SELECT sc.scenario_id FROM scenario_choice sc WHERE sc.debtor_id = page.id) AS scenario_id,
           greatest(
               (SELECT max(r.remind_on) FROM reminder r WHERE r.debtor_id = page.id AND r.status <> 'dropped'),
               (SELECT max(r.remind_on) FROM debtor_alias a JOIN reminder r ON r.debtor_id = a.merged_id
                WHERE a.debtor_id = page.id AND r.status <> 'dropped')
           ) AS last_on,
           items.ids, items.days_late, items.opens, items.helds, items.frees, items.offsets
    FROM page
    CROSS JOIN LATERAL (
        SELECT array_agg(i.id ORDER BY i.due_on, i.id) FILTER (WHERE i.kind = 'invoice') AS ids,
               array_agg(:day - i.due_on ORDER BY i.due_on, i.id) FILTER (WHERE i.kind = 'invoice') AS days_late,
               array_agg(i.open_minor ORDER BY i.due_on, i.id) FILTER (WHERE i.kind = 'invoice') AS opens,
               array_agg(i.held_minor ORDER BY i.due_on, i.id) FILTER (WHERE i.kind = 'invoice') AS helds,
               array_agg(greatest(i.open_minor - i.held_minor - i.frozen_minor - i.paused_minor, 0) ORDER BY i.due_on, i.id)
                   FILTER (WHERE i.kind = 'invoice') AS frees,
               array_agg((SELECT max(ri.offset_days) FROM reminder_invoice ri WHERE ri.invoice_id = i.id)
                   ORDER BY i.due_on, i.id) FILTER (WHERE i.kind = 'invoice') AS offsets,
               sum(i.open_minor) FILTER (WHERE i.kind = 'credit_note') AS notes_minor
        FROM invoice i
        WHERE i.debtor_id = page.id AND i.open_minor > 0 AND i.cancelled_on IS NULL
    ) AS items
    ORDER BY page.id
    """
)


_BEFORE_ALL = uuid.UUID(int=0)


def facts_page(
    session: Session, company_id: uuid.UUID, day: date, *, after: uuid.UUID | None, limit: int
) -> Sequence[tuple[uuid.UUID, Facts]]:
    """The facts of the next debtors that have something open, in the order of their ids."""
    rows = session.execute(
        _FACTS, {"company_id": company_id, "after": after or _BEFORE_ALL, "day": day, "limit": limit}
    )
    return [(row.id, _facts(session, row)) for row in rows.all()]


def _facts(session: Session, row: Any) -> Facts:
    items = list(map(Item, row.ids, row.days_late, row.opens, row.helds, row.frees, row.offsets)) if row.ids else []
    by_hand = _paid_by_hand(session, row.id, items) if row.has_autopay else items
    return Facts(
        items=by_hand or items,
        credit_minor=int(row.credit),
        is_paused=bool(row.is_paused),
        has_address=row.has_address,
        pays_by_debit=row.has_autopay and not by_hand,
        last_reminded_on=row.last_on,
        scenario_id=row.scenario_id,
    )


def _paid_by_hand(session: Session, debtor_id: uuid.UUID, items: Sequence[Item]) -> list[Item]:
    """What a debtor on autopay must pay himself, by the decision that debits rest on."""
    found = outlook(session, session.get_one(Debtor, debtor_id))
    return [item for item in items if item.free_minor > 0 and is_paid_by_hand(found, item.invoice_id)]


# Stronger than foreign keys: an invoice must be one of the debtor that is reminded of it.
_STRAYS = text(
    """
    WITH RECURSIVE gone (was, now) AS (
        SELECT id, merged_into_id FROM debtor WHERE merged_into_id IS NOT NULL
        UNION
        SELECT gone.was, d.merged_into_id FROM gone JOIN debtor d ON d.id = gone.now WHERE d.merged_into_id IS NOT NULL
    )
    SELECT (
        SELECT count(*) FROM reminder r
        WHERE r.run_id = :run_id
          AND NOT (EXISTS (SELECT FROM debtor d WHERE d.id = r.debtor_id)
                   AND EXISTS (SELECT FROM scenario_step s WHERE s.id = r.step_id))
    ) + (
        SELECT count(*)
        FROM reminder r JOIN reminder_invoice ri ON ri.reminder_id = r.id
        LEFT JOIN invoice i ON i.id = ri.invoice_id
            AND (i.debtor_id = r.debtor_id OR (r.debtor_id, i.debtor_id) IN (SELECT was, now FROM gone))
        LEFT JOIN scenario_step s ON s.id = ri.step_id
        WHERE r.run_id = :run_id AND (i.id IS NULL OR s.id IS NULL)
    )
    """
)


def count_strays(session: Session, run_id: uuid.UUID) -> int:
    """How many lines of a run point at nothing, or at another debtor's invoice: always 0, asked once for the whole run.

    A reminder stays with the account for which it was decided; the invoices of one that has gone into another went with it.
    """
    return int(session.execute(_STRAYS, {"run_id": run_id}).scalar_one())
