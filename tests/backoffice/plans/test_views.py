"""Plans at the desk: decided, offered, changed, paused, ended, exported; and never another company's."""

from __future__ import annotations

import csv
import io
import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from backoffice.access.permissions import Role
from payments.plans import accepting, proposals, queries, running, service
from payments.plans.accepting import Evidence
from payments.plans.models import Plan
from payments.plans.rules import Policy, Terms
from payments.plans.status import PlanStatus
from shared.debtors.models import Contact, Debtor, DebtorContact, DebtorKind
from shared.kit import clock
from shared.kit.actors import Actor
from shared.kit.audit import AuditLine
from shared.kit.db import reading, transaction
from shared.kit.money import Money, format_money
from shared.messages.models import Message
from tests.backoffice.conftest import Desk, World
from tests.support.people import SYSTEM

S = PlanStatus
Proposals = Callable[..., uuid.UUID]


@pytest.fixture
def dora_proposes(world: World) -> Proposals:
    """Dora proposes so many instalments; the policy of businesses answers, or a person must when it grants nothing."""

    def propose(count: int = 3, *, to_person: bool = True, message: str = "Bad season.") -> uuid.UUID:
        with transaction() as session:
            if to_person:
                policy = Policy(largest_total_minor=0)
                service.set_policy(
                    session, company_id=world.company, kind=DebtorKind.BUSINESS, policy=policy, by=SYSTEM
                )
            return service.propose(
                session,
                debtor_id=world.dora,
                contact_id=contact_of(world.dora),
                invoice_ids=None,
                wish=Terms(first_on=clock.today() + timedelta(days=7), count=count),
                message=message,
                attempt=str(uuid.uuid4()),
                by=Actor.contact(uuid.UUID(int=1), "Dora"),
            ).id

    return propose


def contact_of(debtor_id: uuid.UUID) -> uuid.UUID:
    with reading() as session:
        return session.query(DebtorContact.contact_id).filter_by(debtor_id=debtor_id).scalar()  # type: ignore[no-any-return]


def accepted(plan_id: uuid.UUID, debtor_id: uuid.UUID) -> uuid.UUID:
    with transaction() as session:
        contact = session.get_one(Contact, contact_of(debtor_id))
        evidence = Evidence(contact.id, contact.name, contact.email, "192.0.2.7", "Firefox", "en")
        accepting.accept(session, plan_id=plan_id, evidence=evidence, by=Actor.contact(contact.id, contact.name))
    return plan_id


@pytest.fixture
def running_plan(world: World, dora_proposes: Proposals) -> uuid.UUID:
    return accepted(dora_proposes(to_person=False), world.dora)


def status(plan_id: uuid.UUID) -> PlanStatus:
    with reading() as session:
        return session.get_one(Plan, plan_id).status


def test_a_proposal_to_decide_stands_in_the_queue_the_rail_and_today(ines: Desk, dora_proposes: Proposals) -> None:
    plan_id = dora_proposes()
    page = ines.get("/plans?state=asked").text

    assert "Dora Durand SARL" in page
    assert "€200.00" in page
    assert str(plan_id) in page
    assert "Plans to decide" in ines.get("/").text
    assert 'href="/plans?state=asked"' in page


def test_the_page_of_a_proposal_says_what_stands_against_it(ines: Desk, dora_proposes: Proposals) -> None:
    page = ines.get(f"/plans/{dora_proposes()}").text

    assert "the sum is above the limit" in page
    assert "Bad season." in page
    assert "Score: 100 of 100." in page
    assert "Agree as proposed" in page


def test_agreeing_offers_the_debtors_own_terms(ines: Desk, dora_proposes: Proposals) -> None:
    plan_id = dora_proposes(4)
    answer = ines.post(f"/plans/{plan_id}/grant")

    assert answer.status_code == 303
    assert status(plan_id) is S.OFFERED
    with reading() as session:
        plan = session.get_one(Plan, plan_id)
        assert plan.terms == plan.wish


def test_another_offer_is_drawn_and_made(ines: Desk, world: World, dora_proposes: Proposals) -> None:
    plan_id = dora_proposes(10)
    first = (clock.today() + timedelta(days=9)).isoformat()
    terms = {"split": "count", "count": "2", "rhythm": "monthly", "first_on": first, "first": "150"}
    drawn = ines.get(
        f"/debtors/{world.dora}/plans/preview?plan={plan_id}&" + "&".join(f"{k}={v}" for k, v in terms.items())
    )
    page = ines.get(f"/plans/{plan_id}/offer").text
    answer = ines.post(
        f"/plans/{plan_id}/offer", {**terms, "answer": "A little more at first?", "days": "10", "attempt": "x"}
    )

    assert "€150.00" in drawn.text
    assert "The policy alone would not grant this." in drawn.text
    assert "<html" not in drawn.text
    assert "Offer terms for" in page
    assert answer.status_code == 303, answer.text
    with reading() as session:
        plan = queries.get_plan(session, world.company, plan_id)
    assert plan.is_counter_offer
    assert [due.minor for due in plan.days] == [15_000, 5_000]
    assert plan.answer == "A little more at first?"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"count": "1"}, "Between 2 and 120."),
        ({"count": ""}, "This is needed."),
        ({"split": "each"}, "This is needed."),
        ({"first": "0"}, "The amount must be more than zero."),
        ({"first_on": "never"}, "This is not a day."),
        ({"days": "0"}, "Between 1 and 60 days."),
    ],
)
def test_wrong_terms_are_said_and_nothing_is_offered(
    ines: Desk, dora_proposes: Proposals, wrong: dict[str, str], said: str
) -> None:
    plan_id = dora_proposes()
    terms = {"split": "count", "count": "2", "rhythm": "monthly", "first_on": "2099-01-01", "days": "7"}
    answer = ines.post(f"/plans/{plan_id}/offer", {**terms, **wrong, "attempt": "x"})

    assert answer.status_code == 422
    assert said in answer.text
    assert status(plan_id) is S.NEEDS_PERSON


def test_a_refusal_needs_grounds_which_the_debtor_reads(ines: Desk, dora_proposes: Proposals) -> None:
    plan_id = dora_proposes()

    assert ines.post(f"/plans/{plan_id}/decline").status_code == 303
    assert status(plan_id) is S.NEEDS_PERSON
    ines.post(f"/plans/{plan_id}/decline", {"answer": "Please pay the oldest first."})
    assert status(plan_id) is S.DECLINED
    assert "Please pay the oldest first." in ines.get(f"/plans/{plan_id}").text


def test_an_offer_can_be_taken_back(ines: Desk, dora_proposes: Proposals) -> None:
    plan_id = dora_proposes(to_person=False)
    ines.post(f"/plans/{plan_id}/withdraw")

    assert status(plan_id) is S.CANCELLED


def test_a_running_plan_shows_schedule_consent_and_paper(ines: Desk, running_plan: uuid.UUID) -> None:
    page = ines.get(f"/plans/{running_plan}").text
    paper = ines.get(f"/plans/{running_plan}/agreement.pdf")

    assert "Schedule and what came" in page
    assert "Proof of consent" in page
    assert "192.0.2.7" in page
    assert "Pause the plan" in page
    assert paper.data.startswith(b"%PDF")
    assert paper.headers["Content-Disposition"].startswith("attachment")


def test_a_plan_is_paused_and_goes_on_from_a_new_day(ines: Desk, world: World, running_plan: uuid.UUID) -> None:
    ines.post(f"/plans/{running_plan}/pause", {"answer": "Works closed"})
    assert status(running_plan) is S.PAUSED
    assert "The plan rests." in ines.get(f"/plans/{running_plan}").text
    day = clock.today() + timedelta(days=20)
    ines.post(f"/plans/{running_plan}/resume", {"first_on": day.strftime("%d/%m/%Y")})

    assert status(running_plan) is S.ACTIVE
    with reading() as session:
        assert queries.get_plan(session, world.company, running_plan).instalments[0].due_on == day


def test_a_default_is_declared_and_resumed(ines: Desk, running_plan: uuid.UUID) -> None:
    ines.post(f"/plans/{running_plan}/default", {"answer": "Nobody answers"})
    assert status(running_plan) is S.IN_DEFAULT
    page = ines.get(f"/plans/{running_plan}").text
    assert "In default: €200.00 is due at once." in page
    assert "Nobody answers" in page
    assert "Dora Durand SARL" in ines.get("/plans?state=default").text
    ines.post(f"/plans/{running_plan}/resume", {"first_on": (clock.today() + timedelta(days=3)).isoformat()})
    assert status(running_plan) is S.ACTIVE


def test_a_change_is_an_offer_beside_the_plan_that_goes_on(ines: Desk, world: World, running_plan: uuid.UUID) -> None:
    page = ines.get(f"/plans/{running_plan}/change").text
    assert "The old plan goes on until the debtor accepts the new schedule." in page
    first = (clock.today() + timedelta(days=30)).isoformat()
    terms = {"split": "each", "each": "50,00", "count": "", "rhythm": "monthly", "first_on": first, "days": "7"}
    answer = ines.post(f"/plans/{running_plan}/change", {**terms, "change": "1", "attempt": "x", "answer": ""})

    assert answer.status_code == 303, answer.text
    assert status(running_plan) is S.ACTIVE
    new = uuid.UUID(answer.location.rpartition("/")[2])
    assert status(new) is S.OFFERED
    accepted(new, world.dora)
    assert status(running_plan) is S.CANCELLED
    assert "The plan that it replaces" in ines.get(f"/plans/{new}").text


def test_ending_a_plan_says_why(ines: Desk, running_plan: uuid.UUID) -> None:
    ines.post(f"/plans/{running_plan}/cancel", {"answer": "Paid to the bailiff"})

    assert status(running_plan) is S.CANCELLED
    assert "Paid to the bailiff" in ines.get(f"/plans/{running_plan}").text


def test_an_act_that_came_too_late_changes_nothing_and_says_so(ines: Desk, running_plan: uuid.UUID) -> None:
    with transaction() as session:
        running.cancel(session, plan_id=running_plan, reason="before", by=SYSTEM)
    ines.post(f"/plans/{running_plan}/pause", {"answer": "late"})

    assert "This plan has moved on meanwhile." in ines.get(f"/plans/{running_plan}").text
    assert ines.get(f"/plans/{running_plan}/offer").status_code == 409
    assert ines.get(f"/plans/{running_plan}/change").status_code == 409


def test_staff_open_a_plan_from_the_debtors_page(ines: Desk, world: World) -> None:
    assert f"/debtors/{world.dora}/plans/new" in ines.get(f"/debtors/{world.dora}").text
    page = ines.get(f"/debtors/{world.dora}/plans/new").text
    assert "€200.00" in page
    first = (clock.today() + timedelta(days=5)).isoformat()
    terms = {"split": "count", "count": "2", "rhythm": "fortnightly", "first_on": first, "days": "7"}
    answer = ines.post(
        f"/debtors/{world.dora}/plans/new", {**terms, "invoice": str(world.late), "chosen": "1", "attempt": "x"}
    )

    assert answer.status_code == 303, answer.text
    with reading() as session:
        (line,) = queries.plans_of(session, world.dora)
    assert line.total.minor == 12_000
    assert line.status is S.OFFERED
    shown = ines.get(f"/debtors/{world.dora}").text
    assert line.reference in shown
    assert "Plan: offered" in shown


def test_the_queue_is_filtered_searched_and_exported(ines: Desk, world: World, dora_proposes: Proposals) -> None:
    plan_id = dora_proposes()
    with reading() as session:
        reference = session.get_one(Plan, plan_id).reference
    answer = ines.get("/plans.csv?state=asked")
    rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig")), delimiter=";"))

    assert reference in ines.get(f"/plans?q={reference}").text
    assert reference in ines.get("/plans?q=dora").text
    assert reference not in ines.get("/plans?state=late").text
    assert reference not in ines.get("/plans?state=mine").text
    assert reference in ines.get(f"/plans?state=all&debtor={world.dora}&sort=total").text
    assert any(reference in cell for row in rows for cell in row)
    assert ines.get("/plans.xlsx").data.startswith(b"PK")
    assert ines.get("/plans.pdf").status_code == 404


def test_plans_are_assigned_alone_and_together(ines: Desk, dora_proposes: Proposals) -> None:
    plan_id = dora_proposes()
    with reading() as session:
        from backoffice.access.models import StaffMember

        me = session.query(StaffMember.id).scalar()
    ines.post(f"/plans/{plan_id}/assign", {"assignee": str(me)})
    assert "Dora Durand SARL" in ines.get("/plans?state=mine").text
    ines.post("/plans", {"id": str(plan_id), "act": "assign", "assignee": ""})
    assert "Dora Durand SARL" not in ines.get("/plans?state=mine").text
    ines.post("/plans", {"id": str(plan_id), "act": "grant"})
    assert status(plan_id) is S.OFFERED
    ines.post("/plans", {"id": str(plan_id), "act": "grant"})
    assert "Left as it is: 1." in ines.get("/plans").text


def test_the_policy_of_each_kind_is_changed_and_kept(ines: Desk, world: World) -> None:
    page = ines.get("/setup/plans").text
    assert "no fee and no interest" in page
    form = {
        "kind": "consumer",
        "consumer-is_offered": "y",
        "consumer-largest_total": "1 500,00",
        "consumer-smallest_instalment": "25",
        "consumer-longest_months": "10",
        "consumer-share_up_front": "20",
        "consumer-first_within_days": "15",
        "consumer-minimum_score": "40",
        "consumer-most_live": "1",
        "consumer-offer_days": "5",
        "consumer-pause_days": "3",
        "consumer-coming_days": "4",
        "consumer-late_after_days": "2",
        "consumer-grace_days": "12",
        "consumer-resumes_at": "formal_step",
        "consumer-clause_fr": "Clause à nous.",
        "consumer-clause_en": "",
    }
    refused = ines.post("/setup/plans", form | {"consumer-share_up_front": "95"})
    assert refused.status_code == 422
    assert "Between 0 and 90." in refused.text
    assert ines.post("/setup/plans", form).status_code == 303
    with reading() as session:
        policy = proposals.policy_of(session, world.company, DebtorKind.CONSUMER)
        business = proposals.policy_of(session, world.company, DebtorKind.BUSINESS)
        acts = [row.action for row in session.query(AuditLine)]
    assert (policy.largest_total_minor, policy.share_up_front, policy.clause_fr) == (150_000, 20, "Clause à nous.")
    assert business == Policy()
    assert "plan_policy.set" in acts


def test_plans_of_another_company_are_not_there(ines: Desk, world: World) -> None:
    with transaction() as session:
        debtor = session.get_one(Debtor, world.foreign_debtor)
        theirs = service.propose_by_staff(
            session,
            debtor_id=debtor.id,
            invoice_ids=None,
            terms=Terms(first_on=clock.today(), count=2),
            answer="",
            attempt="theirs",
            by=SYSTEM,
        ).id

    for path in ("", "/agreement.pdf", "/offer", "/change"):
        assert ines.get(f"/plans/{theirs}{path}").status_code == 404, path
    for act in ("assign", "offer", "change", "grant", "decline", "withdraw", "pause", "resume", "cancel", "default"):
        data = {"answer": "x", "reason": "x", "first_on": "2099-01-01"}
        assert ines.post(f"/plans/{theirs}/{act}", data).status_code == 404, act
    assert ines.post("/plans", {"id": str(theirs), "act": "assign"}).status_code == 404
    assert ines.get(f"/debtors/{world.foreign_debtor}/plans/new").status_code == 404
    assert ines.get(f"/debtors/{world.foreign_debtor}/plans/preview").status_code == 404
    assert ines.get(f"/debtors/{world.dora}/plans/preview?plan={theirs}").status_code == 404
    assert status(theirs) is S.OFFERED


@pytest.mark.parametrize(("role", "may"), [(Role.AGENT, False), (Role.AUDITOR, False), (Role.ACCOUNTANT, True)])
def test_only_those_who_may_decide_see_and_do_it(
    desk: Desk, world: World, dora_proposes: Proposals, role: Role, *, may: bool
) -> None:
    plan_id = dora_proposes()
    desk.add("role@guichet.example", role)
    desk.sign_in("role@guichet.example")
    page = desk.get(f"/plans/{plan_id}")

    assert page.status_code == 200
    assert ("Agree as proposed" in page.text) is may
    assert desk.post(f"/plans/{plan_id}/grant").status_code == (303 if may else 403)


def test_an_act_is_told_in_the_debtors_words_and_language(ines: Desk, world: World, running_plan: uuid.UUID) -> None:
    page = ines.get(f"/plans/{running_plan}?reply-pause=rest_asked_for").text
    assert page.count("data-confirm open") == 1
    ready = page.split('id="pause-answer"')[1].split(">")[1].split("<")[0]
    with reading() as session:
        reference = session.get_one(Plan, running_plan).reference
    assert ready.startswith(f"À votre demande, le plan {reference} est suspendu.")
    assert ready not in ines.get(f"/plans/{running_plan}").text.split("<textarea")[1].split("</textarea")[0]

    ines.post(f"/plans/{running_plan}/pause", {"answer": f"{ready}\n\nInès"})
    assert status(running_plan) is S.PAUSED
    with reading() as session:
        (mail,) = session.scalars(select(Message).where(Message.kind == "plan_paused"))
    assert "Inès" in mail.text_body
    assert ready.split(".")[1].strip() in " ".join(mail.text_body.split())
    ines.post(f"/plans/{running_plan}/cancel", {"answer": " "})
    assert status(running_plan) is S.PAUSED


def test_an_offer_comes_with_a_ready_answer(ines: Desk, world: World, dora_proposes: Proposals) -> None:
    plan_id = dora_proposes()
    assert "Nous ne pouvons pas attendre aussi longtemps" in ines.get(f"/plans/{plan_id}/offer?reply=shorter").text
    opened = ines.get(f"/debtors/{world.dora}/plans/new").text
    assert '<option value="as_agreed"' in opened


def test_proposals_are_declined_together_each_with_its_own_amount(
    ines: Desk, world: World, dora_proposes: Proposals
) -> None:
    plan_id = dora_proposes()
    sent = {"id": str(plan_id), "act": "decline", "reply": "too_long", "keep-state": "all"}
    assert ines.post("/plans", {**sent, "reply": "received"}).status_code == 303
    assert status(plan_id) is S.NEEDS_PERSON
    assert ines.post("/plans", sent).location == "/plans?state=all"
    ines.post("/plans", sent)

    page = ines.get("/plans?state=all").text
    assert "There is no such reply." in page
    assert "Done: 1." in page
    assert "Left as it is: 1. It does not wait for a decision." in page
    assert status(plan_id) is S.DECLINED
    with reading() as session:
        plan = session.get_one(Plan, plan_id)
        assert "{{" not in plan.answer
        assert format_money(Money(plan.total_minor, "EUR"), "fr") in plan.answer
