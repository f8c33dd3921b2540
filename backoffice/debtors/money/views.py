"""Record a transfer or cheque and say what it pays; put unapplied credit to use."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response, flash, request
from flask.typing import ResponseReturnValue

from backoffice.access.member import Member
from backoffice.debtors import queries
from backoffice.debtors.money.forms import CreditForm, ReceiptForm
from backoffice.debtors.money.spread import Spread, by_hand, oldest_first, rows_of
from payments.models import Means, Payment
from payments.receipts import service as receipts
from shared.debtors.models import Debtor
from shared.kit.db import reading, transaction
from shared.kit.errors import DomainError
from shared.kit.ids import new_id
from shared.kit.money import Money, format_money
from shared.kit.words import current_language
from shared.kit.words import gettext as _
from shared.ledger.rules import total
from shared.web.pages import page, see_other


def record(member: Member, debtor_id: uuid.UUID) -> ResponseReturnValue:
    """Record money that came in. "Look" shows how it would be spread; "record" does it. Twice the same form is one receipt."""
    debtor, items = _read(member, debtor_id)
    form = ReceiptForm(formdata=None, data={"attempt": str(new_id()), "received_on": member.today})
    form.amount.currency = debtor.currency
    form.received_on.today = member.today
    if request.method == "GET":
        return _form(debtor, items, form, Spread((), 0))
    form.process(request.form)
    if request.form.get("act") == "find":
        return _form(debtor, items, form, _typed(items, request.form))
    if not form.validate():
        return _form(debtor, items, form, _typed(items, request.form), status=422)
    if form.received_on.data > member.today:
        form.received_on.errors = [_("This day is still to come.")]
        return _form(debtor, items, form, _typed(items, request.form), status=422)
    if form.spread.data == "oldest":
        spread = oldest_first(items, form.amount.data)
    else:
        spread = by_hand(items, form.amount.data, request.form, may_leave=True)
    if spread.is_wrong or request.form.get("act") != "record":
        return _form(debtor, items, form, spread, status=422 if spread.is_wrong else 200)
    try:
        payment = _record(member, debtor_id, form, spread)
    except DomainError as error:
        debtor, items = _read(member, debtor_id)
        return _form(debtor, items, form, _typed(items, request.form), status=409, wrong=error.message)
    flash(_recorded(payment, spread), "good")
    return see_other("backoffice.debtors.show", debtor_id=debtor_id)


def _record(member: Member, debtor_id: uuid.UUID, form: ReceiptForm, spread: Spread) -> Payment:
    with transaction() as session:
        return receipts.record_receipt(
            session,
            debtor=queries.get_debtor(session, member.company_id, debtor_id),
            means=Means(form.means.data),
            minor=form.amount.data.minor,
            received_on=form.received_on.data,
            memo=(form.memo.data or "").strip(),
            parts=spread.parts,
            attempt=f"hand:{form.attempt.data}"[:120],
            by=member.as_actor(),
        )


def _recorded(payment: Payment, spread: Spread) -> str:
    amount = _said(Money(payment.amount_minor, payment.currency))
    if not spread.surplus_minor:
        return _("%(reference)s is recorded: %(amount)s.", reference=payment.reference, amount=amount)
    credit = _said(Money(spread.surplus_minor, payment.currency))
    return _(
        "%(reference)s is recorded: %(amount)s, of which %(credit)s is unapplied credit.",
        reference=payment.reference,
        amount=amount,
        credit=credit,
    )


def apply_credit(member: Member, debtor_id: uuid.UUID) -> ResponseReturnValue:
    """Use the debtor's unapplied credit for its invoices."""
    debtor, items = _read(member, debtor_id)
    credit = Money(debtor.credit_minor, debtor.currency)
    form = CreditForm(formdata=None, data={"attempt": str(new_id())})
    if request.method == "GET":
        return _credit_form(debtor, items, form, oldest_first(items, credit))
    form.process(request.form)
    if request.form.get("act") == "find":
        return _credit_form(debtor, items, form, _typed(items, request.form))
    if not form.validate():
        return _credit_form(debtor, items, form, _typed(items, request.form), status=422)
    if form.spread.data == "oldest":
        spread = oldest_first(items, credit)
    else:
        spread = by_hand(items, credit, request.form, may_leave=False)
    if spread.is_wrong or not spread.parts:
        return _credit_form(debtor, items, form, spread, status=422)
    try:
        _apply(member, debtor_id, spread)
    except DomainError as error:
        debtor, items = _read(member, debtor_id)
        return _credit_form(debtor, items, form, _typed(items, request.form), status=409, wrong=error.message)
    used = Money(total(spread.parts), debtor.currency)
    flash(_("%(amount)s of credit is used.", amount=_said(used)), "good")
    return see_other("backoffice.debtors.show", debtor_id=debtor_id)


def _apply(member: Member, debtor_id: uuid.UUID, spread: Spread) -> None:
    with transaction() as session:
        queries.get_debtor(session, member.company_id, debtor_id)
        receipts.apply_credit(session, debtor_id=debtor_id, parts=spread.parts, by=member.as_actor())


def _read(member: Member, debtor_id: uuid.UUID) -> tuple[Debtor, list[queries.ItemRow]]:
    with reading() as session:
        debtor = queries.get_debtor(session, member.company_id, debtor_id)
        return debtor, queries.payable_items(session, debtor_id)


def _typed(items: list[queries.ItemRow], given: Any) -> Spread:
    """What was typed, kept on the page while something else is wrong."""
    return Spread((), 0, typed={item.id: given[f"part-{item.id}"] for item in items if given.get(f"part-{item.id}")})


def _form(
    debtor: Debtor,
    items: list[queries.ItemRow],
    form: ReceiptForm,
    spread: Spread,
    *,
    status: int = 200,
    wrong: str = "",
) -> Response:
    return page(
        "backoffice/debtors/money/record.html",
        status=status,
        debtor=debtor,
        rows=rows_of(items, spread, request.form),
        form=form,
        spread=spread,
        surplus=Money(spread.surplus_minor, debtor.currency),
        wrong=wrong or spread.complaint,
    )


def _credit_form(
    debtor: Debtor,
    items: list[queries.ItemRow],
    form: CreditForm,
    spread: Spread,
    *,
    status: int = 200,
    wrong: str = "",
) -> Response:
    return page(
        "backoffice/debtors/money/apply_credit.html",
        status=status,
        debtor=debtor,
        rows=rows_of(items, spread, request.form),
        form=form,
        spread=spread,
        credit=Money(debtor.credit_minor, debtor.currency),
        wrong=wrong or spread.complaint,
    )


def _said(money: Money) -> str:
    return format_money(money, current_language())
