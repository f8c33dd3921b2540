"""States and kinds in staff words, with the tone and icon that repeat them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from payments.chargebacks.rules import ChargebackKind, ChargebackState
from payments.collections.models import CollectionState, Outcome
from payments.declarations.rules import DeclarationState
from payments.labels import FOR_STAFF, MANDATE_FOR_STAFF, MEANS, REFUND_FOR_STAFF
from payments.models import Means, Provider
from payments.plans.queries import InstalmentState
from payments.plans.rules import Rhythm
from payments.plans.status import PlanStatus
from payments.status import MandateStatus, PaymentStatus, RefundStatus
from payments.webhooks.models import EventState
from shared.access.models import LinkPurpose
from shared.attachments.rules import AttachmentState
from shared.debtors.models import ContactRole, DebtorKind
from shared.disputes.models import PartOutcome
from shared.disputes.rules import Status as DisputeStatus
from shared.invoices.models import FreezeKind
from shared.kit.outbox.models import MessageState
from shared.kit.words import lazy_gettext as _l
from shared.ledger.models import Account, Kind, Phase
from shared.messages.models import MessageStatus
from shared.promises.rules import PromiseState


@dataclass(frozen=True, slots=True)
class Label:
    """A word, the tone that its colour repeats (good, wait, late, info, neutral), and an icon."""

    word: Any
    tone: str = "neutral"
    icon: str = ""


_P, _M, _R = PaymentStatus, MandateStatus, RefundStatus

_ICONS: dict[Enum, str] = {
    _P.SETTLED: "bank",
    _P.CANCELLED: "stop",
    _P.EXPIRED: "clock",
    _P.CHARGED_BACK: "undo",
    _M.SUSPENDED: "pause",
    _M.CANCELLED: "stop",
    _M.EXPIRED: "clock",
    _M.BLOCKED: "lock",
    _R.DECLINED: "stop",
    Means.CARD: "card",
    Means.DEBIT: "repeat",
    Means.TRANSFER: "transfer",
    Means.CHEQUE: "pen",
    Means.CASH: "wallet",
}

LABELS: dict[Enum, Label] = {
    **{
        status: Label(words.word, words.tone, _ICONS.get(status, ""))
        for table in (FOR_STAFF, MANDATE_FOR_STAFF, REFUND_FOR_STAFF)
        for status, words in table.items()
    },
    **{means: Label(word_of, icon=_ICONS[means]) for means, word_of in MEANS.items()},
    Provider.STRIPE: Label("Stripe"),
    Provider.GOCARDLESS: Label("GoCardless"),
    Provider.HAND: Label(_l("By hand")),
    FreezeKind.DISPUTE: Label(_l("Disputed"), "info", "flag"),
    FreezeKind.PLAN: Label(_l("In a plan"), "info", "plan"),
    FreezeKind.PROMISE: Label(_l("Promised"), "info", "calendar"),
    FreezeKind.DECLARATION: Label(_l("Said to be paid"), "info", "transfer"),
    FreezeKind.RESPITE: Label(_l("Paused after a dispute"), "info", "flag"),
    FreezeKind.LEGAL_HOLD: Label(_l("Legal hold"), "info", "lock"),
    FreezeKind.CHARGEBACK: Label(_l("Contested by a bank"), "info", "bank"),
    ChargebackKind.CARD: Label(_l("Card contested"), icon="card"),
    ChargebackKind.DEBIT: Label(_l("Debit given back"), icon="repeat"),
    ChargebackKind.REFUSAL: Label(_l("Debit refused by the payer"), icon="stop"),
    ChargebackState.OPEN: Label(_l("To answer"), "late", "bank"),
    ChargebackState.ANSWERED: Label(_l("The bank decides"), "wait", "clock"),
    ChargebackState.TO_DECIDE: Label(_l("To decide"), "late", "question"),
    ChargebackState.WON: Label(_l("Won"), "good"),
    ChargebackState.OWED: Label(_l("Owed again"), "info", "forward"),
    ChargebackState.GIVEN_UP: Label(_l("Given up"), "neutral", "stop"),
    ChargebackState.SETTLED: Label(_l("Settled otherwise"), "good"),
    PromiseState.EXPECTED: Label(_l("Awaited"), "wait", "calendar"),
    PromiseState.KEPT: Label(_l("Kept"), "good"),
    PromiseState.BROKEN: Label(_l("Broken"), "late"),
    PromiseState.CANCELLED: Label(_l("Called off"), "neutral", "stop"),
    DeclarationState.DECLARED: Label(_l("To look for"), "wait", "search"),
    DeclarationState.MATCHED: Label(_l("Matched"), "good"),
    DeclarationState.REFUSED: Label(_l("Not found"), "late"),
    DeclarationState.EXPIRED: Label(_l("Expired"), "late", "clock"),
    DeclarationState.WITHDRAWN: Label(_l("Taken back"), "neutral", "stop"),
    MessageStatus.WAITING: Label(_l("Waiting"), "wait"),
    MessageStatus.SENDING: Label(_l("Being sent"), "wait"),
    MessageStatus.SENT: Label(_l("Sent"), "good"),
    MessageStatus.UNCERTAIN: Label(_l("Uncertain"), "late", "question"),
    MessageStatus.REFUSED: Label(_l("Refused"), "late"),
    MessageStatus.GATHERED: Label(_l("Waits for the digest"), "wait", "clock"),
    MessageStatus.TOLD: Label(_l("Told in a digest"), "good", "mail"),
    MessageStatus.DROPPED: Label(_l("Dropped"), "neutral", "stop"),
    MessageState.WAITING: Label(_l("Waiting"), "wait"),
    MessageState.DONE: Label(_l("Done"), "good"),
    MessageState.DEAD: Label(_l("Dead"), "late"),
    EventState.WAITING: Label(_l("Waiting"), "wait"),
    EventState.HANDLED: Label(_l("Handled"), "good"),
    EventState.IGNORED: Label(_l("Ignored"), "neutral"),
    EventState.PARKED: Label(_l("Parked"), "wait", "pause"),
    EventState.STUCK: Label(_l("Stuck"), "late"),
    EventState.SET_ASIDE: Label(_l("Unreadable"), "late", "pause"),
    CollectionState.ANNOUNCED: Label(_l("Announced"), "wait", "bell"),
    CollectionState.CREATED: Label(_l("Debit made"), "good"),
    CollectionState.SKIPPED: Label(_l("Skipped"), "neutral", "stop"),
    Outcome.ANNOUNCE: Label(_l("Announced"), "wait", "bell"),
    Outcome.COLLECT: Label(_l("Debit made"), "good"),
    Outcome.SHIFT: Label(_l("Moved to a later day"), "info", "calendar"),
    Outcome.SKIP: Label(_l("Skipped"), "neutral", "stop"),
    DisputeStatus.OPEN: Label(_l("New"), "wait", "flag"),
    DisputeStatus.UNDER_REVIEW: Label(_l("Under review"), "wait", "eye"),
    DisputeStatus.WAITING: Label(_l("Waits for the debtor"), "info", "pause"),
    DisputeStatus.ACCEPTED: Label(_l("Accepted"), "good"),
    DisputeStatus.REJECTED: Label(_l("Rejected"), "neutral", "stop"),
    DisputeStatus.WITHDRAWN: Label(_l("Withdrawn"), "neutral", "undo"),
    DisputeStatus.SETTLED: Label(_l("Settled by payment"), "good", "bank"),
    PartOutcome.LIVE: Label(_l("Frozen"), "info", "lock"),
    PartOutcome.CREDITED: Label(_l("Credited"), "good"),
    PartOutcome.PARTLY_CREDITED: Label(_l("Credited in part"), "good"),
    PartOutcome.OWED_AGAIN: Label(_l("Owed again"), "neutral", "undo"),
    PartOutcome.WITHDRAWN: Label(_l("Withdrawn"), "neutral", "undo"),
    PartOutcome.SETTLED: Label(_l("Settled"), "good", "bank"),
    AttachmentState.SCANNING: Label(_l("Being checked for viruses"), "wait"),
    AttachmentState.CLEAN: Label(_l("Clean"), "good"),
    AttachmentState.INFECTED: Label(_l("Virus found"), "late", "shield"),
    AttachmentState.UNSCANNED: Label(_l("Not scanned"), "neutral"),
    AttachmentState.QUARANTINED: Label(_l("Set aside"), "late", "lock"),
    PlanStatus.PROPOSED: Label(_l("Proposed"), "wait"),
    PlanStatus.NEEDS_PERSON: Label(_l("To decide"), "wait", "plan"),
    PlanStatus.OFFERED: Label(_l("Offered"), "wait", "clock"),
    PlanStatus.ACTIVE: Label(_l("Running"), "good", "plan"),
    PlanStatus.PAUSED: Label(_l("Paused"), "info", "pause"),
    PlanStatus.IN_DEFAULT: Label(_l("In default"), "late"),
    PlanStatus.COMPLETED: Label(_l("Paid"), "good"),
    PlanStatus.CANCELLED: Label(_l("Ended"), "neutral", "stop"),
    PlanStatus.DECLINED: Label(_l("Declined"), "neutral", "stop"),
    PlanStatus.EXPIRED: Label(_l("Expired"), "neutral", "clock"),
    InstalmentState.COMING: Label(_l("To come"), "neutral", "calendar"),
    InstalmentState.DUE: Label(_l("Due"), "wait"),
    InstalmentState.UNDER_WAY: Label(_l("On its way"), "wait", "repeat"),
    InstalmentState.LATE: Label(_l("Late"), "late"),
    InstalmentState.SETTLED: Label(_l("Paid"), "good"),
    InstalmentState.VOID: Label(_l("No longer"), "neutral", "stop"),
    Rhythm.MONTHLY: Label(_l("every month")),
    Rhythm.FORTNIGHTLY: Label(_l("every two weeks")),
    Rhythm.WEEKLY: Label(_l("every week")),
    DebtorKind.BUSINESS: Label(_l("Business")),
    DebtorKind.CONSUMER: Label(_l("Consumer")),
    ContactRole.OWNER: Label(_l("Owner")),
    ContactRole.MEMBER: Label(_l("Member")),
    LinkPurpose.REMINDER: Label(_l("Reminder")),
    LinkPurpose.REQUESTED: Label(_l("Asked for by the debtor")),
    LinkPurpose.STAFF: Label(_l("Sent by staff")),
    LinkPurpose.NOTICE: Label(_l("Notice")),
    LinkPurpose.INVITATION: Label(_l("Invitation")),
    Phase.POSTED: Label(_l("Posted"), "good"),
    Phase.PENDING: Label(_l("Pending"), "wait"),
    Phase.POST: Label(_l("Posted"), "good"),
    Phase.VOID: Label(_l("Void"), "neutral", "stop"),
    Account.RECEIVABLE: Label(_l("Receivable")),
    Account.CREDIT: Label(_l("Unapplied credit")),
    Account.SALES: Label(_l("Sales")),
    Account.STRIPE: Label(_l("Held by Stripe")),
    Account.GOCARDLESS: Label(_l("Held by GoCardless")),
    Account.BANK: Label(_l("Bank")),
    Account.ELSEWHERE: Label(_l("Settled elsewhere")),
    Account.FEES: Label(_l("Fees")),
    Account.WRITE_OFF: Label(_l("Write-off")),
    Account.INTEREST: Label(_l("Interest")),
    Account.LOSS: Label(_l("Loss on returned money")),
    Kind.ISSUE: Label(_l("Issued")),
    Kind.PAYMENT: Label(_l("Payment")),
    Kind.LATE_FAILURE: Label(_l("Late failure")),
    Kind.CHARGEBACK: Label(_l("Chargeback")),
    Kind.CHARGEBACK_WON: Label(_l("Chargeback won")),
    Kind.REFUND: Label(_l("Refund")),
    Kind.REFUND_FAILED: Label(_l("Refund failed")),
    Kind.RECEIPT: Label(_l("Receipt by hand")),
    Kind.RECEIPT_UNDONE: Label(_l("Receipt undone")),
    Kind.CREDIT_APPLIED: Label(_l("Credit applied")),
    Kind.CREDIT_RESTORED: Label(_l("Credit restored")),
    Kind.IMPORTED: Label(_l("Imported")),
    Kind.WRITE_OFF: Label(_l("Written off")),
    Kind.FEE: Label(_l("Fee")),
    Kind.PAYOUT: Label(_l("Payout")),
    Kind.PAYOUT_RETURNED: Label(_l("Payout returned")),
    Kind.ADJUSTMENT: Label(_l("Adjustment by the provider")),
    Kind.CORRECTION: Label(_l("Correction")),
}

ACTIONS: dict[str, Any] = {
    "correction.proposed": _l("Correction proposed"),
    "correction.done": _l("Correction approved and done"),
    "correction.declined": _l("Correction declined"),
    "payout.booked": _l("Payout booked"),
    "payout.returned": _l("Payout sent back by the bank"),
    "payout.paid_again": _l("Payout paid once more"),
    "debtor.added": _l("Debtor added"),
    "debtor.changed": _l("Debtor corrected"),
    "debtor.merged": _l("Two accounts made one"),
    "invoice.cancelled": _l("Invoice cancelled"),
    "invoice.settled_by_list": _l("Invoice settled: not in the complete list"),
    "debtor.reminders_paused": _l("Reminders paused"),
    "debtor.reminders_resumed": _l("Reminders resumed"),
    "debtor.autopay_on": _l("Autopay switched on"),
    "scenario.added": _l("Scenario added"),
    "scenario.changed": _l("Scenario changed"),
    "scenario.made_default": _l("Scenario made the default"),
    "scenario.retired": _l("Scenario retired"),
    "debtor.scenario_chosen": _l("Scenario chosen"),
    "invoice.debit_left_out": _l("Debit left out"),
    "invoice.debit_taken_back": _l("Debit taken back in"),
    "contact.digest_chosen": _l("Digest chosen"),
    "debtor.autopay_off": _l("Autopay switched off"),
    "debtor.automation_stopped": _l("Automation stopped"),
    "contact.added": _l("Contact added"),
    "contact.changed": _l("Contact changed"),
    "contact.tried_again": _l("Address tried again"),
    "contact.agreed": _l("Access of a contact agreed to"),
    "contact.removed": _l("Contact removed"),
    "contact.language_chosen": _l("Language chosen"),
    "link.sent": _l("Link sent"),
    "link.revoked": _l("Link revoked"),
    "session.verified": _l("Session verified by a code"),
    "session.code_wrong": _l("Wrong one-time code"),
    "invoice.entered": _l("Invoice entered"),
    "invoice.held": _l("Invoice put on hold"),
    "invoice.hold_resized": _l("Hold resized"),
    "invoice.lifted": _l("Hold lifted"),
    "document.original_attached": _l("Original document attached"),
    "import.done": _l("Import done"),
    "credit.applied": _l("Credit applied"),
    "message.left": _l("Uncertain message left as it is"),
    "message.sent_again": _l("Message sent again"),
    "reminders.asked": _l("Reminder run asked for"),
    "collections.asked": _l("Collection run asked for"),
    "outbox.replayed": _l("Outbox message replayed"),
    "outbox.abandoned": _l("Outbox message abandoned"),
    "webhook.replayed": _l("Webhook handled again"),
    "webhook.put_away": _l("Unreadable webhook put away"),
    "duty.asked": _l("Duty asked for"),
    "company.changed": _l("Company changed"),
    "company.added": _l("Company added"),
    "company.bank_changed": _l("Bank details changed"),
    "dispute.open": _l("Dispute opened"),
    "dispute.under_review": _l("Dispute under review"),
    "dispute.waiting": _l("Debtor asked about his dispute"),
    "dispute.accepted": _l("Dispute accepted"),
    "dispute.rejected": _l("Dispute rejected"),
    "dispute.withdrawn": _l("Dispute withdrawn"),
    "dispute.settled": _l("Dispute settled"),
    "payment.left_before_freeze": _l("Debit had left before its money was contested"),
    "payment.left_before_stop": _l("Debit had left before it could be stopped"),
    "dispute.said": _l("Word on a dispute"),
    "dispute.noted": _l("Note on a dispute"),
    "dispute.assigned": _l("Dispute assigned"),
    "dispute.reason": _l("Reason of a dispute changed"),
    "dispute.deadline": _l("Deadline of a dispute moved"),
    "dispute.escalated": _l("Answer to a dispute is late"),
    "dispute.released": _l("Money of a dispute owed again"),
    "dispute.reason_set": _l("Reason for disputes changed"),
    "dispute.policy_set": _l("Policy for disputes changed"),
    "reply.set": _l("Saved reply changed"),
    "dispute.credit_asked": _l("Credit asked for"),
    "dispute.credit_approved": _l("Credit approved"),
    "dispute.credit_declined": _l("Credit declined"),
    "attachment.kept": _l("File kept"),
    "attachment.set_aside": _l("File set aside"),
    "attachment.infected": _l("Virus found in a file"),
    "attachment.quarantined": _l("File set apart by the scanner"),
    "export.made": _l("Export made"),
    "staff.added": _l("Staff added"),
    "staff.changed": _l("Staff changed"),
    "staff.disabled": _l("Staff disabled"),
    "staff.enabled": _l("Staff enabled"),
    "staff.signed_in": _l("Signed in"),
    "staff.session_ended": _l("Session ended"),
    "staff.password_changed": _l("Password changed"),
    "staff.second_factor_set": _l("Second factor set up"),
    "staff.second_factor_reset": _l("Second factor reset"),
    "staff.link_refused": _l("Link for a password refused by the mail server"),
    "staff.password_link_sent": _l("Link for a password sent"),
    "staff.sign_in_failed": _l("Sign-in with a wrong password"),
    "staff.proof_failed": _l("Wrong password where it is asked for again"),
    "staff.code_failed": _l("Wrong code of the second factor"),
    "staff.recovery_code_used": _l("Recovery code used"),
    "promise.given": _l("Promise given"),
    "promise.expected": _l("Promise expected again"),
    "promise.kept": _l("Promise kept"),
    "promise.broken": _l("Promise broken"),
    "promise.cancelled": _l("Promise cancelled"),
    "promise.assigned": _l("Promise given to a colleague"),
    "promise.limits_changed": _l("Limits of promises changed"),
    "declaration.declared": _l("Transfer declared"),
    "declaration.matched": _l("Declared transfer matched"),
    "declaration.refused": _l("Declared transfer not found"),
    "declaration.expired": _l("Declared transfer expired"),
    "declaration.withdrawn": _l("Declared transfer taken back"),
    "declaration.reopened": _l("Declared transfer looked for again"),
    "declaration.assigned": _l("Declared transfer given to a colleague"),
    "declaration.terms_changed": _l("Terms of declared transfers changed"),
    "chargeback.open": _l("Payment contested by a bank"),
    "chargeback.answered": _l("Bank answered"),
    "chargeback.to_decide": _l("Contested money gone for good"),
    "chargeback.won": _l("Contested payment won"),
    "chargeback.owed": _l("Contested money owed again"),
    "chargeback.given_up": _l("Contested money given up"),
    "chargeback.settled": _l("Contested money settled otherwise"),
    "chargeback.noted": _l("Note on a contested payment"),
    "chargeback.give_up_asked": _l("A second person is asked to give contested money up"),
    "chargeback.assigned": _l("Contested payment given to a colleague"),
    "payment.created": _l("Payment begun"),
    "payment.submitted": _l("Payment with the provider"),
    "payment.action_needed": _l("Payment waits for the payer"),
    "payment.confirmed": _l("Payment confirmed"),
    "payment.settled": _l("Payment paid out"),
    "payment.failed": _l("Payment failed"),
    "payment.cancelled": _l("Payment cancelled"),
    "payment.expired": _l("Payment expired"),
    "payment.charged_back": _l("Payment charged back"),
    "payment.debited_twice": _l("Debited twice, says the bank"),
    "mandate.created": _l("Mandate begun"),
    "mandate.pending": _l("Mandate on its way to the bank"),
    "mandate.active": _l("Mandate active"),
    "mandate.suspended": _l("Mandate suspended"),
    "mandate.failed": _l("Mandate refused by the bank"),
    "mandate.cancelled": _l("Mandate cancelled"),
    "mandate.expired": _l("Mandate expired"),
    "mandate.blocked": _l("Mandate blocked"),
    "plan.proposed": _l("Plan proposed"),
    "plan.needs_person": _l("Plan waits for a decision"),
    "plan.offered": _l("Plan offered"),
    "plan.active": _l("Plan accepted or resumed"),
    "plan.paused": _l("Plan paused"),
    "plan.in_default": _l("Plan in default"),
    "plan.completed": _l("Plan paid"),
    "plan.cancelled": _l("Plan ended"),
    "plan.declined": _l("Plan declined"),
    "plan.expired": _l("Plan offer expired"),
    "plan.assigned": _l("Plan assigned"),
    "plan.rescheduled": _l("Plan got new days"),
    "plan.renewed": _l("Plan offer drawn up anew"),
    "plan_policy.set": _l("Plan policy changed"),
    "refund.asked": _l("Refund asked for"),
    "refund.approved": _l("Refund approved"),
    "refund.submitted": _l("Refund with the provider"),
    "refund.done": _l("Refund done"),
    "refund.failed": _l("Refund failed"),
    "refund.declined": _l("Refund declined"),
}
"""Acts of the audit trail in words; one that is not here is shown by its own name."""

SUBJECTS: dict[str, Any] = {
    "company": _l("Company"),
    "debtor": _l("Debtor"),
    "scenario": _l("Scenario"),
    "contact": _l("Contact"),
    "link": _l("Link"),
    "session": _l("Session"),
    "plan": _l("Plan"),
    "invoice": _l("Invoice"),
    "payment": _l("Payment"),
    "refund": _l("Refund"),
    "mandate": _l("Mandate"),
    "promise": _l("Promise"),
    "declaration": _l("Declared transfer"),
    "chargeback": _l("Contested payment"),
    "dispute": _l("Dispute"),
    "attachment": _l("File"),
    "message": _l("Message"),
    "import_run": _l("Imported file"),
    "export": _l("Exported file"),
    "staff": _l("Member of staff"),
    "inbox_event": _l("Event"),
    "outbox_message": _l("Outbox message"),
    "duty": _l("Duty"),
    "payout": _l("Payout"),
    "correction": _l("Correction"),
}
"""What an act was done to."""


def label(value: Enum) -> Label:
    """The label of a state or kind; raises KeyError for one that nobody has put in words."""
    return LABELS[value]


def word(value: Enum) -> str:
    return str(LABELS[value].word)


def act(action: str) -> str:
    """An act of the audit trail in words."""
    return str(ACTIONS.get(action, action))


def subject(kind: str) -> str:
    """What an act was done to, in words."""
    return str(SUBJECTS.get(kind, kind))


ACTORS: dict[str, Any] = {
    "policy": _l("The company’s rules"),
    "clock": _l("The clock"),
    "collections": _l("The collection run"),
    "plans": _l("The look at plans"),
    "promises": _l("The look at promises"),
    "declarations": _l("The look at declared transfers"),
    "disputes": _l("The look at disputes"),
    "chargebacks": _l("The look at contested payments"),
    "janitor": _l("The comparison with the provider"),
    "opening": _l("The opening of payment pages"),
    "scanner": _l("The virus scanner"),
    "mail": _l("The sending of mail"),
    "sign-in": _l("The sign-in page"),
    "handover": _l("The look at who is in charge"),
    "import": _l("The import of files"),
    "correction": _l("A correction"),
    "command": _l("The command line"),
    "command line": _l("The command line"),
    "demo": _l("The demo"),
    "stripe": "Stripe",
    "gocardless": "GoCardless",
}
"""Who acts when nobody does, by the name in the audit trail."""


def actor(name: str) -> str:
    """Who did it: a person by name, a part of Guichet in words."""
    return str(ACTORS.get(name, name))
