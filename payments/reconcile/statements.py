"""What `guichet verify` compares between cached amounts and the ledger: one statement each, of our own words only."""

# ruff: noqa: S608 - no word of these comes from outside

from __future__ import annotations

from shared.invoices.models import PAUSES

POSTED = "phase IN ('posted', 'post')"
UNRESOLVED = "phase = 'pending' AND NOT EXISTS (SELECT 1 FROM ledger_transfer r WHERE r.pending_id = t.id)"
BALANCES = f"""
    SELECT owner, sum(minor) AS minor FROM (
        SELECT debit_owner AS owner, amount_minor AS minor FROM ledger_transfer
        WHERE debit_account = '{{account}}' AND {POSTED}
        UNION ALL
        SELECT credit_owner, -amount_minor FROM ledger_transfer WHERE credit_account = '{{account}}' AND {POSTED}
    ) AS legs GROUP BY owner
"""
RECEIVABLE = BALANCES.format(account="receivable")
_CREDIT = BALANCES.format(account="credit")
_HELD = f"""
    SELECT credit_owner AS owner, sum(amount_minor) AS minor FROM ledger_transfer t WHERE {UNRESOLVED} GROUP BY 1
"""
_PAUSES = ", ".join(f"'{kind.value}'" for kind in sorted(PAUSES, key=lambda kind: kind.value))
_FROZEN = f"""
    SELECT invoice_id, sum(amount_minor) AS minor FROM invoice_freeze
    WHERE lifted_at IS NULL AND kind {{kinds}} ({_PAUSES}) GROUP BY 1
"""
_AT_PROVIDER = f"""
    SELECT payment_id, sum(CASE WHEN debit_account IN ('clearing_stripe', 'clearing_gocardless', 'bank')
                                THEN amount_minor ELSE -amount_minor END) AS minor
    FROM ledger_transfer
    WHERE payment_id IS NOT NULL AND {POSTED}
      AND (debit_account IN ('clearing_stripe', 'clearing_gocardless', 'bank')
           OR credit_account IN ('clearing_stripe', 'clearing_gocardless', 'bank'))
    GROUP BY payment_id
"""

CACHED: dict[str, str] = {
    "invoice open": f"""
        SELECT i.id AS key, i.number AS subject, i.currency, i.open_minor AS found,
               (CASE WHEN i.kind = 'invoice' THEN 1 ELSE -1 END) * coalesce(l.minor, 0) AS expected
        FROM invoice i LEFT JOIN ({RECEIVABLE}) l ON l.owner = i.id""",
    "invoice held": f"""
        SELECT i.id AS key, i.number AS subject, i.currency, i.held_minor AS found, coalesce(h.minor, 0) AS expected
        FROM invoice i LEFT JOIN ({_HELD}) h ON h.owner = i.id""",
    "debtor open": f"""
        SELECT d.id AS key, d.account_code AS subject, d.currency, d.open_minor AS found, coalesce(s.minor, 0) AS expected
        FROM debtor d LEFT JOIN (
            SELECT i.debtor_id, sum(l.minor) AS minor FROM invoice i JOIN ({RECEIVABLE}) l ON l.owner = i.id
            GROUP BY i.debtor_id
        ) s ON s.debtor_id = d.id""",
    "debtor held": f"""
        SELECT d.id AS key, d.account_code AS subject, d.currency, d.held_minor AS found, coalesce(s.minor, 0) AS expected
        FROM debtor d LEFT JOIN (
            SELECT i.debtor_id, sum(h.minor) AS minor FROM invoice i JOIN ({_HELD}) h ON h.owner = i.id
            GROUP BY i.debtor_id
        ) s ON s.debtor_id = d.id""",
    "debtor credit": f"""
        SELECT d.id AS key, d.account_code AS subject, d.currency, d.credit_minor AS found, -coalesce(c.minor, 0) AS expected
        FROM debtor d LEFT JOIN ({_CREDIT}) c ON c.owner = d.id""",
    "resolution equals its hold": """
        SELECT r.id AS key, r.id::text AS subject, p.currency, r.amount_minor + coalesce(c.minor, 0) AS found,
               CASE WHEN r.debit_account = p.debit_account AND r.credit_account = p.credit_account
                         AND r.credit_owner = p.credit_owner AND r.payment_id = p.payment_id
                         AND p.phase = 'pending' THEN p.amount_minor ELSE -1 END AS expected
        FROM ledger_transfer r JOIN ledger_transfer p ON p.id = r.pending_id
        LEFT JOIN (
            SELECT movement_id, coalesce(credit_owner, debit_owner) AS owner,
                   sum(CASE WHEN debit_owner IS NULL THEN amount_minor ELSE -amount_minor END) AS minor
            FROM ledger_transfer WHERE kind = 'correction' AND debtor_id IS NOT NULL GROUP BY 1, 2
        ) c ON c.movement_id = r.movement_id AND c.owner = r.credit_owner AND r.phase = 'post'""",
    "payment settled": f"""
        SELECT p.id AS key, p.reference AS subject, p.currency, coalesce(l.minor, 0) AS found,
               CASE WHEN p.status IN ('confirmed', 'settled') THEN p.amount_minor
                    WHEN p.status = 'charged_back' THEN p.amount_minor - coalesce(c.minor, 0)
                    ELSE 0 END - p.refunded_minor AS expected
        FROM payment p
        LEFT JOIN ({_AT_PROVIDER}) l ON l.payment_id = p.id
        LEFT JOIN (
            SELECT payment_id, sum(CASE WHEN kind = 'chargeback' THEN amount_minor ELSE -amount_minor END) AS minor
            FROM ledger_transfer WHERE kind IN ('chargeback', 'chargeback_won') GROUP BY payment_id
        ) c ON c.payment_id = p.id""",
    "payment held": f"""
        SELECT p.id AS key, p.reference AS subject, p.currency, coalesce(h.minor, 0) AS found, 0 AS expected
        FROM payment p LEFT JOIN (
            SELECT payment_id, sum(amount_minor) AS minor FROM ledger_transfer t WHERE {UNRESOLVED} GROUP BY 1
        ) h ON h.payment_id = p.id
        WHERE p.status NOT IN ('created', 'submitted', 'action_needed')""",
    "refunds of a payment": """
        SELECT p.id AS key, p.reference AS subject, p.currency, p.refunded_minor AS found, coalesce(r.minor, 0) AS expected
        FROM payment p LEFT JOIN (
            SELECT payment_id, sum(amount_minor) AS minor FROM refund WHERE status IN ('submitted', 'done') GROUP BY 1
        ) r ON r.payment_id = p.id""",
    "plan instalments": """
        SELECT p.id AS key, p.reference AS subject, p.currency, coalesce(n.minor, 0) AS found, coalesce(c.minor, 0) AS expected
        FROM plan p
        JOIN (SELECT plan_id, sum(covered_minor) AS minor FROM plan_item GROUP BY 1) c ON c.plan_id = p.id
        LEFT JOIN (SELECT plan_id, sum(amount_minor) AS minor FROM plan_instalment GROUP BY 1) n ON n.plan_id = p.id
        WHERE p.accepted_at IS NOT NULL""",
    "plan freezes": """
        SELECT p.id AS key, p.reference AS subject, p.currency, coalesce(f.minor, 0) AS found,
               CASE WHEN p.status NOT IN ('active', 'paused') THEN 0 ELSE coalesce(n.minor, 0) END AS expected
        FROM plan p
        LEFT JOIN (
            SELECT plan_id, sum(amount_minor - credited_minor - settled_minor) AS minor FROM plan_instalment GROUP BY 1
        ) n ON n.plan_id = p.id
        LEFT JOIN (
            SELECT subject_id, sum(amount_minor) AS minor FROM invoice_freeze
            WHERE kind = 'plan' AND lifted_at IS NULL GROUP BY 1
        ) f ON f.subject_id = p.id""",
    "invoice frozen": f"""
        SELECT i.id AS key, i.number AS subject, i.currency, i.frozen_minor AS found, coalesce(f.minor, 0) AS expected
        FROM invoice i LEFT JOIN ({_FROZEN.format(kinds="NOT IN")}) f ON f.invoice_id = i.id""",
    "invoice paused": f"""
        SELECT i.id AS key, i.number AS subject, i.currency, i.paused_minor AS found, coalesce(f.minor, 0) AS expected
        FROM invoice i LEFT JOIN ({_FROZEN.format(kinds="IN")}) f ON f.invoice_id = i.id""",
    "frozen for what has ended": """
        SELECT i.id AS key, i.number AS subject, i.currency, f.amount_minor AS found,
               CASE WHEN f.kind = 'dispute' AND d.status NOT IN ('open', 'under_review', 'waiting')
                         OR f.kind = 'promise' AND p.state <> 'expected'
                         OR f.kind = 'declaration' AND c.state <> 'declared'
                         OR f.kind = 'chargeback' AND k.state NOT IN ('open', 'answered', 'to_decide') THEN 0 ELSE f.amount_minor END AS expected
        FROM invoice_freeze f
        JOIN invoice i ON i.id = f.invoice_id
        LEFT JOIN dispute d ON d.id = f.subject_id
        LEFT JOIN promise p ON p.id = f.subject_id
        LEFT JOIN declaration c ON c.id = f.subject_id
        LEFT JOIN chargeback k ON k.id = f.subject_id
        WHERE f.lifted_at IS NULL""",
    "contested by a bank": """
        SELECT k.id AS key, k.reference || ' ' || i.number AS subject, k.currency, coalesce(f.minor, 0) AS found,
               CASE WHEN k.state IN ('open', 'answered', 'to_decide') THEN least(p.amount_minor, i.total_minor)
                    ELSE 0 END AS expected
        FROM chargeback k
        JOIN chargeback_part p ON p.chargeback_id = k.id
        JOIN invoice i ON i.id = p.invoice_id
        LEFT JOIN (
            SELECT subject_id, invoice_id, sum(amount_minor) AS minor FROM invoice_freeze
            WHERE kind = 'chargeback' AND lifted_at IS NULL GROUP BY 1, 2
        ) f ON f.subject_id = k.id AND f.invoice_id = i.id""",
}
"""Each statement gives (key, subject, currency, found, expected) for everything it compares."""
