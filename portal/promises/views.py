"""When I will pay: say it, see what it does, change it, take it back."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from flask import Response, flash, request, url_for
from flask.typing import ResponseReturnValue

from payments.collections.queries import announced_days, withdrawn
from portal import choice
from portal.promises.forms import PromiseForm
from portal.promises.labels import words
from shared.access.queries import Visitor
from shared.invoices import selections
from shared.kit.db import reading, transaction
from shared.kit.errors import Conflict, DomainError, Invalid, NotFound, Refused
from shared.kit.money import Money
from shared.kit.templating import day, money
from shared.kit.words import gettext as _
from shared.ledger.rules import Part, total
from shared.promises import queries, rules, service
from shared.promises.queries import PromiseLine
from shared.promises.service import PromiseDraft
from shared.web.pages import page, see_other

USUAL_DAYS = 7


@dataclass(frozen=True, slots=True)
class Offer:
    """What may be promised: these invoices, up to this day."""

    rows: list[queries.Promisable]
    limits: rules.Limits
    today: date
    last_on: date
    obstacle: str = ""
    """Why nothing can be promised now."""
    before: PromiseLine | None = None
    """The promise that is to be changed."""
    wanted: list[uuid.UUID] = field(default_factory=list)
    """The invoices that the address or the form names."""

    def pick(self, chosen: set[uuid.UUID], currency: str) -> choice.Picked:
        """What is chosen, as the form shows it."""
        subject = self.before.id if self.before else None
        change_url = url_for("portal.choose.show", purpose="promise", subject=subject)
        return choice.pick(self.rows, chosen, self.today, currency, change_url=change_url)


def list_(visitor: Visitor) -> Response:
    """What I promised, and what became of it."""
    with reading() as session:
        lines = queries.promises_of(session, visitor.debtor_id)
    return page("portal/promises/list.html", lines=[(line, words(line, visitor.today)) for line in lines])


def new(visitor: Visitor) -> ResponseReturnValue:
    """Choose invoices, an amount and a day."""
    offer = _offer(visitor)
    if choice.is_to_be_picked(offer.rows, offer.wanted) and not offer.obstacle:
        return see_other("portal.choose.show", purpose="promise")
    return _empty_form(visitor, offer)


def _offer(visitor: Visitor, promise_id: uuid.UUID | None = None) -> Offer:
    today = visitor.today
    with reading() as session:
        before = queries.get_promise(session, visitor.debtor_id, promise_id) if promise_id else None
        limits = queries.limits_of(session, visitor.company_id)
        counted_from = before.counted_from if before else today
        last_on = rules.last_day(limits, counted_from)
        objection = rules.object_to(
            limits,
            queries.given_by(session, visitor.debtor_id, today=today, but=promise_id),
            promised_on=min(today, last_on),
            counted_from=counted_from,
            today=min(today, last_on),
            is_change=before is not None,
            by_staff=False,
        )
        return Offer(
            rows=queries.promisable(session, visitor.debtor_id, but=promise_id),
            limits=limits,
            today=today,
            last_on=last_on,
            obstacle=service.explain(objection, limits, counted_from) if objection else "",
            before=before,
            wanted=choice.asked_for(session, visitor.debtor_id),
        )


def _empty_form(visitor: Visitor, offer: Offer) -> Response:
    suggested = min(offer.last_on, offer.today + timedelta(days=USUAL_DAYS))
    form = PromiseForm(formdata=None, attempt=str(uuid.uuid4()), promised_on=suggested)
    chosen = choice.chosen_at_first(offer.rows, offer.wanted, offer.today)
    return _form(visitor, offer, form, chosen)


def _form(
    visitor: Visitor,
    offer: Offer,
    form: PromiseForm,
    chosen: set[uuid.UUID],
    *,
    status: int = 200,
    refusal: str = "",
    preview: str = "",
) -> Response:
    return page(
        "portal/promises/new.html",
        status=status,
        offer=offer,
        form=form,
        picked=offer.pick(chosen, visitor.currency),
        refusal=refusal,
        preview=preview,
    )


def give(visitor: Visitor) -> ResponseReturnValue:
    """See what the promise does, or give it."""
    return _take(visitor, None)


def show(visitor: Visitor, promise_id: uuid.UUID) -> Response:
    """One promise and its invoices."""
    with reading() as session:
        line = queries.get_promise(session, visitor.debtor_id, promise_id)
        parts = queries.parts_of(session, promise_id)
        ids = [part.invoice_id for part in parts]
        since = datetime.combine(
            line.counted_from, time.min, ZoneInfo(visitor.company.zone)
        )  # of the first, if changed
        stopped = withdrawn(session, ids, since=since) if line.is_live else None
    return page(
        "portal/promises/show.html",
        line=line,
        parts=parts,
        said=words(line, visitor.today),
        withdrawn=stopped,
    )


def edit(visitor: Visitor, promise_id: uuid.UUID) -> ResponseReturnValue:
    """Choose otherwise."""
    offer = _offer(visitor, promise_id)
    if offer.before is None or not offer.before.is_live:
        return see_other("portal.promises.show", promise_id=promise_id)
    if offer.last_on < offer.today:
        flash(_("The last possible day is past: this promise can no longer be changed."), "info")
        return see_other("portal.promises.show", promise_id=promise_id)
    with reading() as session:
        parts = queries.parts_of(session, promise_id)
    if choice.is_to_be_picked(offer.rows, offer.wanted):
        if offer.wanted:  # what was chosen can be promised no more
            return see_other("portal.choose.show", purpose="promise", subject=promise_id)
        return _pick_anew(visitor, promise_id, [part.invoice_id for part in parts])
    form = PromiseForm(
        formdata=None,
        attempt=str(uuid.uuid4()),
        promised_on=max(offer.before.promised_on, offer.today),
        amount=offer.before.missing,
    )
    return _form(visitor, offer, form, set(offer.wanted) or {part.invoice_id for part in parts})


def _pick_anew(visitor: Visitor, promise_id: uuid.UUID, before: list[uuid.UUID]) -> ResponseReturnValue:
    """On a large account a change begins with what was promised, kept as a choice."""
    with transaction() as session:
        selection_id = selections.keep(session, visitor.debtor_id, before)
    return see_other("portal.promises.edit", promise_id=promise_id, selection=selection_id)


def change(visitor: Visitor, promise_id: uuid.UUID) -> ResponseReturnValue:
    """See what the other promise does, or give it in the place of the former."""
    return _take(visitor, promise_id)


def cancel(visitor: Visitor, promise_id: uuid.UUID) -> ResponseReturnValue:
    """Take it back."""
    with reading() as session:
        queries.get_promise(session, visitor.debtor_id, promise_id)
    try:
        with transaction() as session:
            service.cancel(session, promise_id=promise_id, reason="", by=visitor.as_actor())
    except Conflict as error:
        flash(error.message, "error")
    else:
        flash(_("Your promise is taken back. The invoices follow their due dates again."), "info")
    return see_other("portal.promises.show", promise_id=promise_id)


def _take(visitor: Visitor, promise_id: uuid.UUID | None) -> ResponseReturnValue:
    offer = _offer(visitor, promise_id)
    form = PromiseForm()
    form.amount.currency = visitor.currency
    form.promised_on.today = visitor.today
    form.process(request.form)
    chosen = set(offer.wanted)
    with reading() as session:
        known = queries.find_attempt(session, visitor.debtor_id, _attempt(visitor, form))
    if known is not None:
        return see_other("portal.promises.show", promise_id=known)
    if not form.validate():
        return _form(visitor, offer, form, chosen, status=422)
    if form.amount.data is not None and form.amount.data.minor <= 0:
        form.amount.errors = [_("The amount must be more than zero.")]
        return _form(visitor, offer, form, chosen, status=422)
    parts, left = choice.spread(offer.rows, chosen, form.amount.data)
    if not parts:
        return _form(visitor, offer, form, chosen, status=422, refusal=_("Tick at least one invoice."))
    if left:
        most = money(Money(total(parts), visitor.currency))
        form.amount.errors = [_("At most %(amount)s is open on what you ticked.", amount=most)]
        return _form(visitor, offer, form, chosen, status=422)
    if request.form.get("act") != "give":
        return _look(visitor, offer, form, chosen, parts)
    return _give(visitor, offer, form, chosen, parts)


def _attempt(visitor: Visitor, form: PromiseForm) -> str:
    return f"portal:{visitor.debtor_id}:{form.attempt.data}"[:120]


def _look(
    visitor: Visitor, offer: Offer, form: PromiseForm, chosen: set[uuid.UUID], parts: list[Part]
) -> ResponseReturnValue:
    promised_on = form.promised_on.data
    if promised_on < offer.today or promised_on > offer.last_on:
        objection = rules.Objection.PAST if promised_on < offer.today else rules.Objection.TOO_FAR
        counted_from = offer.before.counted_from if offer.before else offer.today
        form.promised_on.errors = [service.explain(objection, offer.limits, counted_from)]
        return _form(visitor, offer, form, chosen, status=422)
    preview = _(
        "You promise %(amount)s by %(day)s. Until %(until)s we send no reminder for it and debit nothing by ourselves.",
        amount=money(Money(total(parts), visitor.currency)),
        day=day(promised_on),
        until=day(rules.until(offer.limits, promised_on)),
    )
    with reading() as session:
        announced = announced_days(session, [part.invoice_id for part in parts])
    if announced:
        preview += " " + _("What was announced for %(days)s is then not debited.", days=", ".join(map(day, announced)))
    return _form(visitor, offer, form, chosen, preview=preview)


def _give(
    visitor: Visitor, offer: Offer, form: PromiseForm, chosen: set[uuid.UUID], parts: list[Part]
) -> ResponseReturnValue:
    draft = PromiseDraft(
        attempt=_attempt(visitor, form),
        parts=parts,
        promised_on=form.promised_on.data,
        contact_id=visitor.contact_id,
        note=form.note.data or "",
    )
    try:
        with transaction() as session:
            if offer.before is None:
                made = service.give(session, debtor_id=visitor.debtor_id, draft=draft, by=visitor.as_actor())
            else:
                made = service.change(session, promise_id=offer.before.id, draft=draft, by=visitor.as_actor())
    except NotFound:
        raise
    except (Refused, Conflict, Invalid) as error:
        return _refused(visitor, offer, form, chosen, error)
    flash(
        _(
            "Thank you. Until %(day)s we send no reminder for it and debit nothing by ourselves.",
            day=day(made.until_on),
        ),
        "good",
    )
    return see_other("portal.promises.show", promise_id=made.id)


def _refused(
    visitor: Visitor, offer: Offer, form: PromiseForm, chosen: set[uuid.UUID], error: DomainError
) -> ResponseReturnValue:
    if error.code in {"promise.past", "promise.too_far"}:
        form.promised_on.errors = [error.message]
        return _form(visitor, offer, form, chosen, status=422)
    anew = _offer(visitor, offer.before.id if offer.before else None)
    return _form(visitor, anew, form, chosen, status=409, refusal=error.message)
