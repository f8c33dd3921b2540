"""Payment plans: propose one, see at once what is answered, agree, follow it."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from typing import Any

from flask import Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from payments.plans import acknowledge, contents, progress, queries, service
from payments.plans.queries import PlanView
from payments.plans.status import FREEZES, PlanStatus
from portal.choice import MOST_INLINE
from portal.downloads import download
from portal.plans import agree as agreeing
from portal.plans import sketch as sketching
from portal.plans.forms import AgreeForm, AskForm, WishForm
from portal.plans.labels import EVERY, INSTALMENT_WORDS, PLAN_WORDS, reasons
from portal.plans.sketch import Sketch, Table
from shared.access.queries import Visitor
from shared.kit import clock
from shared.kit.calendars import next_working_day
from shared.kit.db import reading, retrying, transaction
from shared.kit.errors import Conflict, Invalid
from shared.kit.money import Money
from shared.kit.words import gettext as _
from shared.web.pages import page, see_other
from shared.web.security import client_address

S = PlanStatus


def list_(visitor: Visitor) -> Response:
    """Every plan of this account."""
    with reading() as session:
        plans = queries.plans_of(session, visitor.debtor_id)
    return page("portal/plans/list.html", plans=plans, words=PLAN_WORDS)


# Proposing ---------------------------------------------------------------------------------------------------------------


def new(visitor: Visitor) -> ResponseReturnValue:
    """What to pay, in how many parts, from when; below it the schedule and what we would answer."""
    with reading() as session:
        ids = sketching.read_ids(session, visitor, request.args)
        table = sketching.lay(session, visitor, ids)
        form = _form(visitor, table) if "first_on" in request.args else sketching.first_form(session, visitor, table)
        is_valid = form.validate()
        drawn = sketching.sketch(session, visitor, table, form.terms) if is_valid and table.chosen else None
    if not table.choices:
        flash(_("Nothing is left to pay by instalments."), "info")
        return see_other("portal.account.home")
    return _new_page(table, form, drawn, AskForm(None))


def _form(visitor: Visitor, table: Table) -> WishForm:
    form = WishForm(None)
    form.first_on.today = visitor.today
    form.each.currency = form.first.currency = table.currency
    form.process(request.form if request.method == "POST" else request.args)
    return form


def _new_page(table: Table, form: WishForm, drawn: Sketch | None, ask: AskForm, *, status: int = 200) -> Response:
    return page("portal/plans/new.html", status=status, ask=ask, **_shown(table, form, drawn))


def _shown(table: Table, form: WishForm, drawn: Sketch | None) -> dict[str, Any]:
    """What the page and its live part show."""
    which = _which(table)
    selection = which.get("selection", "")
    named = None if table.is_all else table.ids
    values = sketching.as_values(named, drawn.wish, table.currency, selection=selection) | which if drawn else {}
    signed = sketching.as_values(None, drawn.once_signed, table.currency) | which if drawn else {}
    return {
        "table": table,
        "form": form,
        "drawn": drawn,
        "values": values,
        "mandate_url": url_for("portal.mandates.new", next=url_for("portal.plans.new", **signed)),
        "every": EVERY,
        "attempt": str(uuid.uuid4()),
        "which": which,
        "is_many": len(table.choices) > MOST_INLINE,
    }


def _which(table: Table) -> dict[str, Any]:
    """How a page names again what is chosen, short enough for an address: nothing for all there is."""
    if kept := request.values.get("selection", ""):
        return {"selection": kept}
    if table.is_all:
        return {}
    if request.values.get("what") == "late":
        return {"what": "late"}
    return {"invoice": [str(one) for one in table.ids], "chosen": "1"}


def preview(visitor: Visitor) -> Response:
    """The schedule of what stands in the form, for the script that shows it while it is filled in."""
    with reading() as session:
        table = sketching.lay(session, visitor, sketching.read_ids(session, visitor, request.args))
        form = _form(visitor, table)
        drawn = sketching.sketch(session, visitor, table, form.terms) if form.validate() and table.chosen else None
    return page("portal/plans/_sketch.html", **_shown(table, form, drawn))


def propose(visitor: Visitor) -> ResponseReturnValue:
    """Propose exactly what was shown; the policy answers in the same transaction. The same form twice is one plan."""
    ask = AskForm()
    with reading() as session:
        ids = sketching.read_ids(session, visitor, request.form)
        table = sketching.lay(session, visitor, ids)
        form = _form(visitor, table)
        if not (form.validate() and ask.validate() and table.chosen):
            return _new_page(table, form, None, ask, status=422)
        wish = form.terms
        drawn = sketching.sketch(session, visitor, table, wish)
    if drawn.verdict == "mandate":
        values = sketching.as_values(None, drawn.once_signed, table.currency) | _which(table)
        return see_other("portal.mandates.new", next=url_for("portal.plans.new", **values))
    attempt = _attempt()

    def act() -> uuid.UUID:
        with transaction() as session:
            plan = service.propose(
                session,
                debtor_id=visitor.debtor_id,
                contact_id=visitor.contact_id,
                invoice_ids=ids,
                wish=wish,
                message=ask.message.data or "",
                attempt=attempt,
                by=visitor.as_actor(),
            )
            return plan.id

    try:
        plan_id = retrying(act)
    except Conflict as conflict:
        flash(conflict.message, "wait")
        return see_other("portal.plans.new")
    plan = _plan(visitor, plan_id)
    if plan.line.status is S.OFFERED and not plan.is_counter_offer:
        return see_other("portal.plans.agree", plan_id=plan_id)
    return see_other("portal.plans.show", plan_id=plan_id)


def _attempt() -> str:
    try:
        return str(uuid.UUID(request.form.get("attempt", "")))
    except ValueError as error:
        raise Invalid(
            "plan.attempt", _("This form is too old. Please open the page again and fill it in anew.")
        ) from error


# One plan ----------------------------------------------------------------------------------------------------------------


def show(visitor: Visitor, plan_id: uuid.UUID) -> Response:
    """Where a plan stands, and the one thing to do next."""
    with reading() as session:
        plan = queries.plan_of(session, visitor.debtor_id, plan_id)
        policy = sketching.policy_for(session, visitor)
        due = progress.payable(session, plan_id, until=visitor.today)
        following = progress.next_payable(session, plan_id)
        rest = progress.payable(session, plan_id)
        debits = agreeing.debit_days(session, visitor, plan)
    currency = plan.line.total.currency
    return page(
        "portal/plans/show.html",
        plan=plan,
        line=plan.line,
        terms=plan.terms or plan.wish,
        state=PLAN_WORDS[plan.line.status],
        debits=debits,
        words=INSTALMENT_WORDS,
        every=EVERY,
        reasons=reasons(plan.reasons, policy, currency),
        due=Money(due, currency),
        following=Money(following, currency),
        rest=Money(rest, currency),
        paid=plan.line.total - plan.line.rest,
        next_debit=next((one.charge_on for one in plan.instalments if one.rest.minor), None),
        is_running=plan.line.status in FREEZES,
        answer_by=_answer_by(plan, policy.pause_days, visitor.company.zone),
        again=sketching.as_values(_named(plan), plan.wish, currency),
    )


def _named(plan: PlanView) -> list[uuid.UUID] | None:
    """The invoices of a plan for an address; more than it can hold are chosen anew from all."""
    ids = [item.invoice_id for item in plan.items]
    return ids if len(ids) <= MOST_INLINE else None


def _answer_by(plan: PlanView, days: int, zone: str) -> date:
    """The day up to which reminders rest while a person looks at a proposal: a working day."""
    return next_working_day(clock.day_of(plan.line.created_at, zone) + timedelta(days=max(days, 2)))


def ask_person(visitor: Visitor, plan_id: uuid.UUID) -> ResponseReturnValue:
    """The debtor prefers that a person looks at his own terms."""
    _plan(visitor, plan_id)
    with transaction() as session:
        service.ask_person(
            session, plan_id=plan_id, message=request.form.get("message", "")[:2000], by=visitor.as_actor()
        )
    flash(_("Thank you. Somebody looks at your proposal."), "good")
    return see_other("portal.plans.show", plan_id=plan_id)


def withdraw(visitor: Visitor, plan_id: uuid.UUID) -> ResponseReturnValue:
    """Take back a proposal, or turn an offer down."""
    _plan(visitor, plan_id)
    with transaction() as session:
        service.withdraw(session, plan_id=plan_id, by=visitor.as_actor())
    flash(_("The proposal is taken back. Nothing was agreed."), "info")
    return see_other("portal.plans.show", plan_id=plan_id)


# Agreeing ----------------------------------------------------------------------------------------------------------------


def agree(visitor: Visitor, plan_id: uuid.UUID) -> ResponseReturnValue:
    """What is agreed to: the whole schedule, the acknowledgement of debt, the clause; and the box to tick."""
    return _agree_page(visitor, plan_id, AgreeForm())


def _agree_page(
    visitor: Visitor, plan_id: uuid.UUID, form: AgreeForm, *, status: int = 200, changed: bool = False
) -> ResponseReturnValue:
    with reading() as session:
        plan = queries.plan_of(session, visitor.debtor_id, plan_id)
        if plan.line.status is not S.OFFERED or plan.terms is None:
            return see_other("portal.plans.show", plan_id=plan_id)
        mandate = contents.mandate_of(session, visitor.debtor_id)
        text = agreeing.words_of(session, plan_id)
        debits = agreeing.debit_days(session, visitor, plan)
    return page(
        "portal/plans/agree.html",
        status=status,
        plan=plan,
        line=plan.line,
        terms=plan.terms,
        text=text,
        debits=debits,
        form=form,
        changed=changed,
        every=EVERY,
        needs_mandate=plan.terms.by_mandate and mandate is None,
        mandate_url=url_for("portal.mandates.new", next=url_for("portal.plans.agree", plan_id=plan_id)),
    )


def accept(visitor: Visitor, plan_id: uuid.UUID) -> ResponseReturnValue:
    """Acknowledge the debt and accept the plan, with the evidence of who, when and from where."""
    form = AgreeForm()
    plan = _plan(visitor, plan_id)
    if not form.validate_on_submit():
        return _agree_page(visitor, plan_id, form, status=422)
    shown = request.form.get("total", "")
    if not (shown.isascii() and shown.isdigit() and len(shown) < 16):
        return _agree_page(visitor, plan_id, AgreeForm(None), status=409, changed=True)
    try:
        is_done = agreeing.accept(
            visitor,
            plan_id,
            shown=Money(int(shown), plan.line.total.currency),
            address=client_address(),
            user_agent=request.user_agent.string,
        )
    except Conflict as conflict:
        if conflict.code == "plan.no_mandate":
            return redirect(url_for("portal.mandates.new", next=url_for("portal.plans.agree", plan_id=plan_id)), 303)
        flash(conflict.message, "wait")
        return see_other("portal.plans.show", plan_id=plan_id)
    if not is_done:
        return _agree_page(visitor, plan_id, AgreeForm(None), status=409, changed=True)
    flash(_("Thank you. Your payment plan is agreed."), "good")
    return see_other("portal.plans.show", plan_id=plan_id)


def pdf(visitor: Visitor, plan_id: uuid.UUID) -> Response:
    """The acknowledgement of debt as it was given."""
    _plan(visitor, plan_id)
    kept = acknowledge.paper(plan_id)
    return download(kept.content, kept.name, kept.media_type)


def _plan(visitor: Visitor, plan_id: uuid.UUID) -> PlanView:
    with reading() as session:
        return queries.plan_of(session, visitor.debtor_id, plan_id)
