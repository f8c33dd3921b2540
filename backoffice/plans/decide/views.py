"""What staff do with a plan: answer it, offer other terms, change its schedule, pause, resume, end it; and open one."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from flask import Response, flash, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from backoffice.access.member import Member
from backoffice.matching import get_debtor
from backoffice.plans.decide import draft as drafts
from backoffice.plans.decide.draft import Draft
from backoffice.plans.decide.forms import OfferForm, ResumeForm, TermsForm, ToldForm
from backoffice.plans.queries import reader as reader_of
from backoffice.replies import queries as replies
from backoffice.replies.queries import Offered
from backoffice.replies.rules import Room
from backoffice.unheard import flash_told
from payments.plans import queries, running, service
from payments.plans.models import Plan
from payments.plans.rules import Terms
from payments.plans.status import FREEZES, UNANSWERED, PlanStatus
from shared.debtors.models import Debtor
from shared.kit.db import reading, retrying, transaction
from shared.kit.errors import Conflict, DomainError, NotFound
from shared.kit.ids import new_id
from shared.kit.words import gettext as _
from shared.web import unsent
from shared.web.pages import page, see_other

S = PlanStatus
Act = Callable[[Session], Plan]


# Offers ------------------------------------------------------------------------------------------------------------------


def offer(member: Member, plan_id: uuid.UUID) -> ResponseReturnValue:
    """Offer terms for a proposal, or other terms than those offered."""
    with reading() as session:
        draft, form = _of_plan(session, member, plan_id, is_change=False)
    if draft.plan is None or draft.plan.line.status not in UNANSWERED:
        raise Conflict("plan.no_such_step", _("This plan is no longer being discussed."))

    def act(session: Session, terms: Terms, answer: str, days: int, _attempt: str) -> Plan:
        return service.offer(session, plan_id=plan_id, terms=terms, answer=answer, days=days, by=member.as_actor())

    return _offered(member, draft, form, act)


def change(member: Member, plan_id: uuid.UUID) -> ResponseReturnValue:
    """Offer a new schedule on what is left of a plan; the old one goes on until the debtor accepts."""
    with reading() as session:
        draft, form = _of_plan(session, member, plan_id, is_change=True)
    if draft.plan is None or draft.plan.line.status not in FREEZES | {S.IN_DEFAULT}:
        raise Conflict("plan.no_such_step", _("Only a plan that is under way can be changed."))

    def act(session: Session, terms: Terms, answer: str, days: int, attempt: str) -> Plan:
        return service.change(
            session, plan_id=plan_id, terms=terms, answer=answer, attempt=attempt, days=days, by=member.as_actor()
        )

    return _offered(member, draft, form, act)


def open_(member: Member, debtor_id: uuid.UUID) -> ResponseReturnValue:
    """Offer a plan that nobody asked for; the debtor accepts it in the portal."""
    with reading() as session:
        debtor = get_debtor(session, member.company_id, debtor_id)
        draft = drafts.lay(session, debtor, request.values)
        form = drafts.form_of(draft, request.values, member.today)
    if not draft.choices:
        flash(
            _("Nothing of this debtor can be planned: all is settled, on its way, disputed or planned already."), "wait"
        )
        return see_other("backoffice.debtors.show", debtor_id=debtor_id)

    def act(session: Session, terms: Terms, answer: str, days: int, attempt: str) -> Plan:
        return service.propose_by_staff(
            session,
            debtor_id=debtor_id,
            invoice_ids=draft.ids,
            terms=terms,
            answer=answer,
            attempt=attempt,
            days=days,
            by=member.as_actor(),
        )

    return _offered(member, draft, form, act)


def preview(member: Member, debtor_id: uuid.UUID) -> Response:
    """The schedule of what stands in the form, for the script that shows it while it is filled in."""
    with reading() as session:
        debtor = get_debtor(session, member.company_id, debtor_id)
        plan = None
        if request.args.get("plan"):
            plan = queries.get_plan(session, member.company_id, _uuid(request.args["plan"]))
            if plan.line.debtor_id != debtor_id:
                raise NotFound("plan.missing", _("There is no such plan."))
        draft = drafts.lay(session, debtor, request.args, plan=plan, is_change="change" in request.args)
        form = drafts.form_of(draft, request.args, member.today)
    return page("backoffice/plans/decide/_drawn.html", **_shown(draft, form))


def _of_plan(session: Session, member: Member, plan_id: uuid.UUID, *, is_change: bool) -> tuple[Draft, TermsForm]:
    plan = queries.get_plan(session, member.company_id, plan_id)
    debtor = session.get_one(Debtor, plan.line.debtor_id)
    draft = drafts.lay(session, debtor, request.values, plan=plan, is_change=is_change)
    return draft, drafts.form_of(draft, request.values, member.today)


def _offered(
    member: Member, draft: Draft, form: TermsForm, act: Callable[[Session, Terms, str, int, str], Plan]
) -> ResponseReturnValue:
    """Show the form, or make the offer and go to it."""
    offered = _replies(member, draft)
    if request.method == "GET":
        beside = OfferForm(data={"days": draft.policy.offer_days, "answer": offered.text})
        return page(
            "backoffice/plans/decide/offer.html",
            beside=beside,
            attempt=str(new_id()),
            offered=offered,
            **_shown(draft, form),
        )
    beside = OfferForm()
    refusal = ""
    if beside.validate() and form.validate() and draft.total.minor:
        terms, answer, days = form.terms, beside.answer.data or "", beside.days.data or draft.policy.offer_days
        attempt = f"desk:{request.form.get('attempt', '')}"[:120]

        def make() -> uuid.UUID:
            with transaction() as session:
                return act(session, terms, answer, days, attempt).id

        try:
            plan_id = retrying(make)
        except DomainError as error:
            refusal = error.message
        else:
            flash(_("The offer is made. The debtor accepts it in the portal."), "good")
            return see_other("backoffice.plans.show", plan_id=plan_id)
    return page(
        "backoffice/plans/decide/offer.html",
        status=422,
        beside=beside,
        attempt=request.form.get("attempt", ""),
        refusal=refusal,
        offered=offered,
        **_shown(draft, form),
    )


def _replies(member: Member, draft: Draft) -> Offered:
    """The saved replies beside an offer. What is still being chosen is not spoken of."""
    act = "change" if draft.is_change else "offer"
    with reading() as session:
        if draft.plan:
            reader = reader_of(session, member, draft.plan)
        else:
            reader = replies.reader(session, member, draft.debtor.id)
        return replies.offer(session, member.company_id, Room.PLAN, act, reader, chosen=request.args.get("reply", ""))


def _shown(draft: Draft, form: TermsForm) -> dict[str, Any]:
    drawn = drafts.draw(draft, form.terms) if form.validate() and draft.total.minor else None
    values: dict[str, Any] = drafts.as_values(drawn.terms, draft.debtor.currency) if drawn else {}
    if draft.may_choose:
        values["invoice"] = [str(each) for each in draft.ids]
    asked: dict[str, Any] = {"plan": draft.plan.line.id} if draft.plan else {}
    if draft.is_change:
        asked["change"] = 1
    return {
        "draft": draft,
        "form": form,
        "drawn": drawn,
        "values": values,
        "asked": asked,
        "preview_url": url_for("backoffice.plans.decide.preview", debtor_id=draft.debtor.id),
    }


# Acts --------------------------------------------------------------------------------------------------------------------


def grant(member: Member, plan_id: uuid.UUID) -> ResponseReturnValue:
    """Offer exactly what the debtor proposed."""
    with reading() as session:
        wish = queries.get_plan(session, member.company_id, plan_id).wish
    return _done(
        member,
        plan_id,
        lambda session: service.offer(
            session,
            plan_id=plan_id,
            terms=wish,
            answer=request.form.get("answer", "")[:2000],
            by=member.as_actor(),
        ),
        _("Agreed. The debtor accepts it in the portal."),
    )


def withdraw(member: Member, plan_id: uuid.UUID) -> ResponseReturnValue:
    """Take an offer back that nobody has accepted."""
    return _done(
        member,
        plan_id,
        lambda session: service.withdraw(session, plan_id=plan_id, by=member.as_actor()),
        _("The offer is taken back."),
    )


def resume(member: Member, plan_id: uuid.UUID) -> ResponseReturnValue:
    """Let a plan go on from a day."""
    _check(member, plan_id)
    form = ResumeForm(None)
    form.first_on.today = member.today
    form.process(request.form)
    if not form.validate():
        return _refused(plan_id, _("This is not a day. Write it like 14/03/2026."))
    first_on = form.first_on.data
    return _done(
        member,
        plan_id,
        lambda session: running.resume(session, plan_id=plan_id, first_on=first_on, by=member.as_actor()),
        _("The plan goes on."),
        is_told=True,
    )


def decline(member: Member, plan_id: uuid.UUID) -> ResponseReturnValue:
    """Refuse a proposal."""
    return _told(member, plan_id, service.decline, "answer", _("Declined."))


def pause(member: Member, plan_id: uuid.UUID) -> ResponseReturnValue:
    """Stop the clock."""
    return _told(member, plan_id, running.pause, "reason", _("The plan rests."))


def cancel(member: Member, plan_id: uuid.UUID) -> ResponseReturnValue:
    """End a plan: its invoices are due by their own days again."""
    return _told(member, plan_id, running.cancel, "reason", _("The plan has ended."))


def declare_default(member: Member, plan_id: uuid.UUID) -> ResponseReturnValue:
    """Use the clause that was accepted: the rest falls due at once."""
    said = _("The plan is in default: the rest is due.")
    return _told(member, plan_id, running.put_in_default, "cause", said)


def _told(member: Member, plan_id: uuid.UUID, verb: Callable[..., Plan], words: str, said: str) -> ResponseReturnValue:
    """An act with words that the debtor reads; `words` is what the verb calls them."""
    _check(member, plan_id)
    form = ToldForm()
    if not form.validate():
        return _refused(plan_id, _("Say why: the debtor reads it."))
    told = {words: form.answer.data or ""}
    return _done(
        member,
        plan_id,
        lambda session: verb(session, plan_id=plan_id, by=member.as_actor(), **told),
        said,
        is_told=True,
    )


def _done(member: Member, plan_id: uuid.UUID, act: Act, said: str, *, is_told: bool = False) -> ResponseReturnValue:
    _check(member, plan_id)

    def make() -> None:
        with transaction() as session:
            act(session)

    try:
        retrying(make)
    except DomainError as error:
        return _refused(plan_id, error.message)
    if is_told:
        flash_told(said)
    else:
        flash(said, "good")
    return see_other("backoffice.plans.show", plan_id=plan_id)


def _check(member: Member, plan_id: uuid.UUID) -> None:
    """Raise NotFound for another company's plan, whatever the form holds."""
    with reading() as session:
        queries.get_plan(session, member.company_id, plan_id)


def _refused(plan_id: uuid.UUID, why: str) -> ResponseReturnValue:
    unsent.keep()
    flash(why, "error")
    return see_other("backoffice.plans.show", plan_id=plan_id)


def _uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError as error:
        raise NotFound("plan.missing", _("There is no such plan.")) from error
