"""From staging into the books, in sets: what is new, what has changed, and whether the certificate holds.

Everything happens in the caller's transaction, and nothing is believed: the certificate is checked against the sums
of the invoices as they stand in the database after the writing, not against what was meant to be written.
"""

from __future__ import annotations

from backoffice.imports.faults import Findings
from backoffice.imports.known import Known
from backoffice.imports.who import Who


class Writer(Who, Known):
    """Runs the statements of one import; each method is one step of `writing.write`."""

    # New invoices and credit notes
    def match_invoices(self) -> None:
        """Recognise the invoices that are here already, by debtor, kind and number."""
        if not self.rows("SELECT FROM stage_debtor WHERE NOT is_new LIMIT 1"):
            return
        self.do("""UPDATE stage_item s SET old_id = i.id FROM stage_debtor d, invoice i
            WHERE d.key = s.debtor AND NOT d.is_new AND i.debtor_id = d.id AND i.number = s.number
            AND i.kind = CASE s.kind WHEN 'credit_note' THEN 'credit_note' ELSE 'invoice' END AND s.kind <> 'credit'""")
        self.do("ANALYZE stage_item")

    def add_invoices(self) -> int:
        """Write the new ones with their movements: issued, and settled as far as the file shows.

        Invoices are written in the order of the file, as their numbers grow; movements debtor by debtor, as their index
        grows: each fills its largest index from one end.
        """
        added = self.do("""INSERT INTO invoice (id, company_id, debtor_id, kind, number, title, order_reference,
                issued_on, due_on, due_is_derived, currency, net_minor, vat_minor, total_minor, open_minor, held_minor,
                frozen_minor, paused_minor, settled_on, source, import_run_id, created_at)
            SELECT s.id, %(company)s, d.id, CASE s.kind WHEN 'credit_note' THEN 'credit_note' ELSE 'invoice' END,
                s.number, CASE s.kind WHEN 'opening' THEN %(opening)s ELSE s.label END, s.po_number, s.issued_on,
                s.due_on, s.derived, %(currency)s, s.net, s.vat, s.total, s.open, 0, 0, 0,
                CASE WHEN s.open = 0 THEN s.settled_on END, 'import', %(run)s, %(at)s
            FROM stage_item s JOIN stage_debtor d ON d.key = s.debtor
            WHERE s.old_id IS NULL AND s.kind <> 'credit'""")
        self.do("""INSERT INTO ledger_transfer (transfer_columns)
            SELECT new_id(), %(company)s, d.id, new_id(), 0, 'issue', 'posted',
                CASE s.kind WHEN 'credit_note' THEN 'sales' ELSE 'receivable' END,
                CASE s.kind WHEN 'credit_note' THEN NULL ELSE s.id END,
                CASE s.kind WHEN 'credit_note' THEN 'receivable' ELSE 'sales' END,
                CASE s.kind WHEN 'credit_note' THEN s.id END, s.total, %(currency)s, s.issued_on, %(at)s
            FROM stage_item s JOIN stage_debtor d ON d.key = s.debtor
            WHERE s.old_id IS NULL AND s.kind <> 'credit' ORDER BY d.id, s.id""")
        self.do("""INSERT INTO ledger_transfer (transfer_columns)
            SELECT new_id(), %(company)s, d.id, new_id(), 0, 'imported', 'posted',
                CASE s.kind WHEN 'credit_note' THEN 'receivable' ELSE 'elsewhere' END,
                CASE s.kind WHEN 'credit_note' THEN s.id END,
                CASE s.kind WHEN 'credit_note' THEN 'elsewhere' ELSE 'receivable' END,
                CASE s.kind WHEN 'credit_note' THEN NULL ELSE s.id END,
                s.total - s.open, %(currency)s, coalesce(s.settled_on, s.issued_on), %(at)s
            FROM stage_item s JOIN stage_debtor d ON d.key = s.debtor
            WHERE s.old_id IS NULL AND s.kind <> 'credit' AND s.total > s.open ORDER BY d.id, s.id""")
        return added

    # Unapplied credit

    def change_credits(self, *, whole_accounts: bool) -> int:
        """Bring unapplied credit to what the file shows; gives how many accounts changed.

        What the last file showed is remembered, so that only its changes count; credit that came through Guichet or was
        used here (known = credit + used) is never added nor taken a second time. A table that is silent of a customer's credit says
        nothing of it; with `whole_accounts` silence means none.
        """
        self.do(_CREDITS, whole=whole_accounts)
        self.book("""SELECT new_id(), %(company)s, id, new_id(), 0, 'imported', 'posted',
                CASE WHEN change > 0 THEN 'elsewhere' ELSE 'credit' END, CASE WHEN change > 0 THEN NULL ELSE id END,
                CASE WHEN change > 0 THEN 'credit' ELSE 'elsewhere' END, CASE WHEN change > 0 THEN id END,
                abs(change), %(currency)s, %(today)s, %(at)s
            FROM stage_credit WHERE change <> 0""")
        changed = self.do("""UPDATE debtor d SET credit_minor = d.credit_minor + c.change FROM stage_credit c
            WHERE d.id = c.id AND NOT c.is_new AND c.change <> 0""")
        if whole_accounts:
            self.do("""UPDATE stage_debtor s SET explained = explained - (c.before + c.change - c.wanted)
                FROM stage_credit c WHERE c.id = s.id AND NOT c.is_new""")
        else:  # the balance of a table's debtor is compared with his invoices alone
            self.do("UPDATE stage_debtor s SET explained = explained + c.wanted FROM stage_credit c WHERE c.id = s.id")
        self.do("""INSERT INTO import_change (id, run_id, kind, subject_id, before, after)
            SELECT new_id(), %(run)s, 'position', c.id, coalesce((SELECT jsonb_build_object('credit_minor', p.credit_minor,
                'import_run_id', p.import_run_id) FROM import_position p WHERE p.debtor_id = c.id), '{}'),
                jsonb_build_object('credit_minor', c.wanted) FROM stage_credit c WHERE c.wanted <> c.last""")
        self.do("""INSERT INTO import_position (debtor_id, credit_minor, import_run_id)
            SELECT id, wanted, %(run)s FROM stage_credit WHERE wanted > 0 OR last > 0
            ON CONFLICT (debtor_id) DO UPDATE SET credit_minor = excluded.credit_minor,
                import_run_id = excluded.import_run_id WHERE import_position.credit_minor <> excluded.credit_minor""")
        return changed

    # The end

    def total_debtors(self) -> None:
        """Bring the known debtors' cached open amount to the sum of their invoices."""
        self.do("""UPDATE debtor d SET open_minor = x.open FROM (
                       SELECT i.debtor_id, sum(CASE i.kind WHEN 'invoice' THEN i.open_minor ELSE -i.open_minor END) AS open
                       FROM invoice i JOIN stage_debtor s ON s.id = i.debtor_id AND s.locked GROUP BY 1) x
                   WHERE d.id = x.debtor_id AND d.open_minor <> x.open""")

    def certify(self, *, whole_accounts: bool, faults: Findings) -> tuple[int, int]:
        """Compare every debtor's balance in the file with the database; gives (debtors, open total).

        `whole_accounts`: the file holds all of an account (FEC), so that all its invoices count and unapplied credit is
        taken off; else only the invoices of the file. `explained` is what payments here account for. Debtors without a
        lock were seen to agree when their invoices were recognised.
        """
        found = (
            """SELECT s.key, (SELECT coalesce(sum(CASE i.kind WHEN 'invoice' THEN i.open_minor ELSE -i.open_minor END), 0)
                    FROM invoice i WHERE i.debtor_id = s.id AND i.open_minor > 0) - d.credit_minor AS found
               FROM stage_debtor s JOIN debtor d ON d.id = s.id WHERE s.is_new OR s.locked"""
            if whole_accounts
            else """SELECT s.debtor AS key,
                    sum(CASE i.kind WHEN 'invoice' THEN i.open_minor ELSE -i.open_minor END) AS found
               FROM stage_item s JOIN invoice i ON i.id = coalesce(s.old_id, s.id)
               JOIN stage_debtor d ON d.key = s.debtor AND (d.is_new OR d.locked) GROUP BY s.debtor"""
        )
        self.do(f"CREATE TEMP TABLE stage_found ON COMMIT DROP AS {found}")
        wrong = self.rows("""SELECT s.key, s.balance + s.explained, coalesce(f.found, 0)
            FROM stage_debtor s LEFT JOIN stage_found f ON f.key = s.key
            WHERE (s.is_new OR s.locked) AND coalesce(f.found, 0) <> s.balance + s.explained ORDER BY s.key""")
        for key, expected, there in wrong:
            faults.add("certificate.difference", value=key, expected=int(expected), found=int(there))
        [(count, total)] = self.rows("""SELECT count(*), coalesce(sum(
                CASE WHEN s.is_new OR s.locked THEN coalesce(f.found, 0) ELSE s.balance END), 0)
            FROM stage_debtor s LEFT JOIN stage_found f ON f.key = s.key""")
        return int(count), int(total)


_CREDITS = """
CREATE TEMP TABLE stage_credit ON COMMIT DROP AS
SELECT id, is_new, wanted, last, before,
    CASE WHEN is_new THEN wanted
         WHEN wanted > last THEN greatest(0, least(wanted - last, wanted - known))
         ELSE -greatest(0, least(last - wanted, known - wanted, before)) END AS change
FROM (
    SELECT s.id, s.is_new, coalesce(w.credit, 0) AS wanted, coalesce(p.credit_minor, 0) AS last, d.credit_minor AS before,
        d.credit_minor + coalesce((SELECT sum(least(c.applied, greatest(0, c.paid - (c.total - c.open))))
            FROM stage_change c WHERE c.debtor_id = s.id AND c.sign > 0), 0) AS known
    FROM stage_debtor s JOIN debtor d ON d.id = s.id LEFT JOIN import_position p ON p.debtor_id = s.id
        LEFT JOIN (SELECT debtor, sum(open)::bigint AS credit FROM stage_item WHERE kind = 'credit' GROUP BY debtor) AS w
            ON w.debtor = s.key
) AS x WHERE wanted <> 0 OR %(whole)s AND (last <> 0 OR before <> 0)
"""
