"""What staff hear of money that does not come or goes back, published in the commit that learns it.

Cases of contested payments tell of themselves (`payments.chargebacks`); here is the rest: late failures, losses, what the
bank's reason asks of a person. The topics carry what `backoffice.notices` reads.
"""

from __future__ import annotations

from sqlalchemy.orm import Session

from payments import service as payments
from payments.models import Means, Payment
from payments.reasons import Advice, policy_of
from payments.service import Taken
from payments.status import COLLECTED, GIVEN_UP, PaymentStatus
from shared.debtors import affairs
from shared.kit.actors import Actor
from shared.ledger import service as ledger

TOPICS: dict[Advice, str] = {
    Advice.NEW_DETAILS: "payment.needs_details",
    Advice.PROOF: "payment.needs_proof",
    Advice.UNBLOCK: "payment.blocked_at_bank",
    Advice.MENDING: "payment.not_processed",
    Advice.TWICE: "payment.debited_twice",
    Advice.DECEASED: "payment.holder_deceased",
}
"""What staff hear by what a person should do. A contested one is a case and tells of itself."""


def see(session: Session, taken: Taken) -> None:
    """A payment has taken a step: tell staff what is theirs to know of it."""
    payment = taken.payment
    went_back = taken.before in COLLECTED and payment.status in GIVEN_UP | {PaymentStatus.CHARGED_BACK}
    policy = policy_of(payment.failure_code)
    if payment.means is Means.DEBIT and payment.status in (PaymentStatus.FAILED, PaymentStatus.CHARGED_BACK):
        topic = TOPICS.get(policy.advice)
        if topic is not None:
            publish(session, payment, topic, by=taken.by, step=taken.step)
    if went_back and payment.status is PaymentStatus.FAILED and not policy.is_contested:
        publish(session, payment, "payment.went_back", by=taken.by, step=taken.step)
    if went_back:
        session.flush()
        if ledger.loss_of(session, payment.id) > 0:
            publish(session, payment, "payment.lost", by=taken.by, step=taken.step)


def publish(session: Session, payment: Payment, topic: str, *, by: Actor, step: int | str) -> None:
    """Tell staff of a payment; once for each step."""
    affairs.publish(session, payment, topic, by=by, staff=None, dedupe_key=f"{payment.id}:{step}")


payments.with_each_step(see)
