"""Following the provider: ask how a mandate stands, and take the steps that lead there."""

from __future__ import annotations

import uuid

from payments.gateways.base import MandateSeen
from payments.gateways.choose import debits
from payments.mandates import service
from payments.mandates.service import MandateFacts
from payments.models import Mandate
from payments.status import MandateStatus, mandate_way
from shared.kit import clock
from shared.kit.actors import Actor
from shared.kit.db import reading, retrying, transaction
from shared.kit.errors import Conflict, NotFound, Unavailable
from shared.kit.words import gettext as _

_ROUNDS = 6


def follow_mandate(
    mandate_id: uuid.UUID,
    *,
    by: Actor | None = None,
    request_reference: str | None = None,
    provider_reference: str | None = None,
    cause: str = "",
) -> MandateStatus:
    """Ask the provider about a mandate and take the steps that its answer calls for; gives the status then.

    Like `payments.follow.follow`: the step count guards against an older answer that comes later. Raises Unavailable
    when the provider does not answer, Conflict when its answer contradicts what we know.
    """
    for _round in range(_ROUNDS):
        with reading() as session:
            mandate = session.get(Mandate, mandate_id)
            if mandate is None:
                raise NotFound("mandate.missing", _("There is no such mandate."))
            steps = service.steps_of(session, mandate_id)
            known = mandate.provider_reference or provider_reference
            request = mandate.billing_request_reference or request_reference
        if known:
            seen = debits().look_mandate(known, request_reference=request)
        elif request:
            seen = debits().look_mandate_request(request)
        else:
            raise Unavailable("mandate.unasked", _("The provider has not been asked for this mandate yet."))
        actor = by or Actor.provider("gocardless")
        status = retrying(lambda s=seen, n=steps, a=actor: _take(mandate_id, s, n, a, cause))  # type: ignore[misc]
        if status is not None:
            return status
    raise Unavailable("mandate.restless", _("The mandate changes faster than it can be read. Please try again."))


def _take(mandate_id: uuid.UUID, seen: MandateSeen, steps: int, by: Actor, cause: str) -> MandateStatus | None:
    with transaction() as session:
        mandate = service.lock_mandate(session, mandate_id)
        if service.steps_of(session, mandate_id) != steps:
            return None
        mandate.asked_at = clock.now()
        if seen.our_id is not None and seen.our_id != mandate.id:
            raise Conflict("mandate.not_ours", _("The provider's object belongs to another mandate."))
        facts = _facts(seen)
        service.learn(mandate, facts)
        try:
            way = mandate_way(mandate.status, seen.status)
        except LookupError as error:
            raise Conflict(
                "mandate.no_way",
                _(
                    "What the provider shows of %(mandate)s cannot follow from what we know (%(detail)s).",
                    mandate=mandate.reference,
                    detail=error,
                ),
            ) from error
        for step in way:
            service.advance(session, mandate_id, step, by=by, facts=facts, cause=cause)
        return mandate.status


def _facts(seen: MandateSeen) -> MandateFacts:
    return MandateFacts(
        provider_reference=seen.provider_reference,
        billing_request_reference=seen.request_reference,
        scheme_reference=seen.scheme_reference,
        holder_name=seen.holder_name,
        bank_name=seen.bank_name,
        iban_ending=seen.iban_ending,
        iban_country=seen.iban_country,
        next_charge_on=seen.next_charge_on,
    )
