"""Known invoices: what a file says of them beside what was paid here.

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
from datetime import date

from backoffice.imports.faults import Findings
from backoffice.imports.statements import Statements
from shared.giving import service as giving
from shared.giving.models import GiftKind
from shared.giving.service import Wish
from shared.invoices.models import PAUSES, FreezeKind


class Known(Statements):
    """Steps about invoices that are here already."""

    reason = ""
    """Why invoices that are no longer in the books are cancelled."""

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
        self.remember_invoices("SELECT id FROM stage_change")
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
        self._catch_up()
        self._move_due_days()
        return changed

    def _catch_up(self) -> None:
        """Where the file agrees with what is here, the books know all that was paid here: told, for what a later file shows beside it."""
        self.remember_invoices("SELECT id FROM stage_caught")
        self.do(
            "UPDATE invoice i SET booked_minor = c.paid FROM stage_caught c WHERE i.id = c.id AND c.paid <> i.booked_minor"
        )

    def _move_due_days(self) -> None:
        self.do("""CREATE TEMP TABLE stage_due ON COMMIT DROP AS SELECT i.id, i.debtor_id, i.due_on AS before, s.due_on AS after
            FROM stage_item s JOIN stage_debtor d ON d.key = s.debtor JOIN invoice i ON i.id = s.old_id
            WHERE d.locked AND NOT s.derived AND i.due_on <> s.due_on AND i.source = 'import'""")
        self.remember_invoices("SELECT id FROM stage_due")
        self.do("UPDATE invoice i SET due_on = s.after FROM stage_due s WHERE i.id = s.id")

    def settle_gone(self) -> int:
        """Take off what is open of invoices that the file leaves out for a reason; gives how many.

        What a payment in flight holds of them waits until it ends, like everything that the books settle under a payment.
        """
        self.do("""CREATE TEMP TABLE stage_off ON COMMIT DROP AS SELECT i.id, i.debtor_id, g.why, i.open_minor - i.held_minor AS minor,
                i.held_minor - i.elsewhere_minor AS waits, i.number, CASE i.kind WHEN 'invoice' THEN 1 ELSE -1 END AS sign
            FROM stage_gone g JOIN invoice i ON i.id = g.id WHERE i.open_minor > 0""")
        self.remember_invoices("SELECT id FROM stage_off")
        self._note_gifts()
        self.book("""SELECT new_id(), %(company)s, debtor_id, new_id(), 0, 'imported', 'posted',
                CASE WHEN sign > 0 THEN 'elsewhere' ELSE 'receivable' END, CASE WHEN sign > 0 THEN NULL ELSE id END,
                CASE WHEN sign > 0 THEN 'receivable' ELSE 'elsewhere' END, CASE WHEN sign > 0 THEN id END,
                minor, %(currency)s, %(today)s, %(at)s FROM stage_off WHERE minor > 0 ORDER BY debtor_id, id""")
        self.do("""UPDATE invoice i SET open_minor = i.open_minor - o.minor, elsewhere_minor = i.held_minor,
                cancelled_on = CASE o.why WHEN 'gone' THEN %(today)s ELSE i.cancelled_on END,
                settled_on = CASE WHEN i.open_minor = o.minor THEN %(today)s END
            FROM stage_off o WHERE i.id = o.id""")
        self.do(
            """INSERT INTO audit_line (at, actor_kind, actor_name, action, subject_type, subject_id, company_id, debtor_id, after)
            SELECT %(at)s, 'system', 'import', CASE why WHEN 'gone' THEN 'invoice.cancelled' ELSE 'invoice.settled_by_list' END,
                'invoice', id, %(company)s, debtor_id, jsonb_build_object('number', number, 'minor', minor, 'reason', CASE why WHEN 'gone' THEN
                %(reason)s::text ELSE '' END, 'import', %(run)s::text)
            FROM stage_off ORDER BY id""",
            reason=self.reason,
        )
        count = self.do("""UPDATE debtor d SET open_minor = d.open_minor - x.minor FROM (SELECT debtor_id, sum(minor * sign)::bigint AS minor
                FROM stage_off GROUP BY 1) x WHERE d.id = x.debtor_id""")
        return int(self.rows("SELECT count(*) FROM stage_off")[0][0]) if count else 0

    def may_go(self, chosen: list[tuple[uuid.UUID, str]]) -> list[bool]:
        """Whether each of these invoices may be cancelled by one person: what a file cancels of a debtor's is one gift of his."""
        of_debtor: dict[uuid.UUID, dict[uuid.UUID, int]] = {}
        owner: dict[uuid.UUID, uuid.UUID] = {}
        for identity, debtor_id, minor in self.rows(
            "SELECT id, debtor_id, open_minor FROM invoice WHERE id = ANY(%(ids)s)",
            ids=[identity for identity, _number in chosen],
        ):
            of_debtor.setdefault(debtor_id, {})[identity] = minor
            owner[identity] = debtor_id
        wishes = {
            debtor_id: Wish(GiftKind.CANCELLATION, debtor_id, sum(minors.values()), invoices=minors)
            for debtor_id, minors in of_debtor.items()
        }
        above = giving.above_limit(self._session, self._books.company_id, wishes)
        return [owner[identity] not in above for identity, _number in chosen]

    def _note_gifts(self) -> None:
        """What is cancelled stands in the book of what is given away, one gift a debtor, like what the desk cancels."""
        self.do(
            """CREATE TEMP TABLE stage_gift ON COMMIT DROP AS SELECT new_id() AS id, debtor_id, sum(minor)::bigint AS minor
            FROM stage_off WHERE why = 'gone' AND sign > 0 AND minor > 0 GROUP BY debtor_id"""
        )
        self.do(
            """INSERT INTO gift (id, company_id, debtor_id, kind, subject_id, state, minor, currency, by_id, by_name, reason, given_at,
                decided_by_name) SELECT id, %(company)s, debtor_id, 'cancellation', id, 'alone', minor, %(currency)s, %(by_id)s, %(by)s,
                %(reason)s::text, %(at)s, '' FROM stage_gift""",
            reason=self.reason,
        )
        self.do("""INSERT INTO gift_part (id, gift_id, invoice_id, minor) SELECT new_id(), g.id, o.id, o.minor
            FROM stage_off o JOIN stage_gift g ON g.debtor_id = o.debtor_id WHERE o.why = 'gone' AND o.sign > 0 AND o.minor > 0""")
        self.do("""INSERT INTO import_change (id, run_id, kind, subject_id, before, after)
            SELECT new_id(), %(run)s, 'gift', id, '{}', '{}' FROM stage_gift""")

    def lowered(self) -> list[tuple[uuid.UUID, uuid.UUID]]:
        """(invoice, debtor) of what has become less and may be debited: automatic debits, payments in flight and plans look at it again."""
        return [
            (invoice, debtor)
            for invoice, debtor in self.rows("""SELECT c.id, c.debtor_id FROM stage_change c JOIN debtor d ON d.id = c.debtor_id
                WHERE c.sign > 0 AND (c.new_open < c.old_open OR c.waits > 0)
                    AND (d.autopay OR c.held > 0 OR EXISTS (SELECT FROM plan_item p WHERE p.invoice_id = c.id))
                UNION SELECT o.id, o.debtor_id FROM stage_off o JOIN debtor d ON d.id = o.debtor_id
                WHERE o.sign > 0 AND (d.autopay OR o.waits > 0 OR EXISTS (SELECT FROM plan_item p WHERE p.invoice_id = o.id))
                ORDER BY 2, 1""")
        ]

    def moved(self) -> list[tuple[uuid.UUID, uuid.UUID, date, date]]:
        """(invoice, debtor, due before, due now) of open invoices that may be debited on their due day."""
        return [
            (invoice, debtor, before, after)
            for invoice, debtor, before, after in self.rows("""SELECT s.id, s.debtor_id, s.before, s.after FROM stage_due s
                JOIN debtor d ON d.id = s.debtor_id JOIN invoice i ON i.id = s.id
                WHERE i.open_minor > 0 AND (d.autopay OR i.held_minor > 0) ORDER BY 2, 1""")
        ]

    def credited(self) -> list[uuid.UUID]:
        """Debtors of the file with credit or an unused credit note, and a debit that may be too much now."""
        return [
            debtor
            for (debtor,) in self.rows("""SELECT d.id FROM debtor d JOIN stage_debtor s ON s.id = d.id
                WHERE NOT s.is_new AND (d.credit_minor > 0 OR EXISTS (SELECT FROM invoice i
                        WHERE i.debtor_id = d.id AND i.kind = 'credit_note' AND i.open_minor > 0))
                    AND (d.held_minor > 0 OR EXISTS (SELECT FROM collection c WHERE c.debtor_id = d.id AND c.state = 'announced'))
                ORDER BY 1""")
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
        if not self.book("""SELECT new_id(), %(company)s, debtor_id, new_id(), 0, 'imported', 'posted', 'receivable', id, 'credit', debtor_id,
                surplus, %(currency)s, %(today)s, %(at)s FROM stage_change WHERE surplus > 0"""):
            return
        self.do("""UPDATE debtor d SET credit_minor = d.credit_minor + x.surplus FROM (
                SELECT debtor_id, sum(surplus)::bigint AS surplus FROM stage_change GROUP BY debtor_id) x
            WHERE x.debtor_id = d.id AND x.surplus > 0""")

    def _shrink_freezes(self) -> None:
        """Let what freezes or pauses an invoice cover no more of it than it has become.

        What a bank contests goes first, for no word of ours takes that back; then the oldest. The next ones have what is left,
        and those for which nothing is left end. A case's own part of the invoice shrinks with its freeze.
        """
        self.holds_shrunk = self.do(_COVERED, pauses=_PAUSES, contested=FreezeKind.CHARGEBACK.value)
        if not self.holds_shrunk:
            return
        self.do("""UPDATE invoice_freeze f SET amount_minor = CASE WHEN c.left_minor > 0 THEN c.left_minor ELSE f.amount_minor END,
                lifted_at = CASE WHEN c.left_minor > 0 THEN NULL ELSE %(at)s END FROM stage_covered c WHERE f.id = c.id""")
        self.do("""INSERT INTO audit_line (at, actor_kind, actor_name, action, subject_type, subject_id, company_id, debtor_id, after)
            SELECT %(at)s, 'system', 'import', CASE WHEN left_minor > 0 THEN 'invoice.hold_resized' ELSE 'invoice.lifted' END,
                'invoice', invoice_id, %(company)s, debtor_id, jsonb_build_object('freeze', id, 'kind', kind, 'minor', left_minor,
                    'number', number, 'import', %(run)s::text)
            FROM stage_covered ORDER BY id""")
        self.do(
            """UPDATE invoice i SET frozen_minor = x.frozen, paused_minor = x.paused FROM (
                SELECT c.id, coalesce(sum(f.amount_minor) FILTER (WHERE f.kind <> ALL(%(pauses)s)), 0)::bigint AS frozen,
                    coalesce(sum(f.amount_minor) FILTER (WHERE f.kind = ANY(%(pauses)s)), 0)::bigint AS paused
                FROM stage_change c LEFT JOIN invoice_freeze f ON f.invoice_id = c.id AND f.lifted_at IS NULL
                WHERE greatest(c.frozen, c.paused) > c.total GROUP BY c.id) x
            WHERE i.id = x.id""",
            pauses=_PAUSES,
        )
        self.do(
            """UPDATE chargeback_part p SET amount_minor = s.left_minor FROM invoice_freeze f, stage_covered s
                WHERE f.id = s.id AND s.left_minor > 0
                AND f.kind = %(contested)s AND p.chargeback_id = f.subject_id AND p.invoice_id = f.invoice_id""",
            contested=FreezeKind.CHARGEBACK.value,
        )
        self.do(
            """DELETE FROM chargeback_part p USING invoice_freeze f, stage_covered s WHERE f.id = s.id AND s.left_minor = 0
                AND f.kind = %(contested)s AND p.chargeback_id = f.subject_id AND p.invoice_id = f.invoice_id""",
            contested=FreezeKind.CHARGEBACK.value,
        )

    def _move(self, kind: str, other: str, amount: str, *, settles: bool = False) -> None:
        """Write the movement between an invoice and another account for every change whose amount is not zero.

        A positive amount of `settles` lowers the invoice, of the others it raises it; for a credit note all is turned.
        """
        self.book(f"""SELECT new_id(), %(company)s, debtor_id, new_id(), 0, '{kind}', 'posted',
                CASE WHEN up THEN 'receivable' ELSE '{other}' END, CASE WHEN up THEN id END,
                CASE WHEN up THEN '{other}' ELSE 'receivable' END, CASE WHEN up THEN NULL ELSE id END,
                abs(amount), %(currency)s, coalesce(settled_on, %(today)s), %(at)s
            FROM (SELECT c.*, {amount} AS amount, (({amount}) * sign > 0) <> {settles} AS up FROM stage_change c) AS c
            WHERE amount <> 0""")  # noqa: S608 - all parts are words of this file


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


_PAUSES = sorted(kind.value for kind in PAUSES)

_COVERED = """
CREATE TEMP TABLE stage_covered ON COMMIT DROP AS
SELECT * FROM (
    SELECT f.id, f.invoice_id, f.debtor_id, f.kind, c.number, f.amount_minor,
        greatest(0, least(f.amount_minor, c.total - sum(f.amount_minor) OVER (
            PARTITION BY f.invoice_id, f.kind = ANY(%(pauses)s) ORDER BY f.kind <> %(contested)s, f.frozen_at, f.id)
            + f.amount_minor))::bigint AS left_minor
    FROM stage_change c JOIN invoice_freeze f ON f.invoice_id = c.id AND f.lifted_at IS NULL
    WHERE greatest(c.frozen, c.paused) > c.total) AS x
WHERE left_minor < amount_minor
"""
"""Live freezes that cover more than a smaller total leaves: what pauses an invoice together, all other kinds together."""
