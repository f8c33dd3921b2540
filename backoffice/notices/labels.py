"""What happened, in words for staff."""

from __future__ import annotations

from typing import Any

from backoffice.notices.models import Delivery, NoticeGroup, Scope
from shared.kit.words import lazy_gettext as _l

GROUPS: dict[NoticeGroup, Any] = {
    NoticeGroup.DISPUTES: _l("Disputes"),
    NoticeGroup.PLANS: _l("Payment plans"),
    NoticeGroup.PROMISES: _l("Promises"),
    NoticeGroup.DECLARATIONS: _l("Declared payments"),
    NoticeGroup.PAYMENTS: _l("Money that goes back"),
}

DELIVERIES: dict[Delivery, Any] = {
    Delivery.IMMEDIATE: _l("A mail at once"),
    Delivery.DAILY: _l("One mail each working morning"),
    Delivery.NONE: _l("No mail, only in the list"),
}

SCOPES: dict[Scope, Any] = {
    Scope.MINE: _l("Mine, and what nobody has taken yet"),
    Scope.ALL: _l("Everybody's"),
}

ICONS: dict[NoticeGroup, str] = {
    NoticeGroup.DISPUTES: "flag",
    NoticeGroup.PLANS: "plan",
    NoticeGroup.PROMISES: "calendar",
    NoticeGroup.DECLARATIONS: "transfer",
    NoticeGroup.PAYMENTS: "bank",
}

_SENTENCES: dict[str, Any] = {
    "dispute.raised": _l("%(debtor)s disputes an invoice"),
    "dispute.said": _l("%(debtor)s wrote to you about a dispute"),
    "dispute.resolved": _l("A dispute of %(debtor)s is resolved"),
    "dispute.reopened": _l("%(debtor)s reopened a dispute"),
    "dispute.withdrawn": _l("%(debtor)s withdrew a dispute"),
    "dispute.overdue": _l("A dispute of %(debtor)s has passed its deadline"),
    "dispute.assigned": _l("A dispute of %(debtor)s is yours now"),
    "dispute.file_refused": _l("A file in a dispute of %(debtor)s did not pass the virus scanner"),
    "plan.asked": _l("%(debtor)s asks for a payment plan: please decide"),
    "plan.accepted": _l("%(debtor)s accepted a payment plan"),
    "plan.declined": _l("A payment plan of %(debtor)s was declined"),
    "plan.offered": _l("%(debtor)s was offered a payment plan"),
    "plan.missed": _l("%(debtor)s missed an instalment"),
    "plan.defaulted": _l("The payment plan of %(debtor)s is in default"),
    "plan.resumed": _l("The payment plan of %(debtor)s goes on"),
    "plan.completed": _l("%(debtor)s has paid the whole plan"),
    "plan.cancelled": _l("The payment plan of %(debtor)s is cancelled"),
    "promise.made": _l("%(debtor)s promised to pay"),
    "promise.changed": _l("%(debtor)s changed a promise"),
    "promise.kept": _l("%(debtor)s kept a promise"),
    "promise.broken": _l("%(debtor)s broke a promise"),
    "promise.cancelled": _l("%(debtor)s cancelled a promise"),
    "declaration.made": _l("%(debtor)s says that an invoice is paid"),
    "declaration.matched": _l("A payment that %(debtor)s declared has been found"),
    "declaration.refused": _l("A payment that %(debtor)s declared was not found"),
    "declaration.expired": _l("A payment that %(debtor)s declared did not arrive in time"),
    "declaration.file_refused": _l("A proof that %(debtor)s sent did not pass the virus scanner"),
    "chargeback.opened": _l("A bank contests a payment of %(debtor)s: what it had settled is frozen"),
    "chargeback.due": _l("A contested payment of %(debtor)s comes near its deadline"),
    "chargeback.won": _l("A contested payment of %(debtor)s is won: it counts again"),
    "chargeback.lost": _l("A contested payment of %(debtor)s is lost: please decide what becomes of the debt"),
    "chargeback.give_up_asked": _l(
        "A colleague wants to give up what a bank gave back to %(debtor)s: please agree or not"
    ),
    "invoice.cancel_asked": _l("A colleague wants to take an invoice of %(debtor)s off: please agree or not"),
    "payment.went_back": _l("The bank took a payment of %(debtor)s back"),
    "payment.lost": _l("The bank took more of a payment of %(debtor)s back than was left of it: the rest is a loss"),
    "payment.debited_twice": _l("A bank says that %(debtor)s was debited twice: please look at once"),
    "payment.holder_deceased": _l(
        "The bank of %(debtor)s says that the account holder has died: everything is stopped"
    ),
    "payment.needs_details": _l("The account of %(debtor)s takes no more debits: new details are needed"),
    "payment.needs_proof": _l("The bank of %(debtor)s knows no valid mandate: a new one is needed"),
    "payment.blocked_at_bank": _l("The bank of %(debtor)s blocks our debits: the debtor must let them through"),
    "payment.not_processed": _l("The banks could not process a debit of %(debtor)s"),
    "payment.asked_about": _l("A bank asks about a card payment of %(debtor)s: please answer it at the provider"),
    "payment.refund_waits": _l("A refund to %(debtor)s waits for a second person"),
    "payment.refund_failed": _l("A refund to %(debtor)s was not made: the payment counts as before"),
    "mandate.lost": _l("A mandate of %(debtor)s has ended"),
    "mandate.suspended": _l("A mandate of %(debtor)s is suspended at the bank: nothing is debited under it for now"),
    "debit.withdrawn": _l("A debit that was announced to %(debtor)s does not take place"),
    "debit.left": _l("A debit of %(debtor)s was to be stopped, and had left for the bank"),
    "debit.unannounced": _l("A debit of %(debtor)s was not made: its notice did not leave"),
    "debit.given_up": _l("A debit of %(debtor)s was refused again and again before a bank was asked: please look"),
}
_BY_STAFF: dict[str, Any] = {
    "dispute.said": _l("A colleague wrote to %(debtor)s about your dispute"),
    "dispute.raised": _l("A colleague entered a dispute of %(debtor)s for you"),
}


def sentence(topic: str, debtor: str, *, by: str = "contact") -> str:
    """What happened, in the language of the moment."""
    words = _BY_STAFF.get(topic, _SENTENCES[topic]) if by == "staff" else _SENTENCES[topic]
    return str(words % {"debtor": debtor})
