"""Paying: what, how, and what became of it. The browser is no witness: what is shown of a payment, the provider said."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from typing import Any

from flask import Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from payments import queries as payments
from payments.cards import checkout
from payments.labels import payment_words, why_failed
from payments.mandates import collect
from payments.queries import MandateLine, PaymentLine
from payments.status import GIVEN_UP, PaymentStatus
from portal.choice import MOST_INLINE
from portal.pay import offer as offers
from portal.pay.credit import apply_credit
from portal.pay.offer import Offer
from portal.pay.plan import plan_of_attempt
from portal.pay.rules import Chosen, Wish
from shared.access.queries import Visitor
from shared.documents import epc
from shared.documents.mentions import spaced_iban
from shared.invoices import selections
from shared.kit.db import reading, transaction
from shared.kit.errors import Conflict, DomainError, Invalid, NotFound, Refused, Unavailable
from shared.kit.money import Money, MoneyParseError
from shared.kit.settings import get_settings
from shared.kit.templating import money
from shared.kit.words import current_language
from shared.kit.words import gettext as _
from shared.ledger.rules import OpenItem, Part, allocate
from shared.web.pages import page, see_other, send_away

NOBODY = uuid.UUID(int=0)
NBSP = "\u00a0"


def choose(visitor: Visitor) -> ResponseReturnValue:
    """What is to be paid, and by which means."""
    offer = _offer(visitor, request.args)
    if not offer.chosen:
        flash(_("There is nothing to pay in what you chose."), "info")
        return _elsewhere(offer)
    return _choose_page(offer)


def _elsewhere(offer: Offer) -> ResponseReturnValue:
    """Where somebody goes who has nothing to pay here."""
    if offer.share:
        return see_other("portal.plans.show", plan_id=offer.share.plan_id)
    return see_other("portal.account.home")


def _choose_page(offer: Offer, *, status: int = 200, changed: str = "", refusal: str = "") -> Response:
    return page(
        "portal/pay/choose.html",
        status=status,
        offer=offer,
        means=offers.means_of(offer),
        attempt=str(uuid.uuid4()),
        changed=changed,
        refusal=refusal,
    )


def parts(visitor: Visitor) -> ResponseReturnValue:
    """How much of each invoice is paid now; of a large choice one sum, which counts for the oldest first."""
    with reading() as session:
        wish = offers.read_wish(session, visitor, request.args)
        chosen = offers.choose(session, visitor, replace(wish, amounts={}))
    if not chosen:
        return see_other("portal.account.home")
    typed = {one.invoice_id: _shown(wish.amounts.get(one.invoice_id, one.minor), visitor) for one in chosen}
    return _parts_page(visitor, wish, chosen, typed)


def set_parts(visitor: Visitor) -> ResponseReturnValue:
    """Keep the amounts that were typed and go on to pay them."""
    with reading() as session:
        wish = offers.read_wish(session, visitor, _without_amounts())
        chosen = offers.choose(session, visitor, wish)
    if not chosen:
        return see_other("portal.account.home")
    if len(chosen) > MOST_INLINE:
        errors, amounts = _spread_sum(chosen, request.form.get("sum", ""), visitor.currency)
    else:
        typed = {one.invoice_id: request.form.get(f"amount-{one.invoice_id}", "") for one in chosen}
        errors, amounts = _read_amounts(chosen, typed, visitor.currency)
    wanted = [identity for identity, minor in amounts.items() if minor]
    if errors or not wanted:
        typed = {one.invoice_id: request.form.get(f"amount-{one.invoice_id}", "") for one in chosen}
        return _parts_page(visitor, wish, chosen, typed, errors or {NOBODY: _("Write at least one amount.")})
    with transaction() as session:
        selection_id = selections.keep(session, visitor.debtor_id, wanted, amounts=amounts)
    return see_other("portal.pay.choose", what="these", selection=selection_id)


def _parts_page(
    visitor: Visitor,
    wish: Wish,
    chosen: list[Chosen],
    typed: dict[uuid.UUID, str],
    errors: dict[uuid.UUID, str] | None = None,
) -> Response:
    return page(
        "portal/pay/parts.html",
        status=422 if errors else 200,
        chosen=chosen,
        typed=typed,
        errors=errors or {},
        values=offers.as_values(replace(wish, amounts={}), visitor.currency),
        is_many=len(chosen) > MOST_INLINE,
        total_minor=sum(one.available_minor for one in chosen),
        typed_sum=request.form.get("sum", "")[:40],
    )


def _shown(minor: int, visitor: Visitor) -> str:
    return money(Money(minor, visitor.currency))


def _spread_sum(chosen: list[Chosen], text: str, currency: str) -> tuple[dict[uuid.UUID, str], dict[uuid.UUID, int]]:
    """One sum over what is chosen, the oldest due first."""
    try:
        minor = Money.parse(text, currency).minor
    except MoneyParseError:
        return {NOBODY: _("This is not an amount. Write it like 1234.50.")}, {}
    if minor <= 0:
        return {NOBODY: _("The amount must be more than zero.")}, {}
    items = [OpenItem(one.invoice_id, one.due_on, one.available_minor) for one in chosen]
    spread, left = allocate(items, minor)
    if left:
        most = money(Money(sum(item.available_minor for item in items), currency))
        return {NOBODY: _("At most %(amount)s is open on what you ticked.", amount=most)}, {}
    return {}, {part.invoice_id: part.minor for part in spread}


def _without_amounts() -> Any:
    values = request.form.copy()
    for name in list(values):
        if name.startswith("amount-"):
            values.poplist(name)
    return values


def _read_amounts(
    chosen: list[Chosen], typed: dict[uuid.UUID, str], currency: str
) -> tuple[dict[uuid.UUID, str], dict[uuid.UUID, int]]:
    errors, amounts = {}, {}
    for one in chosen:
        try:
            minor = Money.parse(typed[one.invoice_id], currency).minor if typed[one.invoice_id].strip() else 0
        except MoneyParseError:
            errors[one.invoice_id] = _("This is not an amount. Write it like 1234.50.")
            continue
        if minor < 0:
            errors[one.invoice_id] = _("The amount must be more than zero.")
        elif minor > one.available_minor:
            most = money(Money(one.available_minor, currency))
            errors[one.invoice_id] = _("At most %(amount)s is open on this invoice.", amount=most)
        amounts[one.invoice_id] = minor
    return errors, amounts


def start(visitor: Visitor) -> ResponseReturnValue:
    """Begin a payment of exactly what the form showed, or of nothing: a change in between shows the page anew.

    What a payment of another tab (or of this form, sent twice) holds already is not a change: it leads to that payment.
    """
    attempt = _attempt()
    offer = _offer(visitor, request.form)
    if offer.share:
        return _start_of_plan(visitor, offer)
    texts = request.form.getlist("part")
    if not texts and request.form.get("version") != offer.version:
        return _changed_in_many(visitor, offer, attempt)
    with reading() as session:
        shown = offers.shown_parts(session, visitor, texts) if texts else offer.parts
        is_same = shown == offer.parts
        may_go = bool(shown) and (is_same or offers.is_under_way(session, visitor, shown, attempt))
    if not may_go:
        return _changed(offer)
    return _go(visitor, offer, Order(tuple(shown), attempt, request.form.get("means", "")))


def _changed_in_many(visitor: Visitor, offer: Offer, attempt: str) -> ResponseReturnValue:
    """A large choice is not what it was: this very form was sent before, or something else has changed."""
    with reading() as session:
        known = payments.find_payment(session, visitor.debtor_id, attempt)
    if known is not None:
        return see_other("portal.pay.returned", payment_id=known.id)
    return _changed(offer)


def _start_of_plan(visitor: Visitor, offer: Offer) -> ResponseReturnValue:
    """Begin a payment of what the form showed of a plan. Its attempt follows from that: other tabs lead to the same one."""
    shown, means = request.form.get("version", "")[:32], request.form.get("means", "")
    attempt = offer.share.attempt_of(shown) if offer.share else ""
    with reading() as session:
        known = payments.find_payment(session, visitor.debtor_id, attempt)
    if known is not None and known.is_in_flight and known.means.value != means:
        return page(
            "portal/pay/under_way.html", status=409, payment=known, words=payment_words(known.status, known.means)
        )
    if shown != offer.version and not (known is not None and known.is_in_flight):
        return _changed(offer)
    return _go(visitor, offer, Order(tuple(offer.parts), attempt, means))


@dataclass(frozen=True, slots=True)
class Order:
    """What was pressed: these parts, by this means; `attempt` makes it one."""

    parts: tuple[Part, ...]
    attempt: str
    means: str


def _go(visitor: Visitor, offer: Offer, order: Order) -> ResponseReturnValue:
    if order.means == "transfer":
        return see_other("portal.pay.transfer", **offer.values)
    if order.means == "debit" and offer.mandate is None:
        return see_other("portal.mandates.new", next=url_for("portal.pay.choose", **offer.values))
    if order.means not in {"card", "debit"}:
        return _choose_page(offer, status=422, refusal=_("Choose how you would like to pay."))
    try:
        return _begin_card(visitor, order) if order.means == "card" else _begin_debit(visitor, order, offer.mandate)
    except Conflict as conflict:
        if conflict.code == "payment.under_way":
            return _under_way(visitor, conflict)
        if conflict.code == "ledger.not_available":
            return _changed(_offer(visitor, request.form), why=conflict.message)
        raise
    except (Invalid, Refused, Unavailable) as refusal:
        return _choose_page(offer, status=refusal.http_status, refusal=refusal.message)


def _changed(offer: Offer, *, why: str = "") -> ResponseReturnValue:
    """Nothing was charged: show what can be paid now, and why it is not what was asked for where that is known."""
    if offer.chosen:
        return _choose_page(offer, status=409, changed=why or _("Something has changed since you looked."))
    flash(_("There is nothing more to pay in what you chose."), "info")
    return _elsewhere(offer)


def _offer(visitor: Visitor, values: Any) -> Offer:
    with reading() as session:
        return offers.read_offer(session, visitor, offers.read_wish(session, visitor, values))


def _attempt() -> str:
    """The id that the form carried: pressing twice is one payment."""
    try:
        return str(uuid.UUID(request.form.get("attempt", "")))
    except ValueError as error:
        raise Invalid(
            "pay.attempt", _("This form is too old. Please open the page again and fill it in anew.")
        ) from error


def _begin_card(visitor: Visitor, order: Order) -> ResponseReturnValue:
    step = checkout.begin(
        debtor_id=visitor.debtor_id,
        contact_id=visitor.contact_id,
        parts=order.parts,
        attempt=order.attempt,
        language=current_language(),
        success_url=_outside("portal.pay.returned"),
        cancel_url=_outside("portal.pay.stopped"),
        by=visitor.as_actor(),
    )
    return _to_page(step)


def _to_page(step: checkout.NextStep) -> ResponseReturnValue:
    """To the provider's page; when it is not open yet, to ours, which says so and looks again."""
    if step.url is not None:
        return send_away(step.url)
    values = {"opening": 1} if step.state is PaymentStatus.CREATED else {}
    return see_other("portal.pay.returned", payment_id=step.payment_id, **values)


def _begin_debit(visitor: Visitor, order: Order, mandate: MandateLine | None) -> ResponseReturnValue:
    if mandate is None:
        raise NotFound("mandate.missing", _("There is no such mandate."))
    payment = collect.pay_now(
        debtor_id=visitor.debtor_id,
        contact_id=visitor.contact_id,
        mandate_id=mandate.id,
        parts=order.parts,
        attempt=order.attempt,
        by=visitor.as_actor(),
    )
    return see_other("portal.pay.returned", payment_id=payment.id)


def _outside(endpoint: str) -> str:
    """An address that a provider sends the browser back to; `{payment_id}` is filled in when the payment is written."""
    return get_settings().public_url + url_for(endpoint, payment_id=NOBODY).replace(str(NOBODY), "{payment_id}")


def _under_way(visitor: Visitor, conflict: DomainError) -> Response:
    with reading() as session:
        rival = payments.find_payment(session, visitor.debtor_id, str(conflict.facts["payment_id"]))
    if rival is None:
        raise conflict
    return page("portal/pay/under_way.html", status=409, payment=rival, words=payment_words(rival.status, rival.means))


def transfer(visitor: Visitor) -> ResponseReturnValue:
    """The details of a bank transfer, with the code that a banking application reads."""
    offer = _offer(visitor, request.args)
    if not offer.chosen:
        return see_other("portal.account.home")
    reference = f"{visitor.account_code} {offer.remittance}"
    code = epc.transfer_code(offer.bank, holder=offer.bank.holder, amount=offer.total, text=reference)
    return page(
        "portal/pay/transfer.html",
        offer=offer,
        iban=spaced_iban(offer.bank.iban).replace(NBSP, " "),
        reference=reference,
        qr=epc.as_svg(code).decode() if code is not None else "",
    )


def use_credit(visitor: Visitor) -> ResponseReturnValue:
    """Settle with credit first, then go on to pay the rest."""
    offer = _offer(visitor, request.form)
    wish = offer.wish
    try:
        used = apply_credit(visitor, wish, shown=request.form.get("version", ""))
    except Conflict:
        return _changed(_offer(visitor, request.form))
    if used.is_zero:
        flash(_("There is no credit left to use."), "info")
    else:
        flash(_("%(amount)s of your credit has been used.", amount=money(used)), "good")
    if offer.share and used >= offer.total:  # what was due is settled: nobody is led on to the next instalment
        return _elsewhere(offer)
    with reading() as session:
        rest = offers.choose(session, visitor, replace(wish, amounts={}))
    if rest and not wish.amounts:
        return see_other("portal.pay.choose", **offers.as_values(wish, visitor.currency))
    return _elsewhere(offer)


def returned(visitor: Visitor, payment_id: uuid.UUID) -> ResponseReturnValue:
    """Where the debtor comes back to: what the provider says of the payment, in true words."""
    is_opening = "opening" in request.args  # he has not been on the provider's page yet
    if "X-Fragment" not in request.headers:
        checkout.look(payment_id, visitor.debtor_id)
    line = _line(visitor, payment_id)
    return page(
        "portal/pay/returned.html",
        payment=line,
        is_opening=is_opening and line.is_in_flight and line.means.value == "card",
        words=payment_words(line.status, line.means, had_come=line.confirmed_at is not None),
        reason=why_failed(line.failure_code) if line.status is PaymentStatus.FAILED else "",
        again=_again(visitor, line) if line.status in GIVEN_UP else "",
    )


def stopped(visitor: Visitor, payment_id: uuid.UUID) -> ResponseReturnValue:
    """Where the debtor comes back to without having paid: nothing is given up until he says so."""
    checkout.look(payment_id, visitor.debtor_id)
    line = _line(visitor, payment_id)
    if not line.is_in_flight:
        return redirect(url_for("portal.pay.returned", payment_id=payment_id), 303)
    return page("portal/pay/stopped.html", payment=line)


def resume(visitor: Visitor, payment_id: uuid.UUID) -> ResponseReturnValue:
    """Go on with a card payment whose page is open, or whose opening was never answered."""
    _line(visitor, payment_id)
    return _to_page(checkout.open_page(payment_id, by=visitor.as_actor()))


def abandon(visitor: Visitor, payment_id: uuid.UUID) -> ResponseReturnValue:
    """Give up a payment that is under way, and choose anew."""
    line = _line(visitor, payment_id)
    if line.means.value == "card":
        status = checkout.abandon(payment_id, visitor.debtor_id, visitor.as_actor())
    else:
        status = collect.cancel(payment_id, visitor.debtor_id, visitor.as_actor())
    if status not in GIVEN_UP:
        return see_other("portal.pay.returned", payment_id=payment_id)
    flash(_("That payment is given up. Nothing was taken."), "info")
    return redirect(_again(visitor, line), 303)


def _line(visitor: Visitor, payment_id: uuid.UUID) -> PaymentLine:
    with reading() as session:
        line = payments.find_payment(session, visitor.debtor_id, str(payment_id))
    if line is None:
        raise NotFound("payment.missing", _("There is no such payment."))
    return line


def _again(visitor: Visitor, line: PaymentLine) -> str:
    """The address to choose the same invoices anew."""
    with reading() as session:
        story = payments.payment_story(session, line.id, visitor.debtor_id)
    if story and (plan_id := plan_of_attempt(story.attempt)):
        return url_for("portal.plans.show", plan_id=plan_id)
    if story and len(story.allocations) > MOST_INLINE:
        return url_for("portal.choose.show", purpose="pay")
    ids = [str(part.invoice_id) for part in story.allocations] if story else []
    return url_for("portal.pay.choose", what="these", invoice=ids)
