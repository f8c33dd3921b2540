"""A card payment: begin it, give it up, look how it stands. Short transaction, Stripe, short transaction."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from payments import service
from payments.cards.limits import smallest_minor, statement_suffix
from payments.follow import apply, follow
from payments.gateways.base import CheckoutWish, Declined, PaymentSeen, TryLater, Unknown
from payments.gateways.choose import cards
from payments.models import Means, Payment, Provider
from payments.service import Facts, PaymentDraft
from payments.status import GIVEN_UP, IN_FLIGHT, PaymentStatus
from payments.under_way import refuse_other, refuse_second, rivals
from shared.company.models import Company
from shared.debtors.models import Contact
from shared.debtors.service import lock_account
from shared.invoices.models import Invoice
from shared.kit import clock, outbox
from shared.kit.actors import Actor
from shared.kit.db import among, reading, retrying, transaction
from shared.kit.errors import Conflict, Invalid, NotFound, Refused
from shared.kit.money import Money, format_money
from shared.kit.words import current_language, ngettext, speaking
from shared.kit.words import gettext as _
from shared.ledger.rules import Part, total

PAGE_LIVES = timedelta(minutes=35)
"""How long a card page stays open; Stripe's shortest is 30 minutes from the moment when it gets the request."""

ANSWER_LATE = timedelta(minutes=4)
"""After so long a page can no longer be opened for its frozen `expires_at`."""

OPEN_JOB = "payments.cards.open"
"""Opens the page when the provider did not answer in time, or was not asked because too many asked."""

S = PaymentStatus


@dataclass(frozen=True, slots=True)
class NextStep:
    """Where to send the debtor. Without `url` the provider has not answered: say so, and let him press again."""

    payment_id: uuid.UUID
    url: str | None
    state: PaymentStatus
    reference: str = ""


def begin(
    *,
    debtor_id: uuid.UUID,
    contact_id: uuid.UUID | None,
    parts: Sequence[Part],
    attempt: str,
    language: str,
    success_url: str,
    cancel_url: str,
    by: Actor,
) -> NextStep:
    """Open the provider's page for a card payment of these parts of invoices.

    `attempt` is the id that the form carried: pressing twice finds the first payment. In the addresses `{payment_id}`
    and `{reference}` stand for the payment's own.

    1. Transaction: lock the debtor; an open page for the same parts is offered again; else hold the parts and write
       the payment with its frozen request.
    2. Outside: open the page under the payment's own key.
    3. Transaction: record the page.

    Raises Conflict("payment.under_way") with facts (payment_id, reference, means, minor, currency) when another payment
    holds this money, Conflict("ledger.not_available") when the amounts have changed, Invalid or Refused for amounts and
    means that this company does not take, Unavailable when no card can be taken at all. A provider that does not answer
    is no error: the step has no address, the payment stays, a job opens the page, and pressing again asks again under the
    same key.
    """
    gateway = cards()
    wanted = [part for part in parts if part.minor]

    def start() -> uuid.UUID:
        with transaction() as session:
            debtor = lock_account(session, debtor_id)
            known = _already(session, debtor_id, attempt, wanted)
            if known is not None:
                return known
            company = session.get_one(Company, debtor.company_id)
            _check(company, total(wanted), debtor.currency)
            draft = PaymentDraft(
                attempt=attempt, means=Means.CARD, provider=Provider.STRIPE, parts=wanted, contact_id=contact_id
            )
            payment = service.start(session, debtor, draft, by=by)
            places = {"{payment_id}": str(payment.id), "{reference}": payment.reference}
            contact = session.get(Contact, contact_id) if contact_id else None
            wish = CheckoutWish(
                payment_id=payment.id,
                reference=payment.reference,
                amount_minor=payment.amount_minor,
                currency=payment.currency,
                description=_description(session, company, wanted, language),
                statement_suffix=statement_suffix(company.trade_name, payment.reference),
                language=language,
                email=contact.email if contact else None,
                success_url=_filled(success_url, places),
                cancel_url=_filled(cancel_url, places),
                expires_at=clock.now() + PAGE_LIVES,
            )
            payment.request = gateway.freeze_checkout(wish)
            return payment.id

    return open_page(retrying(start), by=by)


def open_page(payment_id: uuid.UUID, *, by: Actor) -> NextStep:
    """Ask for the page of a payment that is written down, or give the one that is known.

    Safe at any time, any number of times: the request is frozen and so is its key.
    """
    with reading() as session:
        payment = session.get_one(Payment, payment_id)
        known = _next_step(payment)
        is_over = payment.checkout_expires_at is not None and payment.checkout_expires_at <= clock.now()
        frozen, key = payment.request, payment.idempotency_key
    if known.url is not None and is_over:
        follow(payment_id)
        return _shown(payment_id)
    if known.state is not S.CREATED:
        return known
    try:
        seen = cards().open_checkout(frozen, key=key)
    except Declined as refusal:
        return retrying(lambda no=refusal: _refused(payment_id, no, by))  # type: ignore[misc]
    except (TryLater, Unknown):
        retrying(lambda: _asked(payment_id))
        return _shown(payment_id)
    return retrying(lambda: _opened(payment_id, seen, by))


def abandon(payment_id: uuid.UUID, debtor_id: uuid.UUID, by: Actor) -> PaymentStatus:
    """Give up a card payment that is under way: close the provider's page, then free the money.

    When the debtor has paid on it meanwhile, the payment is confirmed instead. Raises NotFound for another's payment,
    Unavailable when the provider does not answer (then nothing is freed: the page may still be open).
    """
    with reading() as session:
        payment = _mine(session, payment_id, debtor_id)
        status, page = payment.status, payment.checkout_reference
    if status not in IN_FLIGHT:
        return status
    if page is None:
        step = open_page(payment_id, by=by)
        with reading() as session:
            page = session.get_one(Payment, payment_id).checkout_reference
        if page is None:
            if step.state in IN_FLIGHT:
                raise Unknown("payment.unknown", _("We are waiting for an answer of the payment service."))
            return step.state
    try:
        cards().expire_checkout(page)
    except Declined:
        return follow(payment_id)
    return retrying(lambda: _abandoned(payment_id, by))


def look(payment_id: uuid.UUID, debtor_id: uuid.UUID) -> PaymentStatus:
    """Ask the provider now how a debtor's payment stands (the page to which he returns: his browser is no witness).

    When the provider does not answer, our own state is given. Raises NotFound for another's payment.
    """
    with reading() as session:
        payment = _mine(session, payment_id, debtor_id)
        status, is_asked = payment.status, payment.checkout_reference or payment.provider_reference
    if status not in IN_FLIGHT or not is_asked or payment.provider is Provider.HAND:
        return status
    try:
        return follow(payment_id)
    except (TryLater, Unknown, Conflict):
        return status


def settle_unknown(payment_id: uuid.UUID) -> PaymentStatus:
    """The janitor's question about a page whose opening was never answered.

    1. The same request under the same key: the page that exists, or a new one, or a definite no (it comes too late for
       its own `expires_at`).
    2. When that stays unanswered (a 500 is kept under its key for a day), look for the page among those created since.
    3. When there is none and its time is over, nobody can ever have paid on it: expired.
    """
    by = Actor.system("janitor")
    step = open_page(payment_id, by=by)
    if step.state is not S.CREATED:
        return step.state
    with reading() as session:
        payment = session.get_one(Payment, payment_id)
        created_at = payment.created_at
    margin = timedelta(minutes=5)
    page = cards().find_checkout(
        payment_id, created_from=created_at - margin, created_until=created_at + PAGE_LIVES + margin
    )
    if page is not None:
        return follow(payment_id, by=by, checkout_reference=page)
    if clock.now() < created_at + PAGE_LIVES + margin:
        return S.CREATED
    return retrying(lambda: _advance(payment_id, S.EXPIRED, by, cause="never opened"))


def _already(session: Session, debtor_id: uuid.UUID, attempt: str, parts: Sequence[Part]) -> uuid.UUID | None:
    """The payment of this attempt, or the open page for the very same parts; Conflict when other money is in the way."""
    same = session.scalar(select(Payment).where(Payment.attempt == attempt))
    if same is not None:
        if same.debtor_id != debtor_id:
            raise Conflict("payment.attempt_taken", _("This attempt belongs to another payment."))
        refuse_other(same, Means.CARD)
        return same.id
    found = rivals(session, debtor_id=debtor_id, parts=parts)
    wanted = {part.invoice_id: part.minor for part in parts}
    for rival in found:
        held = {part.invoice_id: part.minor for part in service.allocations(session, rival.id)}
        is_open = rival.checkout_expires_at is None or rival.checkout_expires_at > clock.now()
        if rival.means is Means.CARD and is_open and held == wanted:
            return rival.id
    refuse_second(session, found=found, parts=parts)
    return None


def _check(company: Company, minor: int, currency: str) -> None:
    if not company.takes_cards:
        raise Refused("cards.off", _("This company does not take cards."))
    least = smallest_minor(currency)
    if minor < least:
        raise Invalid("cards.too_small", _("The smallest card payment is %(amount)s.", amount=_amount(least, currency)))
    if company.card_maximum_minor is not None and minor > company.card_maximum_minor:
        limit = _amount(company.card_maximum_minor, currency)
        raise Refused("cards.too_large", _("The largest card payment is %(amount)s.", amount=limit))


def _amount(minor: int, currency: str) -> str:
    return format_money(Money(minor, currency), current_language())


def _description(session: Session, company: Company, parts: Sequence[Part], language: str) -> str:
    """What the debtor reads on the provider's page and on his card statement: the company and the invoices."""
    ids = [part.invoice_id for part in parts]
    numbers = session.scalars(select(Invoice.number).where(among(Invoice.id, ids)).order_by(Invoice.due_on)).all()
    with speaking(language):
        if len(numbers) <= 3:
            what = ngettext("Invoice %(numbers)s", "Invoices %(numbers)s", len(numbers), numbers=", ".join(numbers))
        else:
            what = ngettext("%(n)s invoice", "%(n)s invoices", len(numbers))
    return f"{company.trade_name} – {what}"[:250]


def _filled(url: str, places: dict[str, str]) -> str:
    for place, value in places.items():
        url = url.replace(place, value).replace(place.replace("{", "%7B").replace("}", "%7D"), value)
    return url


def _mine(session: Session, payment_id: uuid.UUID, debtor_id: uuid.UUID) -> Payment:
    payment = session.get(Payment, payment_id)
    if payment is None or payment.debtor_id != debtor_id:
        raise NotFound("payment.missing", _("There is no such payment."))
    return payment


def _next_step(payment: Payment) -> NextStep:
    is_open = payment.status in IN_FLIGHT
    return NextStep(payment.id, payment.checkout_url if is_open else None, payment.status, payment.reference)


def _shown(payment_id: uuid.UUID) -> NextStep:
    with reading() as session:
        return _next_step(session.get_one(Payment, payment_id))


def _asked(payment_id: uuid.UUID) -> None:
    with transaction() as session:
        payment = service.lock_payment(session, payment_id)
        payment.asked_at = clock.now()
        if payment.status is S.CREATED:
            outbox.enqueue(session, OPEN_JOB, {"payment_id": str(payment_id)}, dedupe_key=str(payment_id))


def _opened(payment_id: uuid.UUID, seen: PaymentSeen, by: Actor) -> NextStep:
    with transaction() as session:
        payment = service.lock_payment(session, payment_id)
        if payment.status is S.CREATED:
            apply(session, payment, seen, by=by)
        return _next_step(payment)


def _refused(payment_id: uuid.UUID, refusal: Declined, by: Actor) -> NextStep:
    with transaction() as session:
        payment = service.lock_payment(session, payment_id)
        if payment.status is S.CREATED:
            # A repetition that is refused because it comes too late proves that there never was a page.
            is_late = clock.now() > payment.created_at + ANSWER_LATE
            facts = Facts(failure_code=refusal.code[:64], failure_reason=refusal.message)
            service.advance(session, payment_id, S.EXPIRED if is_late else S.FAILED, by=by, facts=facts)
        return _next_step(payment)


def _abandoned(payment_id: uuid.UUID, by: Actor) -> PaymentStatus:
    with transaction() as session:
        payment = service.lock_payment(session, payment_id)
        if payment.status not in GIVEN_UP:
            service.advance(session, payment_id, S.CANCELLED, by=by)
        return payment.status


def _advance(payment_id: uuid.UUID, to: PaymentStatus, by: Actor, *, cause: str) -> PaymentStatus:
    with transaction() as session:
        payment: Any = service.lock_payment(session, payment_id)
        if payment.status is S.CREATED:
            service.advance(session, payment_id, to, by=by, cause=cause)
        return PaymentStatus(payment.status)
