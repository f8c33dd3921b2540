"""Plans: the queue, one plan with what came of it, who looks after it, its paper."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta

from flask import flash, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from backoffice import bulk, exports, files
from backoffice.access.member import Member
from backoffice.colleagues import Colleague, colleagues, find_colleague
from backoffice.labels import word
from backoffice.listing import asked, is_fragment, sentence
from backoffice.plans import queries
from backoffice.plans.decide.forms import ResumeForm
from backoffice.plans.labels import LIMITS, cause_word
from backoffice.replies import queries as replies
from backoffice.replies.rules import Room
from payments.plans import acknowledge, proposals, rules, service
from payments.plans import queries as plans
from payments.plans.statistics import statistics as statistics_of
from payments.plans.status import FREEZES, PlanStatus
from shared.debtors.models import Debtor
from shared.kit import clock
from shared.kit.db import reading, transaction
from shared.kit.errors import Conflict, NotFound
from shared.kit.words import gettext as _
from shared.kit.words import ngettext
from shared.web.pages import page, see_other

LOOKED_BACK = timedelta(days=365)
WRITE = "plans.write"
TOLD = ("decline", "pause", "cancel", "default")
"""Acts on the page of a plan with which the debtor is told something."""


def browse(member: Member) -> ResponseReturnValue:
    """The queue."""
    ask, today, currency = asked(*queries.FILTERS), member.today, member.desk.currency
    with reading() as session:
        found = queries.browse(session, member.company_id, ask, me=member.id, today=today)
        totals = queries.totals(session, member.company_id, ask, me=member.id, today=today, currency=currency)
        counts = queries.counts(session, member.company_id, me=member.id, today=today)
        statistics = statistics_of(session, member.company_id, since=clock.now() - LOOKED_BACK, currency=currency)
        people = colleagues(session, WRITE)
        names = queries.names(session)
        answers = replies.replies(session, member.company_id, Room.PLAN, "decline")
    if ask.wants_totals and totals and is_fragment():
        return sentence(
            ngettext("Total of %(n)s plan", "Total of %(n)s plans", totals.count), [(_("In all"), totals.total)]
        )
    return page(
        "backoffice/plans/browse.html",
        ask=ask,
        found=found,
        totals=totals,
        counts=counts,
        statistics=statistics,
        people=people,
        names=names,
        replies=answers,
        orders=queries.ORDERS,
    )


def export(member: Member, form: str) -> ResponseReturnValue:
    """The queue as a file."""
    ask = asked(*queries.FILTERS)
    with reading() as session:
        names = queries.names(session)

    def rows() -> Iterator[exports.Row]:
        with reading() as session:
            for line in queries.everything(session, member.company_id, ask, me=member.id, today=member.today):
                yield (
                    line.reference,
                    line.debtor_name,
                    word(line.status),
                    line.total,
                    line.rest,
                    line.late,
                    line.settled_count,
                    line.instalment_count,
                    line.next_on,
                    line.by_mandate,
                    names.get(line.assignee_id) if line.assignee_id else None,
                    line.created_at,
                    line.accepted_at,
                )

    header = [
        _("Reference"),
        _("Debtor"),
        _("State"),
        _("In all"),
        _("Left"),
        _("Late"),
        _("Instalments paid"),
        _("Instalments"),
        _("Next on"),
        _("By direct debit"),
        _("Assigned to"),
        _("Proposed"),
        _("Accepted"),
    ]
    return exports.answer(member, form, "plans", header, rows, asked=request.full_path)


def show(member: Member, plan_id: uuid.UUID) -> ResponseReturnValue:
    """One plan: its schedule with what came, how it came about, and what can be done."""
    with reading() as session:
        plan = plans.get_plan(session, member.company_id, plan_id)
        debtor = session.get_one(Debtor, plan.line.debtor_id)
        facts = proposals.facts_of(session, debtor)
        reader = queries.reader(session, member, plan)
        chosen = {act: request.args.get(f"reply-{act}", "") for act in TOLD}
        return page(
            "backoffice/plans/show.html",
            plan=plan,
            line=plan.line,
            debtor=debtor,
            facts=facts,
            score=rules.score(facts),
            limits=[LIMITS[limit] for limit in plan.reasons],
            cause_word=cause_word,
            payments=queries.payments_for(session, plan_id),
            people=colleagues(session, WRITE),
            names=queries.names(session),
            offered={
                act: replies.offer(session, member.company_id, Room.PLAN, act, reader, chosen=chosen[act])
                for act in TOLD
            },
            resuming=ResumeForm(data={"first_on": member.today + timedelta(days=7)}),
            is_running=plan.line.status in FREEZES,
            S=PlanStatus,
        )


def assign(member: Member, plan_id: uuid.UUID) -> ResponseReturnValue:
    """Say who looks after a plan."""
    with transaction() as session:
        plans.get_plan(session, member.company_id, plan_id)
        colleague = _assign(session, member, plan_id)
    if colleague is None:
        flash(_("Nobody looks after this plan now."), "good")
    else:
        flash(_("%(name)s looks after this plan now.", name=colleague.name), "good")
    return see_other("backoffice.plans.show", plan_id=plan_id)


def _assign(session: Session, member: Member, plan_id: uuid.UUID) -> Colleague | None:
    colleague = find_colleague(session, WRITE, request.form.get("assignee", ""))
    service.assign(session, plan_id=plan_id, staff_id=colleague.id if colleague else None, by=member.as_actor())
    return colleague


def act(member: Member) -> ResponseReturnValue:
    """Do one thing with all ticked plans; those with which it cannot be done are counted and left as they are."""
    wanted = bulk.ticked(lambda session, identity: plans.get_plan(session, member.company_id, identity))
    bulk.each(wanted, lambda session, identity: _act(session, member, identity, request.form.get("act", "")))
    return bulk.back("backoffice.plans.browse", queries.FILTERS)


def _act(session: Session, member: Member, plan_id: uuid.UUID, act: str) -> None:
    if act == "assign":
        _assign(session, member, plan_id)
    elif act in ("grant", "decline") and member.may("plans.decide"):
        plan = plans.get_plan(session, member.company_id, plan_id)
        if plan.line.status is not PlanStatus.NEEDS_PERSON:
            raise Conflict("plan.no_such_step", _("It does not wait for a decision."))
        if act == "grant":
            service.offer(session, plan_id=plan_id, terms=plan.wish, by=member.as_actor())
            return
        code = request.form.get("reply", "")
        reply = replies.get_reply(session, member.company_id, Room.PLAN, code, act="decline")
        answer = queries.reader(session, member, plan).read(reply)
        service.decline(session, plan_id=plan_id, answer=answer, by=member.as_actor())
    else:
        raise NotFound("act.missing", _("There is no such act."))


def paper(member: Member, plan_id: uuid.UUID) -> ResponseReturnValue:
    """The acknowledgement of debt as it was given."""
    with reading() as session:
        plans.get_plan(session, member.company_id, plan_id)
    return files.answer(acknowledge.paper(plan_id))
