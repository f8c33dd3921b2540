"""A mandate: ask for it on the provider's page, look how it stands, end it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from payments.gateways.base import Declined, MandateWish, TryLater, Unknown
from payments.gateways.choose import debits
from payments.mandates import service
from payments.mandates.follow import follow_mandate
from payments.mandates.service import MandateFacts
from payments.models import Mandate
from payments.status import MANDATE_ENDS, MandateStatus
from shared.company.models import Company
from shared.debtors.models import Contact, Debtor, DebtorKind
from shared.debtors.service import lock_account
from shared.kit import clock, ids, outbox
from shared.kit.actors import Actor
from shared.kit.db import reading, retrying, transaction
from shared.kit.errors import Conflict, NotFound, Refused
from shared.kit.words import gettext as _
from shared.kit.words import speaking

OPEN_JOB = "payments.mandates.open"
"""Opens the page when the provider did not answer in time, or was not asked because too many asked."""

M = MandateStatus


@dataclass(frozen=True, slots=True)
class NextStep:
    """Where to send the debtor. Without `url` the provider has not answered: say so, and let him press again."""

    mandate_id: uuid.UUID
    url: str | None
    state: MandateStatus
    reference: str = ""


def begin(
    *,
    debtor_id: uuid.UUID,
    contact_id: uuid.UUID | None,
    attempt: str,
    language: str,
    return_url: str,
    exit_url: str,
    evidence: dict[str, Any],
    by: Actor,
) -> NextStep:
    """Open the provider's page on which a debtor gives a SEPA mandate.

    `attempt` is the id that the form carried; a second tab is led to the page that is open already. In the addresses
    `{mandate_id}` and `{reference}` stand for the mandate's own. `evidence` is the proof of consent (time, address,
    version of the text). Raises Refused when this company takes no debits, Unavailable when none can be taken at all.
    A provider that does not answer is no error: the step has no address, and pressing again asks again.
    """
    gateway = debits()

    def start() -> uuid.UUID:
        with transaction() as session:
            debtor = lock_account(session, debtor_id)
            known = _already(session, debtor_id, attempt)
            if known is not None:
                return known
            company = session.get_one(Company, debtor.company_id)
            if not company.takes_debits or debtor.currency != "EUR":
                raise Refused("debits.off", _("Direct debit is not offered here."))
            identity = ids.new_id()
            mandate = Mandate(
                id=identity,
                company_id=company.id,
                debtor_id=debtor.id,
                contact_id=contact_id,
                reference=ids.reference("MDT", identity),
                attempt=attempt,
                status=M.CREATED,
                idempotency_key=f"mandate-{identity}",
                evidence=evidence | {"asked_at": clock.now().isoformat()},
                created_at=clock.now(),
            )
            contact = session.get(Contact, contact_id) if contact_id else None
            wish = _wish(mandate, company, debtor, contact, language, urls=(return_url, exit_url))
            mandate.request = gateway.freeze_mandate(wish)
            session.add(mandate)
            session.flush()
            service.record_start(session, mandate, by=by)
            return identity

    return open_page(retrying(start))


def open_page(mandate_id: uuid.UUID) -> NextStep:
    """Ask for the page of a mandate that is written down, or give the one that is known and still lives.

    Safe at any time, any number of times: the billing request has its frozen key, and a second link to it is harmless.
    """
    with reading() as session:
        mandate = session.get_one(Mandate, mandate_id)
        if mandate.status is not M.CREATED or _lives(mandate):
            return _next_step(mandate)
        frozen, key, request = mandate.request, mandate.idempotency_key, mandate.billing_request_reference
    try:
        if request is None:
            request = debits().ask_mandate(frozen, key=key)
            asked = MandateFacts(billing_request_reference=request)
            retrying(lambda: _learn(mandate_id, asked))
        url, expires_at = debits().open_flow(frozen, request_reference=request)
    except Declined as refusal:
        return _after_refusal(mandate_id, refusal)
    except (TryLater, Unknown):
        return retrying(lambda: _leave_to_job(mandate_id))
    opened = MandateFacts(billing_request_reference=request, flow_url=url, flow_expires_at=expires_at)
    return retrying(lambda: _learn(mandate_id, opened))


def look(mandate_id: uuid.UUID, debtor_id: uuid.UUID) -> MandateStatus:
    """Ask the provider now how a debtor's mandate stands (the page to which he returns).

    When the provider does not answer, our own state is given. Raises NotFound for another's mandate.
    """
    with reading() as session:
        mandate = _mine(session, mandate_id, debtor_id)
        status, is_asked = mandate.status, mandate.billing_request_reference or mandate.provider_reference
    if not is_asked:
        return status
    try:
        return follow_mandate(mandate_id)
    except (TryLater, Unknown, Conflict):
        return status


def cancel(mandate_id: uuid.UUID, debtor_id: uuid.UUID, by: Actor) -> MandateStatus:
    """End a debtor's mandate, or its request; debits that have not left yet end with it.

    Raises NotFound for another's mandate, Unavailable when the provider does not answer (the mandate may live on).
    """
    with reading() as session:
        mandate = _mine(session, mandate_id, debtor_id)
        status = mandate.status
        known, request = mandate.provider_reference, mandate.billing_request_reference
    if status in MANDATE_ENDS:
        return status
    if known is None and request is None:
        # Its request may or may not have reached the provider; nobody has the address of its page.
        return retrying(lambda: _end(mandate_id, by))
    try:
        if known is not None:
            debits().cancel_mandate(known)
        elif request is not None:
            debits().cancel_mandate_request(request)
    except Declined:
        return follow_mandate(mandate_id, by=by)
    return follow_mandate(mandate_id, by=by, cause="cancelled by the debtor" if by.kind == "contact" else "cancelled")


def _wish(
    mandate: Mandate,
    company: Company,
    debtor: Debtor,
    contact: Contact | None,
    language: str,
    *,
    urls: tuple[str, str],
) -> MandateWish:
    places = {"{mandate_id}": str(mandate.id), "{reference}": mandate.reference}
    is_business = debtor.kind is DebtorKind.BUSINESS
    given, _space, family = (contact.name if contact else debtor.name).rpartition(" ")
    with speaking(language):
        description = _("Invoices of %(company)s", company=company.trade_name)
    return MandateWish(
        mandate_id=mandate.id,
        reference=mandate.reference,
        description=description,
        company_name=debtor.name if is_business else None,
        given_name=None if is_business else given,
        family_name=None if is_business else family,
        email=contact.email if contact else None,
        street=debtor.street,
        postcode=debtor.postcode,
        city=debtor.city,
        country=debtor.country,
        language=language,
        return_url=_filled(urls[0], places),
        exit_url=_filled(urls[1], places),
    )


def _filled(url: str, places: dict[str, str]) -> str:
    for place, value in places.items():
        url = url.replace(place, value).replace(place.replace("{", "%7B").replace("}", "%7D"), value)
    return url


def _already(session: Session, debtor_id: uuid.UUID, attempt: str) -> uuid.UUID | None:
    same = session.scalar(select(Mandate).where(Mandate.attempt == attempt))
    if same is not None:
        if same.debtor_id != debtor_id:
            raise Conflict("mandate.attempt_taken", _("This attempt belongs to another mandate."))
        return same.id
    waiting = session.scalars(
        select(Mandate).where(Mandate.debtor_id == debtor_id, Mandate.status == M.CREATED).order_by(Mandate.id.desc())
    )
    return next((mandate.id for mandate in waiting if _lives(mandate)), None)


def _lives(mandate: Mandate) -> bool:
    return mandate.flow_expires_at is not None and mandate.flow_expires_at > clock.now()


def _next_step(mandate: Mandate) -> NextStep:
    is_open = mandate.status is M.CREATED
    return NextStep(mandate.id, mandate.flow_url if is_open else None, mandate.status, mandate.reference)


def _mine(session: Session, mandate_id: uuid.UUID, debtor_id: uuid.UUID) -> Mandate:
    mandate = session.get(Mandate, mandate_id)
    if mandate is None or mandate.debtor_id != debtor_id:
        raise NotFound("mandate.missing", _("There is no such mandate."))
    return mandate


def _leave_to_job(mandate_id: uuid.UUID) -> NextStep:
    with transaction() as session:
        mandate = session.get_one(Mandate, mandate_id)
        if mandate.status is M.CREATED:
            # A page that has run out is opened anew: once for each.
            key = f"{mandate_id}:{mandate.flow_expires_at.isoformat() if mandate.flow_expires_at else ''}"
            outbox.enqueue(session, OPEN_JOB, {"mandate_id": str(mandate_id)}, dedupe_key=key)
        return _next_step(mandate)


def _learn(mandate_id: uuid.UUID, facts: MandateFacts) -> NextStep:
    with transaction() as session:
        mandate = service.lock_mandate(session, mandate_id)
        service.learn(mandate, facts)
        mandate.asked_at = clock.now()
        return _next_step(mandate)


def _after_refusal(mandate_id: uuid.UUID, refusal: Declined) -> NextStep:
    """The request may have been fulfilled or cancelled meanwhile: look; a request that never was is a failed mandate."""
    with reading() as session:
        is_asked = session.get_one(Mandate, mandate_id).billing_request_reference is not None
    if is_asked:
        follow_mandate(mandate_id)
    else:
        retrying(lambda: _fail(mandate_id, refusal))
    with reading() as session:
        return _next_step(session.get_one(Mandate, mandate_id))


def _fail(mandate_id: uuid.UUID, refusal: Declined) -> None:
    with transaction() as session:
        mandate = service.lock_mandate(session, mandate_id)
        if mandate.status is M.CREATED:
            cause = f"{refusal.code}: {refusal.message}"
            service.advance(session, mandate_id, M.FAILED, by=Actor.provider("gocardless"), cause=cause)


def _end(mandate_id: uuid.UUID, by: Actor) -> MandateStatus:
    with transaction() as session:
        service.advance(session, mandate_id, M.CANCELLED, by=by)
        return M.CANCELLED
