"""What `guichet verify` compares of movements: between which accounts, whole, of whom, and as their payouts say."""

# ruff: noqa: S608 - no word of these comes from outside

from __future__ import annotations

from payments.models import Provider
from payments.reconcile.statements import POSTED, UNRESOLVED
from payments.service import CLEARING
from shared.ledger.models import Account, Kind

A, K = Account, Kind

_CLEARING = tuple(CLEARING[provider] for provider in (Provider.STRIPE, Provider.GOCARDLESS))
_MONEY = (*_CLEARING, A.BANK)
_OWNED = (A.RECEIVABLE, A.CREDIT)


def _pairs(kind: Kind, froms: tuple[Account, ...], tos: tuple[Account, ...]) -> list[tuple[Kind, Account, Account]]:
    """A movement of this kind from one of these accounts (credited) to one of those (debited)."""
    return [(kind, debit, credit) for credit in froms for debit in tos]


_BACK = (K.LATE_FAILURE, K.CHARGEBACK, K.REFUND, K.RECEIPT_UNDONE)
_COMES = (K.PAYMENT, K.RECEIPT, K.CHARGEBACK_WON, K.REFUND_FAILED)

PAIRS: frozenset[tuple[Kind, Account, Account]] = frozenset(
    [
        *_pairs(K.ISSUE, (A.SALES,), (A.RECEIVABLE,)),
        *_pairs(K.ISSUE, (A.RECEIVABLE,), (A.SALES,)),
        *(pair for kind in _COMES for pair in _pairs(kind, (*_OWNED, A.LOSS), _MONEY)),
        *(pair for kind in _BACK for pair in _pairs(kind, _MONEY, (*_OWNED, A.LOSS))),
        *_pairs(K.CREDIT_APPLIED, (A.RECEIVABLE,), _OWNED),
        *_pairs(K.CREDIT_RESTORED, (A.CREDIT,), (A.RECEIVABLE,)),
        *_pairs(K.IMPORTED, _OWNED, (A.ELSEWHERE,)),
        *_pairs(K.IMPORTED, (A.ELSEWHERE,), _OWNED),
        *_pairs(K.IMPORTED, (A.CREDIT,), (A.RECEIVABLE,)),  # paid here beyond what the books leave to pay
        *_pairs(K.WRITE_OFF, (A.RECEIVABLE,), (A.WRITE_OFF,)),
        *_pairs(K.WRITE_OFF, (A.WRITE_OFF,), (A.RECEIVABLE,)),  # its money has come after all
        *_pairs(K.FEE, _CLEARING, (A.FEES,)),
        *_pairs(K.FEE, (A.FEES,), _CLEARING),
        *_pairs(K.PAYOUT, _CLEARING, (A.BANK,)),
        *_pairs(K.PAYOUT, (A.BANK,), _CLEARING),
        *_pairs(K.PAYOUT_RETURNED, (A.BANK,), _CLEARING),
        *_pairs(K.PAYOUT_RETURNED, _CLEARING, (A.BANK,)),
        *_pairs(K.ADJUSTMENT, (A.ELSEWHERE,), _CLEARING),
        *_pairs(K.ADJUSTMENT, _CLEARING, (A.ELSEWHERE,)),
    ]
)
"""(kind, debited account, credited account) of everything that the verbs of the ledger write; a correction may go anywhere."""

_ALLOWED = ", ".join(sorted(f"('{kind.value}', '{debit.value}', '{credit.value}')" for kind, debit, credit in PAIRS))

_ROWS = """
    SELECT provider, split_part(provider_reference, '#', 1) AS reference,
           sum(CASE WHEN debit_account = 'bank' THEN amount_minor WHEN credit_account = 'bank' THEN -amount_minor
                    ELSE 0 END) AS bank,
           sum(CASE WHEN debit_account = 'fees' THEN amount_minor WHEN credit_account = 'fees' THEN -amount_minor
                    ELSE 0 END) AS fees
    FROM ledger_transfer
    WHERE payment_id IS NULL AND provider IN ('stripe', 'gocardless') AND provider_reference IS NOT NULL
    GROUP BY 1, 2
"""

BOOKS: dict[str, str] = {
    "movement between accounts": f"""
        SELECT t.id AS key, t.kind || ' ' || t.debit_account || ' from ' || t.credit_account AS subject, t.currency,
               (t.kind <> 'correction' AND (t.kind, t.debit_account, t.credit_account) NOT IN ({_ALLOWED}))::int AS found,
               0 AS expected
        FROM ledger_transfer t""",
    "legs of a movement": """
        SELECT t.movement_id AS key, min(t.kind) || ' ' || t.movement_id AS subject, min(t.currency) AS currency,
               count(*) AS found, max(t.leg) + 1 AS expected
        FROM ledger_transfer t WHERE t.debtor_id IS NOT NULL AND t.kind <> 'correction' AND t.phase <> 'void'
          AND (t.provider_reference IS NOT NULL OR t.phase = 'pending')
        GROUP BY t.movement_id""",
    "movement of a payment": """
        SELECT p.id AS key, p.reference AS subject, p.currency,
               count(*) FILTER (WHERE t.debtor_id IS DISTINCT FROM p.debtor_id OR t.company_id <> p.company_id
                                OR t.currency <> p.currency) AS found, 0 AS expected
        FROM payment p JOIN ledger_transfer t ON t.payment_id = p.id GROUP BY p.id, p.reference, p.currency""",
    "movement without its payment": """
        SELECT t.payment_id AS key, t.payment_id::text AS subject, t.currency, (p.id IS NULL)::int AS found, 0 AS expected
        FROM ledger_transfer t LEFT JOIN payment p ON p.id = t.payment_id WHERE t.payment_id IS NOT NULL""",
    "payment by name": """
        SELECT p.id AS key, p.reference AS subject, p.currency, count(*) FILTER (
                   WHERE split_part(t.provider_reference, '#', 1) IS DISTINCT FROM p.provider_reference
                      OR t.provider <> p.provider) AS found, 0 AS expected
        FROM payment p JOIN ledger_transfer t ON t.payment_id = p.id
        WHERE t.kind IN ('payment', 'late_failure') AND t.provider_reference IS NOT NULL
        GROUP BY p.id, p.reference, p.currency""",
    "day of a receipt": """
        SELECT p.id AS key, p.reference AS subject, p.currency, to_char(p.received_on, 'YYYYMMDD')::int AS found,
               to_char(min(t.value_on), 'YYYYMMDD')::int AS expected
        FROM payment p JOIN ledger_transfer t ON t.payment_id = p.id
        WHERE p.provider = 'hand' AND p.received_on IS NOT NULL AND t.kind IN ('payment', 'receipt')
          AND t.phase IN ('posted', 'post') GROUP BY p.id, p.reference, p.currency, p.received_on""",
    "refund in the ledger": f"""
        SELECT r.id AS key, r.id::text AS subject, r.currency, coalesce(l.minor, 0) AS found,
               CASE WHEN r.status IN ('submitted', 'done') THEN r.amount_minor ELSE 0 END AS expected
        FROM refund r LEFT JOIN (
            SELECT split_part(provider_reference, '#', 1) AS reference,
                   sum(CASE WHEN kind = 'refund' THEN amount_minor ELSE -amount_minor END) AS minor
            FROM ledger_transfer WHERE kind IN ('refund', 'refund_failed') AND {POSTED} GROUP BY 1
        ) l ON l.reference = coalesce(r.provider_reference, r.id::text)""",
    "refund and its payment": """
        SELECT r.id AS key, r.id::text AS subject, r.currency, (r.currency <> p.currency)::int AS found, 0 AS expected
        FROM refund r JOIN payment p ON p.id = r.payment_id""",
    "part of a payment": """
        SELECT coalesce(a.payment_id, h.payment_id) AS key, p.reference || ' ' || coalesce(i.number, '?') AS subject,
               p.currency, coalesce(a.minor, 0) AS found, coalesce(h.minor, 0) AS expected
        FROM (SELECT payment_id, invoice_id, amount_minor AS minor FROM payment_allocation) a
        FULL JOIN (
            SELECT DISTINCT ON (payment_id, credit_owner) payment_id, credit_owner AS invoice_id, amount_minor AS minor
            FROM ledger_transfer WHERE phase = 'pending' AND payment_id IS NOT NULL
            ORDER BY payment_id, credit_owner, id
        ) h ON h.payment_id = a.payment_id AND h.invoice_id = a.invoice_id
        JOIN payment p ON p.id = coalesce(a.payment_id, h.payment_id)
        LEFT JOIN invoice i ON i.id = coalesce(a.invoice_id, h.invoice_id)""",
    "payment amount": f"""
        SELECT p.id AS key, p.reference AS subject, p.currency, p.amount_minor AS found,
               coalesce(l.minor, a.minor, 0) AS expected
        FROM payment p
        LEFT JOIN (SELECT payment_id, sum(amount_minor) AS minor FROM payment_allocation GROUP BY 1) a
          ON a.payment_id = p.id
        LEFT JOIN (
            SELECT DISTINCT ON (payment_id) payment_id, minor FROM (
                SELECT payment_id, movement_id, max(id::text) FILTER (WHERE kind = 'payment') AS last,
                       sum(CASE WHEN debit_account IN ('receivable', 'credit', 'loss') THEN -amount_minor
                                ELSE amount_minor END) AS minor
                FROM ledger_transfer
                WHERE kind IN ('payment', 'correction') AND payment_id IS NOT NULL AND {POSTED} GROUP BY 1, 2
            ) AS rounds WHERE last IS NOT NULL ORDER BY payment_id, last DESC
        ) l ON l.payment_id = p.id""",
    "held by a payment": f"""
        SELECT p.id AS key, p.reference AS subject, p.currency, coalesce(h.minor, 0) AS found,
               coalesce(l.minor, 0) AS expected
        FROM payment p
        LEFT JOIN (SELECT payment_id, sum(amount_minor) AS minor FROM ledger_transfer t WHERE {UNRESOLVED} GROUP BY 1) h
          ON h.payment_id = p.id
        LEFT JOIN (
            SELECT DISTINCT ON (payment_id) payment_id, minor FROM (
                SELECT payment_id, movement_id, max(id::text) AS last, sum(amount_minor) AS minor FROM ledger_transfer
                WHERE phase = 'pending' AND payment_id IS NOT NULL GROUP BY 1, 2
            ) AS rounds ORDER BY payment_id, last DESC
        ) l ON l.payment_id = p.id
        WHERE p.status IN ('created', 'submitted', 'action_needed')""",
    "payment and its debtor": """
        SELECT p.id AS key, p.reference AS subject, p.currency,
               (p.company_id <> d.company_id OR p.currency <> d.currency)::int AS found, 0 AS expected
        FROM payment p JOIN debtor d ON d.id = p.debtor_id""",
    "payment and its invoices": """
        SELECT a.id AS key, p.reference AS subject, p.currency, (p.debtor_id <> i.debtor_id)::int AS found, 0 AS expected
        FROM payment_allocation a JOIN payment p ON p.id = a.payment_id JOIN invoice i ON i.id = a.invoice_id""",
    "payment and its mandate": """
        SELECT p.id AS key, p.reference AS subject, p.currency, (p.debtor_id <> m.debtor_id)::int AS found, 0 AS expected
        FROM payment p JOIN mandate m ON m.id = p.mandate_id""",
    "payment confirmed": """
        SELECT p.id AS key, p.reference AS subject, p.currency, (p.confirmed_at IS NOT NULL)::int AS found,
               (t.payment_id IS NOT NULL)::int AS expected
        FROM payment p LEFT JOIN (
            SELECT DISTINCT payment_id FROM payment_transition WHERE after = 'confirmed'
        ) t ON t.payment_id = p.id""",
    "payout in the ledger": f"""
        SELECT p.id AS key, coalesce(p.provider_reference, l.reference) AS subject, coalesce(p.currency, 'EUR') AS currency,
               coalesce(l.bank, 0) AS found,
               CASE WHEN p.id IS NULL THEN 0 WHEN p.returned_at IS NOT NULL THEN 0 ELSE p.amount_minor END AS expected
        FROM payout p FULL JOIN ({_ROWS}) l ON l.provider = p.provider AND l.reference = p.provider_reference""",
    "payout fee in the ledger": f"""
        SELECT p.id AS key, coalesce(p.provider_reference, l.reference) AS subject, coalesce(p.currency, 'EUR') AS currency,
               coalesce(l.fees, 0) AS found, coalesce(p.fee_minor, 0) AS expected
        FROM payout p FULL JOIN ({_ROWS}) l ON l.provider = p.provider AND l.reference = p.provider_reference""",
    "movement of a payout": """
        SELECT t.id AS key, t.provider_reference AS subject, t.currency,
               (p.id IS NULL OR t.currency <> p.currency)::int AS found, 0 AS expected
        FROM ledger_transfer t
        LEFT JOIN payout p ON p.provider = t.provider AND p.provider_reference = split_part(t.provider_reference, '#', 1)
        WHERE t.payment_id IS NULL AND t.provider IN ('stripe', 'gocardless')""",
}
