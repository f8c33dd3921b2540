"""Taking down a promise for a debtor: the form, what it would do, and the act."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, timedelta

from flask import Response, flash, request
from flask.typing import ResponseReturnValue

from backoffice import choosing
from backoffice.access.member import Member
from backoffice.matching import get_debtor
from backoffice.promises.forms import PromiseForm
from shared.debtors.models import Debtor
from shared.kit.db import reading, transaction
from shared.kit.errors import Conflict, Invalid, Refused
from shared.kit.money import Money
from shared.kit.templating import day, money
from shared.kit.words import gettext as _
from shared.ledger.rules import Part
from shared.promises import queries as promises
from shared.promises import rules, service
from shared.promises.queries import Promisable, PromiseLine
from shared.promises.service import PromiseDraft
from shared.web.pages import page, see_other

USUAL_DAYS = 7


@dataclass(frozen=True, slots=True)
class Offer:
    """What a debtor may promise."""

    debtor: Debtor
    rows: list[Promisable]
    limits: rules.Limits
    record: promises.Record
    today: date
    before: PromiseLine | None
    before_parts: frozenset[uuid.UUID]

    @property
    def last_on(self) -> date:
        return rules.last_day(self.limits, self.before.counted_from if self.before else self.today)


def offer(member: Member, debtor_id: uuid.UUID, before: PromiseLine | None = None) -> Offer:
    """What this debtor may promise; `before` is the promise to be changed. Raises NotFound for anybody else's debtor."""
    with reading() as session:
        debtor = get_debtor(session, member.company_id, debtor_id)
        parts = promises.parts_of(session, before.id) if before else []
        return Offer(
            debtor=debtor,
            rows=promises.promisable(session, debtor_id, but=before.id if before else None),
            limits=promises.limits_of(session, member.company_id),
            record=promises.record_of(session, debtor_id, today=member.today),
            today=member.today,
            before=before,
            before_parts=frozenset(part.invoice_id for part in parts),
        )


def answer(member: Member, given: Offer) -> ResponseReturnValue:
    """The empty form, or what became of a filled one."""
    if request.method == "GET":
        suggested = min(given.last_on, given.today + timedelta(days=USUAL_DAYS))
        form = PromiseForm(formdata=None, attempt=str(uuid.uuid4()), promised_on=suggested)
        return _page(given, form, set(given.before_parts) or choosing.at_first(given.rows, given.today))
    form = PromiseForm()
    form.amount.currency = given.debtor.currency
    form.promised_on.today = given.today
    form.process(request.form)
    chosen = choosing.chosen()
    if not form.validate():
        return _page(given, form, chosen, status=422)
    parts, left = choosing.spread(given.rows, chosen, form.amount.data)
    if not parts or left or (form.amount.data is not None and form.amount.data.minor <= 0):
        most = money(Money(sum(row.amount.minor for row in given.rows if row.id in chosen), given.debtor.currency))
        form.amount.errors = [_("At most %(amount)s is open on what you ticked.", amount=most)]
        return _page(given, form, chosen, status=422)
    return _take(member, given, form, chosen, parts)


def _take(
    member: Member, given: Offer, form: PromiseForm, chosen: set[uuid.UUID], parts: list[Part]
) -> ResponseReturnValue:
    draft = PromiseDraft(
        attempt=f"desk:{given.debtor.id}:{form.attempt.data}"[:120],
        parts=parts,
        promised_on=form.promised_on.data,
        note=form.note.data or "",
    )
    try:
        with transaction() as session:
            if given.before is None:
                made = service.give(session, debtor_id=given.debtor.id, draft=draft, by=member.as_actor())
            else:
                made = service.change(session, promise_id=given.before.id, draft=draft, by=member.as_actor())
    except (Refused, Conflict, Invalid) as error:
        form.promised_on.errors = [error.message]
        return _page(given, form, chosen, status=409 if isinstance(error, Conflict) else 422)
    flash(_("Taken down. No reminder and no debit for it until %(day)s.", day=day(made.until_on)), "good")
    return see_other("backoffice.promises.show", promise_id=made.id)


def _page(given: Offer, form: PromiseForm, chosen: set[uuid.UUID], *, status: int = 200) -> Response:
    return page("backoffice/promises/new.html", status=status, given=given, form=form, chosen=chosen)
