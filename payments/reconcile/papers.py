"""What `guichet verify` compares of invoices: what they say beside what they were issued for, and whose they are."""

# ruff: noqa: S608 - no word of these comes from outside

from __future__ import annotations

from babel.core import get_global

from payments.reconcile.statements import POSTED

_DIGITS = " ".join(
    f"WHEN '{currency}' THEN {facts[0]}"
    for currency, facts in sorted(get_global("currency_fractions").items())
    if currency != "DEFAULT" and facts[0] != 2
)
_SCALE = f"(10 ^ (CASE i.currency {_DIGITS} ELSE 2 END))::numeric"

_ISSUED = f"""
    SELECT owner, sum(minor) AS minor FROM (
        SELECT debit_owner AS owner, amount_minor AS minor FROM ledger_transfer
        WHERE debit_account = 'receivable' AND credit_account = 'sales' AND {POSTED}
        UNION ALL
        SELECT credit_owner, -amount_minor FROM ledger_transfer
        WHERE credit_account = 'receivable' AND debit_account = 'sales' AND {POSTED}
    ) AS legs GROUP BY owner
"""
_TOUCHED = f"""
    SELECT debit_owner AS owner, kind, value_on, currency, debtor_id, company_id, amount_minor AS minor FROM ledger_transfer
    WHERE debit_account = 'receivable' AND {POSTED}
    UNION ALL
    SELECT credit_owner, kind, value_on, currency, debtor_id, company_id, -amount_minor FROM ledger_transfer
    WHERE credit_account = 'receivable' AND {POSTED}
"""
_NUMBER_OF_DAY = "to_char({day}, 'YYYYMMDD')::int"

PAPERS: dict[str, str] = {
    "invoice issued": f"""
        SELECT i.id AS key, i.number AS subject, i.currency, i.total_minor AS found,
               (CASE WHEN i.kind = 'invoice' THEN 1 ELSE -1 END) * coalesce(l.minor, 0) AS expected
        FROM invoice i LEFT JOIN ({_ISSUED}) l ON l.owner = i.id""",
    "invoice net and VAT": """
        SELECT i.id AS key, i.number AS subject, i.currency, i.net_minor + i.vat_minor AS found, i.total_minor AS expected
        FROM invoice i WHERE i.net_minor IS NOT NULL AND i.vat_minor IS NOT NULL""",
    "invoice lines": """
        SELECT i.id AS key, i.number AS subject, i.currency, l.minor AS found, coalesce(i.net_minor, 0) AS expected
        FROM invoice i
        JOIN (SELECT invoice_id, sum(net_minor) AS minor FROM invoice_line GROUP BY 1) l ON l.invoice_id = i.id""",
    "invoice line": f"""
        SELECT l.id AS key, i.number || ' line ' || l.position AS subject, i.currency, l.net_minor AS found,
               round(l.quantity * l.unit_price * {_SCALE})::bigint AS expected
        FROM invoice_line l JOIN invoice i ON i.id = l.invoice_id WHERE i.source = 'entered'""",
    "invoice VAT by rate": """
        SELECT i.id AS key, i.number AS subject, i.currency, coalesce(v.minor, 0) AS found,
               coalesce(i.vat_minor, 0) AS expected
        FROM invoice i
        LEFT JOIN (SELECT invoice_id, sum(vat_minor) AS minor FROM invoice_vat GROUP BY 1) v ON v.invoice_id = i.id
        WHERE v.minor IS NOT NULL OR EXISTS (SELECT 1 FROM invoice_line l WHERE l.invoice_id = i.id)""",
    "invoice VAT base": """
        SELECT i.id AS key, i.number || ' ' || coalesce(l.category, v.category) || ' ' || coalesce(l.rate, v.rate)
                   AS subject, i.currency, coalesce(v.minor, 0) AS found, coalesce(l.minor, 0) AS expected
        FROM (SELECT invoice_id, vat_category AS category, vat_rate AS rate, sum(net_minor) AS minor
              FROM invoice_line GROUP BY 1, 2, 3) l
        FULL JOIN (SELECT invoice_id, category, rate, base_minor AS minor FROM invoice_vat) v
          ON v.invoice_id = l.invoice_id AND v.category = l.category AND v.rate = l.rate
        JOIN invoice i ON i.id = coalesce(l.invoice_id, v.invoice_id)""",
    "invoice settled day": f"""
        SELECT i.id AS key, i.number AS subject, i.currency,
               coalesce({_NUMBER_OF_DAY.format(day="i.settled_on")}, 0) AS found,
               CASE WHEN i.open_minor > 0 THEN 0
                    WHEN i.settled_on IS NULL AND t.last_on = i.issued_on AND t.is_undated THEN 0
                    ELSE {_NUMBER_OF_DAY.format(day="coalesce(t.same_on, t.last_on)")} END AS expected
        FROM invoice i
        LEFT JOIN (
            SELECT x.owner, max(x.value_on) FILTER (WHERE x.value_on = n.settled_on) AS same_on,
                   coalesce(max(x.value_on) FILTER (WHERE x.net <> 0 OR x.value_on = n.issued_on), max(x.value_on)) AS last_on,
                   bool_or(x.is_imported AND x.value_on = n.issued_on) AS is_undated
            FROM (SELECT owner, value_on, sum(minor) AS net, bool_or(kind = 'imported') AS is_imported FROM ({_TOUCHED}) y
                  GROUP BY 1, 2) x JOIN invoice n ON n.id = x.owner AND n.open_minor = 0 GROUP BY 1
        ) t ON t.owner = i.id
        WHERE i.open_minor > 0 OR t.owner IS NOT NULL""",
    "invoice and its movements": f"""
        SELECT t.owner AS key, coalesce(i.number, t.owner::text) AS subject, coalesce(i.currency, 'EUR') AS currency,
               count(*) FILTER (WHERE i.id IS NULL OR t.debtor_id IS DISTINCT FROM i.debtor_id
                                OR t.company_id <> i.company_id OR t.currency <> i.currency) AS found, 0 AS expected
        FROM ({_TOUCHED}) t
        LEFT JOIN (SELECT id, number, currency, debtor_id, company_id FROM invoice
                   UNION ALL SELECT id, number, currency, debtor_id, company_id FROM invoice_withdrawn) i ON i.id = t.owner
        GROUP BY t.owner, i.number, i.currency""",
    "invoice taken back": f"""
        SELECT w.id AS key, w.number AS subject, w.currency, coalesce(sum(t.minor), 0) AS found, 0 AS expected
        FROM invoice_withdrawn w LEFT JOIN ({_TOUCHED}) t ON t.owner = w.id GROUP BY w.id, w.number, w.currency""",
    "credit and its movements": """
        SELECT t.owner AS key, coalesce(d.account_code, t.owner::text) AS subject, coalesce(d.currency, 'EUR') AS currency,
               count(*) FILTER (WHERE d.id IS NULL OR t.debtor_id IS DISTINCT FROM t.owner
                                OR t.company_id <> d.company_id OR t.currency <> d.currency) AS found, 0 AS expected
        FROM (SELECT debit_owner AS owner, debtor_id, company_id, currency FROM ledger_transfer
              WHERE debit_account = 'credit'
              UNION ALL
              SELECT credit_owner, debtor_id, company_id, currency FROM ledger_transfer WHERE credit_account = 'credit'
        ) t LEFT JOIN debtor d ON d.id = t.owner GROUP BY t.owner, d.account_code, d.currency""",
    "invoice and its debtor": """
        SELECT i.id AS key, i.number AS subject, i.currency,
               (i.company_id <> d.company_id OR i.currency <> d.currency)::int AS found, 0 AS expected
        FROM invoice i JOIN debtor d ON d.id = i.debtor_id""",
    "credit note and its invoice": """
        SELECT n.id AS key, n.number AS subject, n.currency, (n.debtor_id <> i.debtor_id)::int AS found, 0 AS expected
        FROM invoice n JOIN invoice i ON i.id = n.credits_invoice_id""",
    "hold and its invoice": """
        SELECT f.id AS key, i.number AS subject, i.currency, (f.debtor_id <> i.debtor_id)::int AS found, 0 AS expected
        FROM invoice_freeze f JOIN invoice i ON i.id = f.invoice_id""",
}
