"""What `guichet verify` compares of steps and agreements: histories without a gap, sums of parts, plans and promises."""

# ruff: noqa: S608 - no word of these comes from outside

from __future__ import annotations

_STEPS = {
    "payment": ("payment_transition", "status"),
    "mandate": ("mandate_transition", "status"),
    "dispute": ("dispute_transition", "status"),
    "plan": ("plan_transition", "status"),
    "promise": ("promise_transition", "state"),
    "declaration": ("declaration_transition", "state"),
    "chargeback": ("chargeback_transition", "state"),
}


def _history(table: str, steps: str, status: str) -> str:
    """How many steps of a thing do not follow from the one before, or lead not to where it stands."""
    return f"""
        SELECT p.id AS key, p.reference AS subject, '' AS currency,
               coalesce(h.broken, 0) + (h.last IS DISTINCT FROM p.{status})::int AS found, 0 AS expected
        FROM {table} p LEFT JOIN (
            SELECT {table}_id, count(*) FILTER (WHERE step <> number OR before IS DISTINCT FROM former) AS broken,
                   (array_agg(after ORDER BY step DESC))[1] AS last
            FROM (
                SELECT {table}_id, step, before, after, row_number() OVER one AS number, lag(after) OVER one AS former
                FROM {steps} WINDOW one AS (PARTITION BY {table}_id ORDER BY step)
            ) AS numbered GROUP BY 1
        ) h ON h.{table}_id = p.id"""


def _trail(table: str, steps: str) -> str:
    """A line of the audit trail for each step."""
    return f"""
        SELECT p.id AS key, p.reference AS subject, '' AS currency, coalesce(a.lines, 0) AS found,
               coalesce(s.steps, 0) AS expected
        FROM {table} p
        LEFT JOIN (SELECT {table}_id, count(*) AS steps FROM {steps} GROUP BY 1) s ON s.{table}_id = p.id
        LEFT JOIN (
            SELECT l.subject_id, count(*) AS lines FROM audit_line l
            WHERE l.subject_type = '{table}' AND l.after ? 'status' AND l.action LIKE '{table}.%' GROUP BY 1
        ) a ON a.subject_id = p.id"""


_SUMS = (
    "SELECT p.id AS key, p.reference AS subject, p.currency, p.{whole} AS found, coalesce(s.minor, 0) AS expected"
    " FROM {table} p LEFT JOIN (SELECT {table}_id, sum({part}) AS minor FROM {parts} GROUP BY 1) s"
    " ON s.{table}_id = p.id WHERE {where}"
)

AGREEMENTS: dict[str, str] = {
    **{f"steps of a {table}": _history(table, steps, status) for table, (steps, status) in _STEPS.items()},
    "audit trail of a payment": _trail("payment", "payment_transition"),
    "dispute parts": _SUMS.format(
        table="dispute", whole="claimed_minor", part="amount_minor", parts="dispute_part", where="true"
    ),
    "dispute credited": _SUMS.format(
        table="dispute", whole="credited_minor", part="credited_minor", parts="dispute_part", where="true"
    ),
    "promise parts": _SUMS.format(
        table="promise", whole="amount_minor", part="amount_minor", parts="promise_part", where="true"
    ),
    "promise kept": _SUMS.format(
        table="promise", whole="kept_minor", part="kept_minor", parts="promise_part", where="true"
    ),
    "plan total": _SUMS.format(
        table="plan", whole="total_minor", part="covered_minor", parts="plan_item", where="p.accepted_at IS NOT NULL"
    ),
    "declaration parts": """
        SELECT p.id AS key, p.reference AS subject, p.currency, count(s.id) AS found, greatest(count(s.id), 1) AS expected
        FROM declaration p LEFT JOIN declaration_part s ON s.declaration_id = p.id
        GROUP BY p.id, p.reference, p.currency""",
    "plan completed": """
        SELECT p.id AS key, p.reference AS subject, p.currency,
               sum(n.amount_minor - n.credited_minor - n.settled_minor) AS found, 0 AS expected
        FROM plan p JOIN plan_instalment n ON n.plan_id = p.id WHERE p.status = 'completed'
        GROUP BY p.id, p.reference, p.currency""",
    "instalments in order": """
        SELECT plan_id AS key, p.reference AS subject, p.currency,
               count(*) FILTER (WHERE rest > 0 AND later > 0 OR position <> number
                                OR (rest = 0) <> (n.settled_on IS NOT NULL)) AS found, 0 AS expected
        FROM (
            SELECT plan_id, position, settled_on, amount_minor - credited_minor - settled_minor AS rest,
                   row_number() OVER (PARTITION BY plan_id ORDER BY position) AS number,
                   coalesce(sum(settled_minor) OVER (
                       PARTITION BY plan_id ORDER BY position ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
                   ), 0) AS later
            FROM plan_instalment
        ) n JOIN plan p ON p.id = n.plan_id AND p.status IN ('active', 'paused', 'completed')
        GROUP BY plan_id, p.reference, p.currency""",
    "part and its debtor": """
        SELECT s.id AS key, o.reference AS subject, o.currency, (o.debtor_id <> i.debtor_id)::int AS found, 0 AS expected
        FROM (
            SELECT id, plan_id AS owner_id, invoice_id FROM plan_item
            UNION ALL SELECT id, promise_id, invoice_id FROM promise_part
            UNION ALL SELECT id, declaration_id, invoice_id FROM declaration_part
            UNION ALL SELECT id, dispute_id, invoice_id FROM dispute_part
        ) s
        JOIN (
            SELECT id, reference, currency, debtor_id FROM plan
            UNION ALL SELECT id, reference, currency, debtor_id FROM promise
            UNION ALL SELECT id, reference, currency, debtor_id FROM declaration
            UNION ALL SELECT id, reference, currency, debtor_id FROM dispute
        ) o ON o.id = s.owner_id JOIN invoice i ON i.id = s.invoice_id""",
    "debit beyond what was announced": """
        SELECT c.id AS key, p.reference AS subject, c.currency, greatest(p.amount_minor - c.amount_minor, 0) AS found,
               0 AS expected
        FROM collection c JOIN payment p ON p.id = c.payment_id""",
    "announced and its debit": """
        SELECT c.id AS key, p.reference AS subject, c.currency,
               (p.debtor_id <> c.debtor_id OR p.mandate_id <> c.mandate_id OR p.currency <> c.currency)::int AS found,
               0 AS expected
        FROM collection c JOIN payment p ON p.id = c.payment_id""",
}
