"""From staging into the books, in sets: what is new, what has changed, and whether the certificate holds.

Everything happens in the caller's transaction, and nothing is believed: the certificate is checked against the sums
of the invoices as they stand in the database after the writing, not against what was meant to be written.

What a file says of a known invoice is set beside what was paid here. Let T be its total in the file, S what the file shows as
settled, P what was settled through Guichet, E what earlier files showed as settled elsewhere, B the part of P that they showed too. What
is new in the file is d = S − E − B. Where d is what the books did not know of P, or the sum of some of its payments, the books have
caught up; where it is more, the rest was paid elsewhere; where it is neither, all of it was. Open is T − E − P.

A payment in flight keeps what it holds: what the books show as settled of that waits in `elsewhere_minor` (`ledger.service` sets it off
when the payment ends), and `invoice.lowered` lets the debits be taken back that can be. Of a total below what was paid, the surplus
becomes credit.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg import Cursor

from backoffice.imports.faults import Findings


@dataclass(frozen=True, slots=True)
class Books:
    """Whose books are written, when, and by which run."""

    company_id: uuid.UUID
    run_id: uuid.UUID
    currency: str
    language: str
    opening_title: str
    at: datetime
    today: date
    new_id: str

    @property
    def facts(self) -> dict[str, Any]:
        return {
            "company": self.company_id,
            "run": self.run_id,
            "currency": self.currency,
            "language": self.language,
            "opening": self.opening_title,
            "at": self.at,
            "today": self.today,
        }


class Writer:
    """Runs the statements of one import; each method is one step of `run.write_run`."""

    def __init__(self, cursor: Cursor[Any], books: Books) -> None:
        self._cursor, self._books = cursor, books

    def do(self, statement: str, **more: Any) -> int:
        """Run one statement; gives the number of rows it touched."""
        sql = statement.replace("new_id()", self._books.new_id).replace("transfer_columns", _TRANSFER)
        self._cursor.execute(sql, self._books.facts | more)
        return max(self._cursor.rowcount, 0)

    def rows(self, statement: str, **more: Any) -> list[tuple[Any, ...]]:
        """Run one query; gives all its rows."""
        self.do(statement, **more)
        return self._cursor.fetchall()

    # Who owes

    def find_debtors(self, faults: Findings) -> None:
        """Recognise the known debtors by their code, whatever its case, or by another code that is known for them."""
        self.do("CREATE INDEX ON stage_debtor (key)")
        self.do("ANALYZE stage_item")
        self.do("ANALYZE stage_debtor")
        self.do(
            """UPDATE stage_debtor s SET id = d.id, is_new = false, matched = 'code' FROM debtor d
                   WHERE d.company_id = %(company)s AND d.merged_into_id IS NULL AND d.account_code = CASE WHEN s.named
                       AND EXISTS (SELECT FROM debtor x WHERE x.company_id = %(company)s AND x.account_code = (mark)) THEN (mark)
                       ELSE s.key END""".replace("(mark)", _MARKED)
        )
        self.do("""UPDATE stage_debtor s SET id = d.id, is_new = false, matched = 'code' FROM (
                       SELECT min(id::text)::uuid AS id, lower(account_code) AS code FROM debtor
                       WHERE company_id = %(company)s AND merged_into_id IS NULL GROUP BY 2 HAVING count(*) = 1) d
                   WHERE s.is_new AND lower(s.key) = d.code
                   AND NOT EXISTS (SELECT FROM stage_debtor o WHERE o.id = d.id AND NOT o.is_new)""")
        self.do("""UPDATE stage_debtor s SET id = a.debtor_id, is_new = false, matched = 'alias' FROM debtor_alias a
                   WHERE s.is_new AND a.company_id = %(company)s AND a.essence = lower(s.key)""")
        for code, currency in self.rows("""SELECT d.account_code, d.currency FROM debtor d
                JOIN stage_debtor s ON s.id = d.id WHERE d.currency <> %(currency)s ORDER BY 1"""):
            faults.add("debtor.other_currency", value=code, expected=currency)

    @property
    def currency(self) -> str:
        return self._books.currency

    def is_known_as(self, key: str, debtor_id: uuid.UUID) -> None:
        """A debtor of the file is this known one under another code; the code is remembered when the import is written."""
        self.do(
            "UPDATE stage_debtor SET id = %(debtor)s, is_new = false, matched = 'new alias' WHERE key = %(key)s",
            debtor=debtor_id,
            key=key,
        )

    def is_another(self, key: str) -> None:
        """A debtor of the file has the name of a known one and is not the same: it gets an account beside it."""
        self.do(
            "UPDATE stage_debtor s SET id = new_id(), is_new = true, matched = '', code = (mark) WHERE key = %(key)s".replace(
                "(mark)", _MARKED
            ),
            key=key,
        )
        self.do("UPDATE stage_item SET old_id = NULL WHERE debtor = %(key)s", key=key)

    def note_gone(self, why: str, invoices: list[uuid.UUID]) -> None:
        """Invoices that the file leaves out for a reason: "gone" from the books, or "settled" by a complete list."""
        self.do(
            "INSERT INTO stage_gone SELECT unnest(%(ids)s::uuid[]), %(why)s ON CONFLICT DO NOTHING",
            ids=invoices,
            why=why,
        )

    def gone(self) -> dict[str, int]:
        """How many invoices are left out, by reason."""
        return {why: int(count) for why, count in self.rows("SELECT why, count(*) FROM stage_gone GROUP BY 1")}

    def lock_debtors(self, *, whole_accounts: bool, locking: bool = True) -> None:
        """Lock, in the order of their ids, the known debtors whose affairs the file changes; the others go on undisturbed.

        A debtor of whom the file says just what is here was seen to agree and needs no lock. Of whole accounts (FEC) more
        is compared than single invoices, so all of them are locked.
        """
        self.do(
            """UPDATE stage_debtor d SET locked = true WHERE NOT d.is_new AND (%(whole)s OR d.key IN (
                SELECT s.debtor FROM stage_item s LEFT JOIN invoice i ON i.id = s.old_id
                WHERE i.id IS NULL OR i.open_minor <> s.open OR i.total_minor <> s.total
                OR (i.due_on <> s.due_on AND NOT s.derived AND i.source = 'import')))""",
            whole=whole_accounts,
        )
        if locking:
            self.do("""SELECT count(*) FROM (SELECT 1 FROM debtor WHERE id IN (SELECT id FROM stage_debtor WHERE locked
                           UNION SELECT i.debtor_id FROM stage_gone g JOIN invoice i ON i.id = g.id)
                       ORDER BY id FOR UPDATE) AS rows""")

    def add_debtors(self) -> int:
        """Write the new debtors with what they will owe; complete the known ones where they are blank, correct them where told."""
        self._correct_debtors()
        self.do("""UPDATE debtor d SET siren = coalesce(d.siren, s.siren),
                       vat_number = coalesce(d.vat_number, s.vat_number)
                   FROM stage_debtor s WHERE d.id = s.id AND NOT s.is_new
                   AND (d.siren IS NULL AND s.siren IS NOT NULL OR d.vat_number IS NULL AND s.vat_number IS NOT NULL)""")
        return self.do("""INSERT INTO debtor (id, company_id, account_code, name, kind, siren, vat_number, street,
                street_more, postcode, city, country, language, currency, autopay, reminders_pause_reason, open_minor,
                held_minor, credit_minor, search_text, created_at)
            SELECT id, %(company)s, coalesce(code, key), name, 'business', siren, vat_number, street, '', postcode, city,
                coalesce(country, 'FR'), coalesce(language, %(language)s), %(currency)s, false, '', coalesce(owed, 0), 0,
                coalesce(credit, 0), search_text, %(at)s
            FROM stage_debtor LEFT JOIN (
                SELECT debtor, sum(CASE kind WHEN 'credit' THEN open ELSE 0 END) AS credit,
                    sum(CASE kind WHEN 'credit' THEN 0 WHEN 'credit_note' THEN -open ELSE open END) AS owed
                FROM stage_item GROUP BY debtor) AS x ON x.debtor = key
            WHERE is_new""")

    def _correct_debtors(self) -> None:
        """Take the file's names and addresses for known debtors where a person said so, each with its audit line."""
        self.do("""INSERT INTO audit_line (at, actor_kind, actor_name, action, subject_type, subject_id, company_id, debtor_id, before,
                after)
            SELECT %(at)s, 'system', 'import', 'debtor.changed', 'debtor', d.id, %(company)s, d.id,
                jsonb_build_object('name', d.name, 'siren', d.siren, 'vat_number', d.vat_number, 'street', d.street,
                    'postcode', d.postcode, 'city', d.city, 'country', d.country),
                jsonb_build_object('name', s.name, 'siren', s.siren, 'vat_number', s.vat_number, 'street', s.street,
                    'postcode', s.postcode, 'city', s.city, 'country', s.country, 'import', %(run)s::text)
            FROM stage_debtor s JOIN debtor d ON d.id = s.id
            WHERE s.renamed OR s.corrected AND (d.street, d.postcode, d.city) IS DISTINCT FROM (s.street, s.postcode, s.city)
            ORDER BY d.id""")
        self.do("""UPDATE debtor d SET name = CASE WHEN s.renamed OR s.corrected AND s.name <> s.key THEN s.name ELSE d.name END,
                siren = CASE WHEN s.renamed THEN coalesce(s.siren, d.siren) ELSE d.siren END,
                vat_number = CASE WHEN s.renamed THEN coalesce(s.vat_number, d.vat_number) ELSE d.vat_number END,
                street = coalesce(nullif(s.street, ''), d.street), postcode = coalesce(nullif(s.postcode, ''), d.postcode),
                city = coalesce(nullif(s.city, ''), d.city), country = coalesce(s.country, d.country),
                search_text = CASE WHEN s.name <> s.key THEN s.search_text ELSE d.search_text END
            FROM stage_debtor s WHERE d.id = s.id AND (s.renamed OR s.corrected)""")
        self.do("""UPDATE debtor d SET street = CASE d.street WHEN '' THEN s.street ELSE d.street END,
                postcode = CASE d.postcode WHEN '' THEN s.postcode ELSE d.postcode END,
                city = CASE d.city WHEN '' THEN s.city ELSE d.city END
            FROM stage_debtor s WHERE d.id = s.id AND NOT s.is_new AND (d.street = '' AND s.street <> ''
                OR d.postcode = '' AND s.postcode <> '' OR d.city = '' AND s.city <> '')""")
        self.do("""INSERT INTO debtor_alias (id, company_id, debtor_id, code, essence, created_at)
            SELECT new_id(), %(company)s, id, key, lower(key), %(at)s FROM stage_debtor WHERE matched = 'new alias'
            ON CONFLICT DO NOTHING""")

    def add_contacts(self) -> int:
        """Let the addresses of the file act for their debtors; a person who was removed stays removed."""
        self.do("""INSERT INTO contact (id, company_id, email, name, language, phone, wants_digest, bounce_answer, created_at)
            SELECT DISTINCT ON (email COLLATE "C") new_id(), %(company)s, email, name, coalesce(language, %(language)s),
                phone, false, '', %(at)s FROM stage_contact ORDER BY email COLLATE "C", place
            ON CONFLICT (company_id, email) DO NOTHING""")
        return self.do("""INSERT INTO debtor_contact (id, debtor_id, contact_id, role, is_reminded, created_at)
            SELECT DISTINCT ON (s.id, c.id) new_id(), s.id, c.id, 'owner', true, %(at)s
            FROM stage_contact a JOIN stage_debtor s ON s.key = a.debtor
                JOIN contact c ON c.company_id = %(company)s AND c.email = a.email
            WHERE NOT EXISTS (SELECT FROM debtor_contact x WHERE x.debtor_id = s.id AND x.contact_id = c.id)""")

    # New invoices and credit notes

    def join_codes(self, faults: Findings, warnings: Findings) -> None:
        """Codes of the file that are one debtor here become one row: its documents, its people and its balance together.

        A document that stands under several of them is one: as it stands under the account's own code.
        """
        if not self.rows("SELECT FROM stage_debtor WHERE NOT is_new GROUP BY id HAVING count(*) > 1 LIMIT 1"):
            return
        self.do("""CREATE TEMP TABLE stage_join ON COMMIT DROP AS SELECT key, balance, first_value(key) OVER (PARTITION BY id
                ORDER BY matched = 'code' DESC, key) AS into_key FROM stage_debtor WHERE NOT is_new""")
        self._drop_doubles(faults, warnings)
        self.do("DELETE FROM stage_join WHERE key = into_key")
        for table, column in (("stage_item", "debtor"), ("stage_contact", "debtor")):
            self.do(f"UPDATE {table} s SET {column} = j.into_key FROM stage_join j WHERE s.{column} = j.key")  # noqa: S608 - our words
        self.do("""UPDATE stage_debtor s SET balance = s.balance + j.balance FROM (SELECT into_key, sum(balance)::bigint AS balance
                FROM stage_join GROUP BY 1) j WHERE s.key = j.into_key""")
        self.do("""INSERT INTO debtor_alias (id, company_id, debtor_id, code, essence, created_at)
            SELECT new_id(), %(company)s, s.id, s.key, lower(s.key), %(at)s FROM stage_debtor s JOIN stage_join j ON j.key = s.key
            WHERE s.matched = 'new alias' ON CONFLICT DO NOTHING""")
        self.do("DELETE FROM stage_debtor s USING stage_join j WHERE s.key = j.key")
        self.do("DROP TABLE stage_join")

    def _drop_doubles(self, faults: Findings, warnings: Findings) -> None:
        self.do("""CREATE TEMP TABLE stage_double ON COMMIT DROP AS SELECT id, debtor, number, same,
                CASE kind WHEN 'credit_note' THEN -open ELSE open END AS open FROM (
                    SELECT s.*, row_number() OVER w AS place, (s.issued_on, s.total) = (first_value(s.issued_on) OVER w,
                        first_value(s.total) OVER w) AS same
                    FROM stage_item s JOIN stage_join j ON j.key = s.debtor WHERE s.kind <> 'credit'
                        AND j.into_key IN (SELECT into_key FROM stage_join WHERE key <> into_key)
                    WINDOW w AS (PARTITION BY j.into_key, s.kind = 'credit_note', s.number ORDER BY s.debtor <> j.into_key, s.line)
                ) AS x WHERE place > 1""")
        for number, same in self.rows("SELECT number, same FROM stage_double ORDER BY number"):
            if same:
                warnings.add("invoice.under_two_codes", value=number)
            else:
                faults.add("invoice.two_documents", value=number)
        self.do("""UPDATE stage_join j SET balance = j.balance - d.open FROM (SELECT debtor, sum(open)::bigint AS open
                FROM stage_double GROUP BY 1) d WHERE d.debtor = j.key""")
        self.do("DELETE FROM stage_item s USING stage_double d WHERE d.id = s.id")
        self.do("DROP TABLE stage_double")

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

    # Known invoices

    def remark(self, faults: Findings, warnings: Findings) -> None:
        """What a person should know of the known invoices that will change."""
        for number, paid in self.rows("SELECT number, surplus FROM stage_change WHERE surplus > 0 AND sign < 0"):
            faults.add("invoice.below_paid", value=number, paid=paid)
        for number, paid in self.rows("SELECT number, surplus FROM stage_change WHERE surplus > 0 AND sign > 0"):
            warnings.add("invoice.overpaid", value=number, paid=paid)
        for number, waits, held in self.rows("SELECT number, waits, held FROM stage_change WHERE waits > 0"):
            warnings.add("invoice.held", value=number, held=held, waits=waits)
        for number, paid in self.rows("SELECT number, paid FROM stage_change WHERE paid > shown"):
            warnings.add("invoice.paid_here", value=number, paid=paid)
        for (number,) in self.rows("SELECT number FROM stage_change WHERE frozen > new_open"):
            warnings.add("invoice.frozen", value=number)
        for number, covered in self.rows(
            "SELECT number, greatest(frozen, paused) FROM stage_change WHERE greatest(frozen, paused) > total"
        ):
            warnings.add("invoice.covers_less", value=number, covered=covered)

    def change_invoices(self) -> int:
        """Bring the known invoices to what the file shows, by explicit movements; gives how many changed."""
        self._shrink_freezes()
        self._move("issue", "sales", "total - old_total")
        self._give_back()
        self._move("imported", "elsewhere", "total - new_open - paid - imported", settles=True)
        changed = self.do("""UPDATE invoice i SET open_minor = c.new_open, total_minor = c.total, booked_minor = c.now_booked,
                elsewhere_minor = c.waits,
                net_minor = CASE WHEN c.total = c.old_total THEN i.net_minor ELSE c.net END,
                vat_minor = CASE WHEN c.total = c.old_total THEN i.vat_minor ELSE c.vat END,
                settled_on = CASE WHEN c.new_open = 0 THEN coalesce(c.settled_on, i.settled_on, %(today)s) END
            FROM stage_change c WHERE i.id = c.id AND (c.new_open <> c.old_open OR c.total <> c.old_total
                OR c.waits <> i.elsewhere_minor OR c.now_booked <> i.booked_minor)""")
        self.do("""UPDATE stage_debtor d SET explained = d.explained + x.difference FROM (
                       SELECT debtor, sum((new_open - open) * sign) AS difference FROM stage_change GROUP BY debtor) x
                   WHERE x.debtor = d.key""")
        self._move_due_days()
        return changed

    def _move_due_days(self) -> None:
        self.do("""CREATE TEMP TABLE stage_due ON COMMIT DROP AS SELECT i.id, i.debtor_id, i.due_on AS before, s.due_on AS after
            FROM stage_item s JOIN stage_debtor d ON d.key = s.debtor JOIN invoice i ON i.id = s.old_id
            WHERE d.locked AND NOT s.derived AND i.due_on <> s.due_on AND i.source = 'import'""")
        self.do("UPDATE invoice i SET due_on = s.after FROM stage_due s WHERE i.id = s.id")

    def settle_gone(self) -> int:
        """Take off what is open of invoices that the file leaves out for a reason; gives how many.

        What a payment in flight holds of them waits until it ends, like everything that the books settle under a payment.
        """
        self.do("""CREATE TEMP TABLE stage_off ON COMMIT DROP AS SELECT i.id, i.debtor_id, g.why, i.open_minor - i.held_minor AS minor,
                i.held_minor - i.elsewhere_minor AS waits, i.number, CASE i.kind WHEN 'invoice' THEN 1 ELSE -1 END AS sign
            FROM stage_gone g JOIN invoice i ON i.id = g.id WHERE i.open_minor > 0""")
        self.do("""INSERT INTO ledger_transfer (transfer_columns)
            SELECT new_id(), %(company)s, debtor_id, new_id(), 0, 'imported', 'posted',
                CASE WHEN sign > 0 THEN 'elsewhere' ELSE 'receivable' END, CASE WHEN sign > 0 THEN NULL ELSE id END,
                CASE WHEN sign > 0 THEN 'receivable' ELSE 'elsewhere' END, CASE WHEN sign > 0 THEN id END,
                minor, %(currency)s, %(today)s, %(at)s FROM stage_off WHERE minor > 0 ORDER BY debtor_id, id""")
        self.do("""UPDATE invoice i SET open_minor = i.open_minor - o.minor, elsewhere_minor = i.held_minor,
                cancelled_on = CASE o.why WHEN 'gone' THEN %(today)s ELSE i.cancelled_on END,
                settled_on = CASE WHEN i.open_minor = o.minor THEN %(today)s END
            FROM stage_off o WHERE i.id = o.id""")
        self.do("""INSERT INTO audit_line (at, actor_kind, actor_name, action, subject_type, subject_id, company_id, debtor_id, after)
            SELECT %(at)s, 'system', 'import', CASE why WHEN 'gone' THEN 'invoice.cancelled' ELSE 'invoice.settled_by_list' END,
                'invoice', id, %(company)s, debtor_id, jsonb_build_object('number', number, 'minor', minor, 'import', %(run)s::text)
            FROM stage_off ORDER BY id""")
        count = self.do("""UPDATE debtor d SET open_minor = d.open_minor - x.minor FROM (SELECT debtor_id, sum(minor * sign)::bigint AS minor
                FROM stage_off GROUP BY 1) x WHERE d.id = x.debtor_id""")
        return int(self.rows("SELECT count(*) FROM stage_off")[0][0]) if count else 0

    def lowered(self) -> list[tuple[uuid.UUID, uuid.UUID]]:
        """(invoice, debtor) of what has become less and may be debited: automatic debits and payments in flight look at it again."""
        return [
            (invoice, debtor)
            for invoice, debtor in self.rows("""SELECT c.id, c.debtor_id FROM stage_change c JOIN debtor d ON d.id = c.debtor_id
                WHERE c.sign > 0 AND (c.new_open < c.old_open OR c.waits > 0) AND (d.autopay OR c.held > 0)
                UNION SELECT o.id, o.debtor_id FROM stage_off o JOIN debtor d ON d.id = o.debtor_id
                WHERE o.sign > 0 AND (d.autopay OR o.waits > 0) ORDER BY 2, 1""")
        ]

    def moved(self) -> list[tuple[uuid.UUID, uuid.UUID, date, date]]:
        """(invoice, debtor, due before, due now) of open invoices that may be debited on their due day."""
        return [
            (invoice, debtor, before, after)
            for invoice, debtor, before, after in self.rows("""SELECT s.id, s.debtor_id, s.before, s.after FROM stage_due s
                JOIN debtor d ON d.id = s.debtor_id JOIN invoice i ON i.id = s.id
                WHERE i.open_minor > 0 AND (d.autopay OR i.held_minor > 0) ORDER BY 2, 1""")
        ]

    def weigh(self) -> None:
        """Work out what becomes of every known invoice of which the file says something new (`stage_change`)."""
        self.do(_SHOWN)
        self._find_catching_up()

    def decide(self) -> None:
        """From what the file shows to what will be (`stage_change`), after questions about it were answered."""
        self.do(_CHANGED)

    def _find_catching_up(self) -> None:
        """Mark where what is new in the file is the sum of some payments made here: the books have caught up with them."""
        amounts: dict[tuple[uuid.UUID, int], list[int]] = {}
        for (
            invoice,
            wanted,
            amount,
        ) in self.rows("""SELECT w.id, w.news, sum(CASE WHEN x.credit_owner = w.id THEN x.amount_minor
                    ELSE -x.amount_minor END)::bigint
                FROM stage_shown w JOIN ledger_transfer x ON x.debtor_id = w.debtor_id AND w.id IN (x.debit_owner, x.credit_owner)
                    AND x.kind NOT IN ('issue', 'imported') AND x.phase IN ('posted', 'post')
                WHERE w.news > 0 AND w.news < w.paid - w.known AND w.sign > 0
                GROUP BY w.id, w.news, coalesce(x.payment_id, x.movement_id)"""):
            amounts.setdefault((invoice, wanted), []).append(amount)
        found = [invoice for (invoice, wanted), each in amounts.items() if is_sum_of(wanted, each)]
        if found:
            self.do("UPDATE stage_shown SET catches_up = true WHERE id = ANY(%(found)s)", found=found)

    def _give_back(self) -> None:
        """What was paid here beyond a total that has become smaller is the debtor's credit."""
        if not self.do("""INSERT INTO ledger_transfer (transfer_columns)
            SELECT new_id(), %(company)s, debtor_id, new_id(), 0, 'imported', 'posted', 'receivable', id, 'credit', debtor_id,
                surplus, %(currency)s, %(today)s, %(at)s FROM stage_change WHERE surplus > 0"""):
            return
        self.do("""UPDATE debtor d SET credit_minor = d.credit_minor + x.surplus FROM (
                SELECT debtor_id, sum(surplus)::bigint AS surplus FROM stage_change GROUP BY debtor_id) x
            WHERE x.debtor_id = d.id AND x.surplus > 0""")

    def _shrink_freezes(self) -> None:
        """Let disputes, plans, promises and declarations cover no more of an invoice than it has become.

        The oldest goes first, the next ones have what is left, and those for which nothing is left end.
        """
        if not self.do(_COVERED):
            return
        self.do("""UPDATE invoice_freeze f SET amount_minor = CASE WHEN c.left_minor > 0 THEN c.left_minor ELSE f.amount_minor END,
                lifted_at = CASE WHEN c.left_minor > 0 THEN NULL ELSE %(at)s END FROM stage_covered c WHERE f.id = c.id""")
        self.do("""INSERT INTO audit_line (at, actor_kind, actor_name, action, subject_type, subject_id, company_id, debtor_id, after)
            SELECT %(at)s, 'system', 'import', CASE WHEN left_minor > 0 THEN 'invoice.hold_resized' ELSE 'invoice.lifted' END,
                'invoice', invoice_id, %(company)s, debtor_id, jsonb_build_object('freeze', id, 'kind', kind, 'minor', left_minor,
                    'number', number, 'import', %(run)s::text)
            FROM stage_covered ORDER BY id""")
        self.do("""UPDATE invoice i SET frozen_minor = least(i.frozen_minor, c.total), paused_minor = least(i.paused_minor, c.total)
            FROM stage_change c WHERE i.id = c.id AND greatest(c.frozen, c.paused) > c.total""")

    def _move(self, kind: str, other: str, amount: str, *, settles: bool = False) -> None:
        """Write the movement between an invoice and another account for every change whose amount is not zero.

        A positive amount of `settles` lowers the invoice, of the others it raises it; for a credit note all is turned.
        """
        self.do(f"""INSERT INTO ledger_transfer (transfer_columns)
            SELECT new_id(), %(company)s, debtor_id, new_id(), 0, '{kind}', 'posted',
                CASE WHEN up THEN 'receivable' ELSE '{other}' END, CASE WHEN up THEN id END,
                CASE WHEN up THEN '{other}' ELSE 'receivable' END, CASE WHEN up THEN NULL ELSE id END,
                abs(amount), %(currency)s, coalesce(settled_on, %(today)s), %(at)s
            FROM (SELECT c.*, {amount} AS amount, (({amount}) * sign > 0) <> {settles} AS up FROM stage_change c) AS c
            WHERE amount <> 0""")  # noqa: S608 - all parts are words of this file

    # Unapplied credit

    def change_credits(self, *, whole_accounts: bool) -> int:
        """Bring unapplied credit to what the file shows; gives how many accounts changed.

        What the last file showed is remembered, so that only its changes count; credit that came through Guichet or was
        used here (known = credit + used) is never added nor taken a second time. A table that is silent of a customer's credit says
        nothing of it; with `whole_accounts` silence means none.
        """
        self.do(_CREDITS, whole=whole_accounts)
        self.do("""INSERT INTO ledger_transfer (transfer_columns)
            SELECT new_id(), %(company)s, id, new_id(), 0, 'imported', 'posted',
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


_MARKED = "left(s.key, 21) || ' (' || left(coalesce(s.siren, s.vat_number, (SELECT c.email FROM stage_contact c WHERE c.debtor = s.key AND c.place = 0), ''), 40) || ')'"
"""The code of a customer who has the name of another one."""

_TRANSFER = (
    "id, company_id, debtor_id, movement_id, leg, kind, phase, debit_account, debit_owner, credit_account, "
    "credit_owner, amount_minor, currency, value_on, at"
)

_SHOWN = """
CREATE TEMP TABLE stage_shown ON COMMIT DROP AS
WITH touched AS (
    SELECT s.debtor, i.debtor_id, i.id, s.number, s.total AS file_total, s.open, s.settled_on, s.net, s.vat,
        i.total_minor AS old_total, i.open_minor AS old_open, i.held_minor AS held, i.frozen_minor AS frozen,
        i.paused_minor AS paused, i.booked_minor AS booked, s.total - s.open AS shown,
        CASE i.kind WHEN 'invoice' THEN 1 ELSE -1 END AS sign
    FROM stage_item s JOIN invoice i ON i.id = s.old_id JOIN stage_debtor d ON d.key = s.debtor AND d.locked
    WHERE i.open_minor <> s.open OR i.total_minor <> s.total
), sums AS (
    SELECT t.id, coalesce(sum(CASE
            WHEN x.kind = 'imported' AND 'elsewhere' IN (x.debit_account, x.credit_account) THEN CASE WHEN x.credit_owner = t.id THEN x.amount_minor ELSE -x.amount_minor END
        END), 0)::bigint * max(t.sign) AS imported,
        coalesce(sum(CASE
            WHEN x.kind IN ('credit_applied', 'credit_restored') AND (x.debit_account = 'credit' OR x.credit_account = 'credit')
            THEN CASE WHEN x.credit_owner = t.id THEN x.amount_minor ELSE -x.amount_minor END
        END), 0)::bigint AS applied
    FROM touched t LEFT JOIN ledger_transfer x ON x.debtor_id = t.debtor_id AND t.id IN (x.debit_owner, x.credit_owner)
        AND x.kind IN ('imported', 'credit_applied', 'credit_restored')
    GROUP BY t.id
), paid AS (
    SELECT t.*, s.imported, s.applied, t.old_total - t.old_open - s.imported AS paid FROM touched t JOIN sums s USING (id)
)
SELECT *, least(booked, paid) AS known, shown - imported - least(booked, paid) AS news, false AS catches_up FROM paid
"""
"""`shown` is S, `imported` E, `paid` P, `known` B, `news` d."""

_CHANGED = """
CREATE TEMP TABLE stage_change ON COMMIT DROP AS
WITH told AS (
    SELECT *, greatest(paid - file_total, 0) AS surplus, CASE
        WHEN news <= 0 THEN greatest(imported + news, 0)
        WHEN catches_up OR news = paid - known THEN imported
        WHEN news > paid - known THEN imported + news - (paid - known)
        ELSE imported + news END AS elsewhere
    FROM stage_shown
), set_off AS (
    SELECT *, greatest(file_total - (paid - surplus) - elsewhere, 0) AS wanted FROM told
), kept AS (
    SELECT *, greatest(wanted, held) AS new_open, greatest(file_total, paid - surplus + greatest(wanted, held)) AS total FROM set_off
)
SELECT debtor, debtor_id, id, number, open, settled_on, net, vat, old_total, old_open, held, frozen, paused, shown, sign, imported,
    applied, surplus, paid - surplus AS paid, total, new_open, new_open - wanted AS waits,
    greatest(0, least(paid - surplus, shown - greatest(file_total - (paid - surplus) - wanted, 0))) AS now_booked
FROM kept
"""
"""`waits` is what the books show as settled of what a payment in flight holds; `surplus` what was paid beyond a smaller total."""


MOST_PAYMENTS = 12


def is_sum_of(wanted: int, amounts: list[int]) -> bool:
    """Whether some of these payments make exactly `wanted`, minor units; beyond twelve payments only single ones are tried."""
    if wanted in amounts:
        return True
    if len(amounts) > MOST_PAYMENTS:
        return False
    sums = {0}
    for amount in amounts:
        sums |= {amount + other for other in sums}
    return wanted in sums


_COVERED = """
CREATE TEMP TABLE stage_covered ON COMMIT DROP AS
SELECT * FROM (
    SELECT f.id, f.invoice_id, f.debtor_id, f.kind, c.number, f.amount_minor,
        greatest(0, least(f.amount_minor, c.total - sum(f.amount_minor) OVER (
            PARTITION BY f.invoice_id, f.kind IN ('promise', 'declaration') ORDER BY f.frozen_at, f.id) + f.amount_minor))::bigint
            AS left_minor
    FROM stage_change c JOIN invoice_freeze f ON f.invoice_id = c.id AND f.lifted_at IS NULL
    WHERE greatest(c.frozen, c.paused) > c.total) AS x
WHERE left_minor < amount_minor
"""
"""Live freezes that cover more than a smaller total leaves: disputes, plans and legal holds together, pauses together."""

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
