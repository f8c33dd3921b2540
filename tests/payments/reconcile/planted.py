"""What may be spoilt: (name, the difference by which it must be found, statements). One cent or one row each."""

from __future__ import annotations


def invoice(number: str) -> str:
    return f"(SELECT id FROM invoice WHERE number = '{number}')"


def paid(number: str) -> str:
    """The payment that was meant for an invoice."""
    return (
        "(SELECT a.payment_id FROM payment_allocation a JOIN payment p ON p.id = a.payment_id"
        f" WHERE a.invoice_id = {invoice(number)} ORDER BY p.id LIMIT 1)"
    )


def leg(kind: str, more: str = "true") -> str:
    """The first movement of a kind."""
    return f"(SELECT id FROM ledger_transfer WHERE kind = '{kind}' AND {more} ORDER BY id LIMIT 1)"


def more(kind: str, where: str = "true") -> str:
    return f"UPDATE ledger_transfer SET amount_minor = amount_minor + 1 WHERE id = {leg(kind, where)}"


def gone(kind: str, where: str = "true") -> str:
    return f"DELETE FROM ledger_transfer WHERE id = {leg(kind, where)}"


EVE = "(SELECT id FROM debtor WHERE account_code = '411EVE')"
POST_1 = f"phase = 'post' AND payment_id = {paid('F-1')}"
ISSUE_12 = f"debit_owner = {invoice('F-12')}"
OLDEST_PAYOUT = "(SELECT id FROM payout WHERE provider = 'gocardless' ORDER BY id LIMIT 1)"
ITS_NAME = "(SELECT provider_reference FROM payout WHERE provider = 'gocardless' ORDER BY id LIMIT 1)"
COPY_OF_A_FEE = """
    INSERT INTO ledger_transfer (id, company_id, movement_id, leg, kind, phase, debit_account, credit_account, amount_minor,
        currency, value_on, at, provider, provider_reference)
    SELECT gen_random_uuid(), company_id, gen_random_uuid(), {leg}, kind, phase, debit_account, credit_account, 1, currency,
        value_on, at, provider, {name} FROM ledger_transfer WHERE kind = '{kind}' ORDER BY id LIMIT 1
"""
LAST = (
    "(SELECT id FROM {table} WHERE {owner} = (SELECT max({owner}::text)::uuid FROM {table}) ORDER BY step DESC LIMIT 1)"
)

LEDGER = [
    ("issue + 1", "invoice issued", more("issue", ISSUE_12)),
    ("issue deleted", "invoice issued", gone("issue", ISSUE_12)),
    ("payment + 1", "resolution equals its hold", more("payment", POST_1)),
    ("payment deleted", "payment settled", gone("payment", POST_1)),
    ("payment freed instead of posted", "payment settled", f"UPDATE ledger_transfer SET phase = 'void' WHERE {POST_1}"),
    ("refund + 1", "refund in the ledger", more("refund")),
    ("refund deleted", "refund in the ledger", gone("refund")),
    ("chargeback + 1", "invoice open", more("chargeback")),
    ("chargeback deleted", "invoice open", gone("chargeback")),
    ("late failure + 1", "payment settled", more("late_failure")),
    ("late failure deleted", "payment settled", gone("late_failure")),
    ("credit + 1", "debtor credit", more("payment", "credit_account = 'credit'")),
    ("credit deleted", "debtor credit", gone("payment", "credit_account = 'credit'")),
    ("credit used + 1", "debtor credit", more("credit_applied", "debit_account = 'credit'")),
    ("credit used deleted", "debtor credit", gone("credit_applied", "debit_account = 'credit'")),
    ("note used + 1", "invoice open", more("credit_applied", "debit_account = 'receivable'")),
    ("note used deleted", "invoice open", gone("credit_applied", "debit_account = 'receivable'")),
    ("receipt undone + 1", "payment settled", more("receipt_undone")),
    ("receipt undone deleted", "payment settled", gone("receipt_undone")),
    ("write-off + 1", "invoice open", more("write_off")),
    ("write-off deleted", "invoice open", gone("write_off")),
    ("held + 1", "part of a payment", more("payment", f"phase = 'pending' AND payment_id = {paid('F-15')}")),
    ("held deleted", "invoice held", gone("payment", f"phase = 'pending' AND payment_id = {paid('F-15')}")),
    (
        "held moved to another payment",
        "held by a payment",
        f"UPDATE ledger_transfer SET payment_id = {paid('F-16')} WHERE phase = 'pending' AND payment_id = {paid('F-15')}",
    ),
    (
        "currency of a payment's leg",
        "movement of a payment",
        f"UPDATE ledger_transfer SET currency = 'USD' WHERE id = {leg('payment', POST_1)}",
    ),
    (
        "currency of an issue",
        "invoice and its movements",
        f"UPDATE ledger_transfer SET currency = 'USD' WHERE id = {leg('issue', ISSUE_12)}",
    ),
    (
        "currency of a credit",
        "credit and its movements",
        f"UPDATE ledger_transfer SET currency = 'USD' WHERE id = {leg('credit_applied')} OR credit_account = 'credit'",
    ),
    (
        "sales to fees",
        "movement between accounts",
        f"UPDATE ledger_transfer SET credit_account = 'fees' WHERE id = {leg('issue', ISSUE_12)}",
    ),
    (
        "a leg moved to another debtor",
        "invoice and its movements",
        f"UPDATE ledger_transfer SET debtor_id = {EVE} WHERE id = {leg('payment', POST_1)}",
    ),
    (
        "a leg moved to another invoice",
        "resolution equals its hold",
        f"UPDATE ledger_transfer SET credit_owner = {invoice('F-2')} WHERE id = {leg('payment', POST_1)}",
    ),
    (
        "a leg of an invoice that does not exist",
        "invoice and its movements",
        f"UPDATE ledger_transfer SET debit_owner = gen_random_uuid() WHERE id = {leg('issue', ISSUE_12)}",
    ),
    (
        "a leg of a payment that does not exist",
        "movement without its payment",
        f"UPDATE ledger_transfer SET payment_id = gen_random_uuid() WHERE id = {leg('refund')}",
    ),
    (
        "a leg under another name",
        "payment by name",
        f"UPDATE ledger_transfer SET provider_reference = 'pi_other' WHERE id = {leg('payment', POST_1)}",
    ),
    (
        "a leg's number",
        "legs of a movement",
        f"UPDATE ledger_transfer SET leg = leg + 1 WHERE id = {leg('refund')}",
    ),
    (
        "the legal day of a movement",
        "ledger_transfer row changed",
        f"UPDATE ledger_transfer SET value_on = value_on - 1 WHERE id = {leg('refund')}",
    ),
    (
        "the moment of a movement",
        "ledger_transfer row changed",
        f"UPDATE ledger_transfer SET at = at - interval '1 second' WHERE id = {leg('refund')}",
    ),
    (
        "a movement slipped in behind the triggers",
        "ledger_transfer row not sealed",
        COPY_OF_A_FEE.format(leg=7, name="provider_reference", kind="fee"),
    ),
]

PAYOUTS = [
    ("payout + 1", "payout in the ledger", more("payout")),
    ("payout deleted", "payout in the ledger", gone("payout")),
    ("payout sent back + 1", "payout in the ledger", more("payout_returned")),
    ("payout sent back deleted", "payout in the ledger", gone("payout_returned")),
    ("fee + 1", "payout fee in the ledger", more("fee")),
    ("fee deleted", "payout fee in the ledger", gone("fee")),
    (
        "fee invented",
        "payout fee in the ledger",
        COPY_OF_A_FEE.format(leg=7, name="provider_reference", kind="fee"),
    ),
    (
        "fee of no payout invented",
        "movement of a payout",
        COPY_OF_A_FEE.format(leg=0, name="'po_nowhere'", kind="fee"),
    ),
    (
        "currency of a fee",
        "movement of a payout",
        f"UPDATE ledger_transfer SET currency = 'USD' WHERE id = {leg('fee')}",
    ),
    (
        "payout row + 1",
        "payout in the ledger",
        f"UPDATE payout SET amount_minor = amount_minor + 1 WHERE id = {OLDEST_PAYOUT}",
    ),
    (
        "payout row fee + 1",
        "payout fee in the ledger",
        f"UPDATE payout SET fee_minor = fee_minor + 1 WHERE id = {OLDEST_PAYOUT}",
    ),
    ("payout row deleted", "movement of a payout", f"DELETE FROM payout WHERE id = {OLDEST_PAYOUT}"),
    (
        "payout row invented",
        "payout in the ledger",
        """INSERT INTO payout (id, company_id, provider, provider_reference, amount_minor, fee_minor, currency, created_at)
        SELECT gen_random_uuid(), company_id, provider, 'po_nowhere', 1, 0, currency, created_at FROM payout LIMIT 1""",
    ),
    (
        "payout sent back forgotten",
        "payout in the ledger",
        "UPDATE payout SET returned_at = NULL WHERE returned_at IS NOT NULL",
    ),
    (
        "whole payout deleted",
        "gocardless payout not booked",
        f"DELETE FROM ledger_transfer WHERE payment_id IS NULL AND provider_reference = {ITS_NAME}",
        f"DELETE FROM payout WHERE id = {OLDEST_PAYOUT}",
    ),
    (
        "whole payout + 1",
        "gocardless payout",
        more("payout", "provider = 'gocardless'"),
        f"UPDATE payout SET amount_minor = amount_minor + 1 WHERE id = {OLDEST_PAYOUT}",
    ),
    (
        "whole fee + 1",
        "gocardless payout fee",
        more("fee", "provider = 'gocardless'"),
        f"UPDATE payout SET fee_minor = fee_minor + 1 WHERE id = {OLDEST_PAYOUT}",
    ),
    (
        "whole payout invented",
        "stripe has no such payout",
        COPY_OF_A_FEE.format(leg=0, name="'po_nowhere'", kind="payout"),
        """INSERT INTO payout (id, company_id, provider, provider_reference, amount_minor, fee_minor, currency, created_at)
        SELECT gen_random_uuid(), company_id, 'stripe', 'po_nowhere', 1, 0, currency, created_at FROM payout LIMIT 1""",
        "UPDATE ledger_transfer SET provider = 'stripe', credit_account = 'clearing_stripe' WHERE provider_reference = 'po_nowhere'",
    ),
    ("fee of a payment + 1", "payment fee", f"UPDATE payment SET fee_minor = fee_minor + 1 WHERE id = {paid('F-1')}"),
    ("fee of a payment forgotten", "payment fee", f"UPDATE payment SET fee_minor = NULL WHERE id = {paid('F-1')}"),
]

INVOICES = [
    ("open + 1", "invoice open", "UPDATE invoice SET open_minor = open_minor + 1 WHERE number = 'F-3'"),
    ("held - 1", "invoice held", "UPDATE invoice SET held_minor = held_minor - 1 WHERE number = 'F-15'"),
    ("frozen + 1", "invoice frozen", "UPDATE invoice SET frozen_minor = frozen_minor + 1 WHERE number = 'F-3'"),
    ("paused + 1", "invoice paused", "UPDATE invoice SET paused_minor = paused_minor + 1 WHERE number = 'F-3'"),
    ("total + 1", "invoice issued", "UPDATE invoice SET total_minor = total_minor + 1 WHERE number = 'F-1'"),
    ("net + 1", "invoice net and VAT", "UPDATE invoice SET net_minor = net_minor + 1 WHERE number = 'L-1'"),
    ("VAT + 1", "invoice net and VAT", "UPDATE invoice SET vat_minor = vat_minor + 1 WHERE number = 'L-1'"),
    (
        "net + 1, VAT - 1",
        "invoice lines",
        "UPDATE invoice SET net_minor = net_minor + 1, vat_minor = vat_minor - 1 WHERE number = 'L-1'",
    ),
    (
        "VAT of a rate + 1",
        "invoice VAT by rate",
        f"UPDATE invoice_vat SET vat_minor = vat_minor + 1 WHERE rate = 20 AND invoice_id = {invoice('L-1')}",
    ),
    (
        "a rate deleted",
        "invoice VAT base",
        f"DELETE FROM invoice_vat WHERE rate = 20 AND invoice_id = {invoice('L-1')}",
    ),
    (
        "base of a rate + 1",
        "invoice VAT base",
        f"UPDATE invoice_vat SET base_minor = base_minor + 1 WHERE rate = 20 AND invoice_id = {invoice('L-1')}",
    ),
    (
        "a line + 1",
        "invoice line",
        f"UPDATE invoice_line SET net_minor = net_minor + 1 WHERE position = 1 AND invoice_id = {invoice('L-1')}",
    ),
    (
        "a line's price",
        "invoice line",
        f"UPDATE invoice_line SET unit_price = unit_price + 1 WHERE position = 1 AND invoice_id = {invoice('L-1')}",
    ),
    (
        "a line deleted",
        "invoice lines",
        f"DELETE FROM invoice_line WHERE position = 1 AND invoice_id = {invoice('L-1')}",
    ),
    (
        "settled a day later",
        "invoice settled day",
        "UPDATE invoice SET settled_on = settled_on + 1 WHERE number = 'F-1'",
    ),
    (
        "an open invoice said to be taken back",
        "invoice taken back",
        """INSERT INTO invoice_withdrawn (id, company_id, debtor_id, kind, number, issued_on, total_minor, currency, import_run_id,
        withdrawn_at) SELECT id, company_id, debtor_id, kind, number, issued_on, total_minor, currency, id, created_at
        FROM invoice WHERE number = 'F-12'""",
    ),
    ("settled on no day", "invoice settled day", "UPDATE invoice SET settled_on = NULL WHERE number = 'F-1'"),
    ("open and settled", "invoice settled day", "UPDATE invoice SET settled_on = issued_on WHERE number = 'F-3'"),
    (
        "a settled invoice moved to another debtor",
        "invoice and its movements",
        f"UPDATE invoice SET debtor_id = {EVE} WHERE number = 'F-1'",
    ),
    (
        "an open invoice moved to another debtor",
        "debtor open",
        f"UPDATE invoice SET debtor_id = {EVE} WHERE number = 'F-12'",
    ),
    ("currency of an invoice", "invoice and its debtor", "UPDATE invoice SET currency = 'USD' WHERE number = 'F-1'"),
    (
        "a credit note of another's invoice",
        "credit note and its invoice",
        f"UPDATE invoice SET credits_invoice_id = {invoice('E-1')} WHERE number = 'N-1'",
    ),
    (
        "a hold + 1",
        "invoice paused",
        "UPDATE invoice_freeze SET amount_minor = amount_minor + 1 WHERE kind = 'promise'",
    ),
    (
        "a hold of a contested payment - 1",
        "contested by a bank",
        "UPDATE invoice_freeze SET amount_minor = amount_minor - 1 WHERE kind = 'chargeback' AND amount_minor > 1",
    ),
    ("a hold deleted", "invoice paused", "DELETE FROM invoice_freeze WHERE kind = 'promise'"),
    ("a hold lifted", "invoice frozen", "UPDATE invoice_freeze SET lifted_at = frozen_at WHERE kind = 'plan'"),
    (
        "a hold of another debtor",
        "hold and its invoice",
        f"UPDATE invoice_freeze SET debtor_id = {EVE} WHERE kind = 'promise'",
    ),
    (
        "open of a debtor - 1",
        "debtor open",
        "UPDATE debtor SET open_minor = open_minor - 1 WHERE account_code = '411DORA'",
    ),
    (
        "held of a debtor + 1",
        "debtor held",
        "UPDATE debtor SET held_minor = held_minor + 1 WHERE account_code = '411DORA'",
    ),
    (
        "credit of a debtor + 1",
        "debtor credit",
        "UPDATE debtor SET credit_minor = credit_minor + 1 WHERE account_code = '411DORA'",
    ),
    (
        "currency of a debtor",
        "payment and its debtor",
        "UPDATE debtor SET currency = 'USD' WHERE account_code = '411DORA'",
    ),
]

PAYMENTS = [
    (
        "amount of a settled payment + 1",
        "payment amount",
        f"UPDATE payment SET amount_minor = amount_minor + 1 WHERE id = {paid('F-1')}",
    ),
    (
        "amount in flight + 1",
        "payment amount",
        f"UPDATE payment SET amount_minor = amount_minor + 1 WHERE id = {paid('F-15')}",
    ),
    (
        "amount of a late failure + 1",
        "payment amount",
        f"UPDATE payment SET amount_minor = amount_minor + 1 WHERE id = {paid('F-5')}",
    ),
    (
        "failed, said to be under way",
        "steps of a payment",
        f"UPDATE payment SET status = 'submitted' WHERE id = {paid('F-5')}",
    ),
    (
        "under way, said to have failed",
        "payment held",
        f"UPDATE payment SET status = 'failed' WHERE id = {paid('F-15')}",
    ),
    (
        "settled, said to be confirmed",
        "steps of a payment",
        f"UPDATE payment SET status = 'confirmed' WHERE id = {paid('F-1')}",
    ),
    (
        "refunded + 1",
        "refunds of a payment",
        f"UPDATE payment SET refunded_minor = refunded_minor + 1 WHERE id = {paid('F-3')}",
    ),
    (
        "a payment's name at the provider",
        "payment by name",
        f"UPDATE payment SET provider_reference = 'pi_other' WHERE id = {paid('F-1')}",
    ),
    (
        "a payment moved to another debtor",
        "movement of a payment",
        f"UPDATE payment SET debtor_id = {EVE} WHERE id = {paid('F-1')}",
    ),
    ("currency of a payment", "movement of a payment", f"UPDATE payment SET currency = 'USD' WHERE id = {paid('F-1')}"),
    ("confirmed at no time", "payment confirmed", f"UPDATE payment SET confirmed_at = NULL WHERE id = {paid('F-1')}"),
    (
        "never confirmed, with a time",
        "payment confirmed",
        f"UPDATE payment SET confirmed_at = created_at WHERE id = {paid('F-15')}",
    ),
    (
        "received a day later",
        "day of a receipt",
        f"UPDATE payment SET received_on = received_on + 1 WHERE id = {paid('F-8')}",
    ),
    (
        "part of a payment + 1",
        "part of a payment",
        f"UPDATE payment_allocation SET amount_minor = amount_minor + 1 WHERE payment_id = {paid('F-1')}",
    ),
    (
        "part of a payment deleted",
        "part of a payment",
        f"DELETE FROM payment_allocation WHERE payment_id = {paid('F-1')}",
    ),
    (
        "part of a payment invented",
        "payment and its invoices",
        f"""INSERT INTO payment_allocation (id, payment_id, invoice_id, amount_minor)
        VALUES (gen_random_uuid(), {paid("F-1")}, {invoice("E-1")}, 1)""",
    ),
    ("a mandate moved to another debtor", "payment and its mandate", f"UPDATE mandate SET debtor_id = {EVE}"),
    ("refund row + 1", "refund in the ledger", "UPDATE refund SET amount_minor = amount_minor + 1"),
    ("refund row deleted", "refunds of a payment", "DELETE FROM refund"),
    ("refund row failed", "refund in the ledger", "UPDATE refund SET status = 'failed'"),
    ("currency of a refund", "refund and its payment", "UPDATE refund SET currency = 'USD'"),
    (
        "refund row invented",
        "refund in the ledger",
        """INSERT INTO refund SELECT (jsonb_populate_record(r, jsonb_build_object('id', gen_random_uuid(), 'amount_minor', 1,
        'idempotency_key', 'refund-other', 'provider_reference', NULL))).* FROM refund r LIMIT 1""",
    ),
    (
        "a debit beyond what was announced",
        "debit beyond what was announced",
        f"""INSERT INTO collection (id, company_id, debtor_id, invoice_id, label, attempt_no, mandate_id, amount_minor, currency,
            announced_at, charge_on, state, reason, payment_id, notice_key)
        SELECT gen_random_uuid(), p.company_id, p.debtor_id, {invoice("F-2")}, '', 1, p.mandate_id, p.amount_minor - 1, p.currency,
            p.created_at, current_date, 'created', '', p.id, '' FROM payment p WHERE p.id = {paid("F-2")}""",
    ),
    (
        "a debit of another's announcement",
        "announced and its debit",
        f"""INSERT INTO collection (id, company_id, debtor_id, invoice_id, label, attempt_no, mandate_id, amount_minor, currency,
            announced_at, charge_on, state, reason, payment_id, notice_key)
        SELECT gen_random_uuid(), p.company_id, {EVE}, {invoice("F-2")}, '', 1, p.mandate_id, p.amount_minor, p.currency,
            p.created_at, current_date, 'created', '', p.id, '' FROM payment p WHERE p.id = {paid("F-2")}""",
    ),
]


def steps(table: str) -> str:
    return f"{table}_transition"


def last_step(table: str) -> str:
    return f"""(SELECT id FROM {steps(table)} WHERE {table}_id = (SELECT {table}_id FROM {steps(table)} ORDER BY id LIMIT 1)
        ORDER BY step DESC LIMIT 1)"""


HISTORY = [
    *(
        (
            f"last step of a {table} deleted",
            f"steps of a {table}",
            f"DELETE FROM {steps(table)} WHERE id = {last_step(table)}",
        )
        for table in ("payment", "mandate", "dispute", "plan", "promise", "declaration", "chargeback")
    ),
    (
        "first step of a payment deleted",
        "steps of a payment",
        f"DELETE FROM payment_transition WHERE payment_id = {paid('F-1')} AND step = 1",
    ),
    (
        "a step of a payment deleted",
        "steps of a payment",
        f"DELETE FROM payment_transition WHERE payment_id = {paid('F-1')} AND step = 2",
    ),
    (
        "a step of a payment that leads elsewhere",
        "steps of a payment",
        f"UPDATE payment_transition SET after = 'failed' WHERE payment_id = {paid('F-1')} AND step = 2",
    ),
    (
        "who took a step",
        "payment_transition row changed",
        f"UPDATE payment_transition SET actor_name = 'Mallory' WHERE payment_id = {paid('F-1')} AND step = 2",
    ),
    (
        "audit line of a payment deleted",
        "audit trail of a payment",
        f"DELETE FROM audit_line WHERE id = (SELECT max(id) FROM audit_line WHERE subject_id = {paid('F-1')})",
    ),
    (
        "audit line of anything deleted",
        "audit_line row gone",
        "DELETE FROM audit_line WHERE id = (SELECT min(id) FROM audit_line WHERE action LIKE 'contact%')",
    ),
    (
        "last audit line deleted",
        "audit_line row gone",
        "DELETE FROM audit_line WHERE id = (SELECT max(id) FROM audit_line)",
    ),
    (
        "amount in an audit line",
        "audit_line row changed",
        """UPDATE audit_line SET after = after || '{"minor": 1}' WHERE id = (SELECT min(id) FROM audit_line
        WHERE action = 'payment.confirmed')""",
    ),
    (
        "who did it",
        "audit_line row changed",
        "UPDATE audit_line SET actor_name = 'Mallory' WHERE id = (SELECT min(id) FROM audit_line)",
    ),
    (
        "audit line slipped in behind the triggers",
        "audit_line row not sealed",
        """INSERT INTO audit_line (at, actor_kind, actor_name, action, subject_type)
        SELECT at, actor_kind, 'Mallory', action, subject_type FROM audit_line ORDER BY id LIMIT 1""",
    ),
    (
        "a seal deleted",
        "ledger_transfer row not sealed",
        "DELETE FROM seal WHERE id = (SELECT max(id) FROM seal WHERE of = 'ledger_transfer')",
    ),
    (
        "a seal changed",
        "audit_line row changed",
        "UPDATE seal SET digests[1] = gen_random_uuid() WHERE id = (SELECT max(id) FROM seal WHERE of = 'audit_line')",
    ),
]

FIRST_INSTALMENT = "(SELECT id FROM plan_instalment ORDER BY position LIMIT 1)"

AGREEMENTS = [
    ("covered by a plan + 1", "plan instalments", "UPDATE plan_item SET covered_minor = covered_minor + 1"),
    ("total of a plan + 1", "plan total", "UPDATE plan SET total_minor = total_minor + 1"),
    (
        "instalment + 1",
        "plan instalments",
        f"UPDATE plan_instalment SET amount_minor = amount_minor + 1 WHERE id = {FIRST_INSTALMENT}",
    ),
    ("instalment deleted", "plan instalments", "DELETE FROM plan_instalment WHERE position = 2"),
    (
        "settled of an instalment - 1",
        "plan freezes",
        f"UPDATE plan_instalment SET settled_minor = settled_minor - 1 WHERE id = {FIRST_INSTALMENT}",
    ),
    (
        "credited of an instalment + 1",
        "plan freezes",
        "UPDATE plan_instalment SET credited_minor = 1 WHERE position = 2",
    ),
    (
        "settled of one instalment to another",
        "instalments in order",
        "UPDATE plan_instalment SET settled_minor = settled_minor + CASE position WHEN 1 THEN -1 ELSE 1 END WHERE position <> 3",
    ),
    (
        "day of a settled instalment",
        "instalments in order",
        f"UPDATE plan_instalment SET settled_on = NULL WHERE id = {FIRST_INSTALMENT}",
    ),
    ("a plan completed with a rest", "plan completed", "UPDATE plan SET status = 'completed'"),
    ("a promise + 1", "promise parts", "UPDATE promise SET amount_minor = amount_minor + 1"),
    ("part of a promise + 1", "promise parts", "UPDATE promise_part SET amount_minor = amount_minor + 1"),
    ("kept of a promise + 1", "promise kept", "UPDATE promise SET kept_minor = kept_minor + 1"),
    ("a promise kept with its money on hold", "frozen for what has ended", "UPDATE promise SET state = 'kept'"),
    (
        "part of a promise on another's invoice",
        "part and its debtor",
        f"UPDATE promise_part SET invoice_id = {invoice('E-1')}",
    ),
    ("contested + 1", "dispute parts", "UPDATE dispute SET claimed_minor = claimed_minor + 1"),
    ("part of a dispute + 1", "dispute parts", "UPDATE dispute_part SET amount_minor = amount_minor + 1"),
    ("credited of a dispute + 1", "dispute credited", "UPDATE dispute SET credited_minor = credited_minor + 1"),
    ("parts of a declared transfer deleted", "declaration parts", "DELETE FROM declaration_part"),
]

_THEIRS = {
    "gocardless payout not booked",
    "gocardless payout",
    "gocardless payout fee",
    "stripe has no such payout",
    "payment fee",
}
_ALL = (*LEDGER, *PAYOUTS, *INVOICES, *PAYMENTS, *HISTORY, *AGREEMENTS)

HERE = [one for one in _ALL if one[1] not in _THEIRS]
"""What our own books reveal."""

AT_PROVIDERS = [one for one in _ALL if one[1] in _THEIRS]
"""What only a provider's word reveals."""
