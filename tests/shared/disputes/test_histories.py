"""Random lives of disputes on a real database: what is frozen is what the disputes say, and the books agree."""

from __future__ import annotations

import contextlib
import uuid
from datetime import timedelta
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from payments.collections.eligible import facts_of
from shared.company.models import Company
from shared.debtors.models import Debtor
from shared.debtors.service import lock_debtor
from shared.disputes import service
from shared.disputes.jobs import after_return, watch
from shared.disputes.models import Dispute, DisputePart
from shared.disputes.rules import LIVE
from shared.disputes.service import Claim, CreditWish
from shared.invoices.models import PAUSES, Freeze, FreezeKind, Invoice, InvoiceKind
from shared.invoices.service import freeze
from shared.kit import clock
from shared.kit.actors import Actor
from shared.kit.db import reading, transaction
from shared.kit.errors import DomainError
from shared.ledger import service as ledger
from shared.ledger.models import Account
from shared.ledger.rules import Part
from tests.shared.disputes.conftest import STAFF
from tests.support.people import SYSTEM, a_debtor, an_invoice

DORA = Actor.contact(uuid.UUID(int=1), "Dora")

EVENTS = st.one_of(
    st.tuples(st.just("raise"), st.integers(0, 1), st.one_of(st.none(), st.integers(1, 12_000))),
    st.tuples(st.sampled_from(["reject", "withdraw", "reopen", "reopen_by_staff", "say", "ask"]), st.integers(0, 3)),
    st.tuples(st.just("accept"), st.integers(0, 3), st.sampled_from([0, 1, 2])),
    st.tuples(st.just("pay"), st.integers(0, 1), st.integers(1, 12_000)),
    st.tuples(st.just("pay_ahead"), st.none(), st.integers(1, 20_000)),
    st.tuples(st.just("hold"), st.integers(0, 1), st.integers(1, 12_000)),
    st.tuples(st.just("other_freeze"), st.integers(0, 1), st.sampled_from([FreezeKind.PLAN, FreezeKind.PROMISE])),
    st.tuples(st.just("days"), st.integers(1, 12)),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=st.lists(EVENTS, max_size=12))
def test_whatever_happens_what_is_frozen_is_neither_collected_nor_lost(case, history) -> None:
    with transaction() as session:
        company = session.get_one(Company, case.company_id)
        debtor = a_debtor(session, company, f"411{uuid.uuid4().hex[:8]}", "Dora", language="en")
        debtor_id = debtor.id
        invoices = [an_invoice(session, debtor, f"F-{n}", 12_000, due_in=n * 9 - 5).id for n in range(2)]
    for event in history:
        with contextlib.suppress(DomainError):  # a refusal is an answer; nothing was written
            _happen(case, debtor_id, invoices, event)
        _check(debtor_id)


def _happen(case, debtor_id, invoices, event) -> None:
    name, *facts = event
    if name == "raise":
        place, minor = facts
        with transaction() as session:
            service.raise_dispute(
                session,
                debtor_id=debtor_id,
                claims=[Claim(invoices[place], minor=minor)],
                reason_code="price",
                text="No.",
                attempt=str(uuid.uuid4()),
                by=SYSTEM,
            )
    elif name in ("pay", "pay_ahead", "hold"):
        place, minor = facts
        with transaction() as session:
            debtor = lock_debtor(session, debtor_id)
            occasion = ledger.Occasion(at=clock.now(), value_on=clock.today(), payment_id=uuid.uuid4())
            parts = [] if place is None else [Part(invoices[place], minor)]
            if name == "hold":
                ledger.hold(session, debtor, parts, account=Account.GOCARDLESS, occasion=occasion)
            else:
                ledger.settle_directly(
                    session, debtor, account=Account.BANK, minor=minor, parts=parts, occasion=occasion
                )
    elif name == "other_freeze":
        place, kind = facts
        with transaction() as session:
            freeze(session, invoice_id=invoices[place], kind=kind, reason="x", by=SYSTEM)
    elif name == "days":
        case.clock.advance(days=facts[0])
        watch({})
        after_return({"debtor_id": str(debtor_id)})
    else:
        _decide(debtor_id, name, facts)


def _decide(debtor_id, name, facts) -> None:
    with reading() as session:
        ids = session.scalars(select(Dispute.id).where(Dispute.debtor_id == debtor_id).order_by(Dispute.id)).all()
    if facts[0] >= len(ids):
        return
    one = ids[facts[0]]
    with transaction() as session:
        if name == "accept":
            parts = session.scalars(select(DisputePart).where(DisputePart.dispute_id == one)).all()
            minors = {part.id: (part.amount_minor - part.credited_minor) * facts[1] // 2 for part in parts}
            wish = CreditWish(minors=minors, vat_rate=Decimal(20))
            service.accept(session, dispute_id=one, credit=wish, text="Yes.", by=STAFF)
        elif name == "reject":
            service.reject(session, dispute_id=one, grounds="No.", by=STAFF)
        elif name == "withdraw":
            service.withdraw(session, dispute_id=one, by=DORA)
        elif name in ("say", "ask"):
            service.say(session, dispute_id=one, text=str(uuid.uuid4()), asks=name == "ask", by=STAFF)
        else:
            by = STAFF if name == "reopen_by_staff" else DORA
            service.reopen(session, dispute_id=one, text="Again.", by=by)


def _check(debtor_id) -> None:
    with reading() as session:
        debtor = session.get_one(Debtor, debtor_id)
        documents = session.scalars(select(Invoice).where(Invoice.debtor_id == debtor_id)).all()
        live = session.scalars(select(Freeze).where(Freeze.debtor_id == debtor_id, Freeze.lifted_at.is_(None))).all()
        disputes = session.scalars(select(Dispute).where(Dispute.debtor_id == debtor_id)).all()
        sign = {InvoiceKind.INVOICE: 1, InvoiceKind.CREDIT_NOTE: -1}
        assert debtor.open_minor == sum(sign[each.kind] * each.open_minor for each in documents)
        credit, covered, coverable = debtor.credit_minor, 0, 0
        for invoice in documents:
            mine = [each for each in live if each.invoice_id == invoice.id]
            frozen = sum(each.amount_minor for each in mine if each.kind not in PAUSES)
            paused = sum(each.amount_minor for each in mine if each.kind in PAUSES)
            assert (invoice.frozen_minor, invoice.paused_minor) == (frozen, paused)
            if invoice.kind is InvoiceKind.INVOICE:
                free = max(0, invoice.open_minor - invoice.held_minor - frozen - paused)
                facts = facts_of(session, debtor, invoice.id)
                assert facts.free_minor == invoice.collectable_minor == free
                covered += facts.credit_minor
                coverable += max(0, invoice.open_minor - frozen - paused)  # credit is not set against what is paused
            else:
                credit += invoice.open_minor
        assert covered == min(credit, coverable)  # no debit takes what credit covers, and credit covers nothing twice
        for dispute in disputes:
            of_it = [each for each in live if each.subject_id == dispute.id]
            kinds = {each.kind for each in of_it}
            if dispute.status in LIVE:
                assert kinds <= {FreezeKind.DISPUTE}
            else:
                assert kinds <= {FreezeKind.RESPITE}
                assert not of_it or (dispute.owed_again_on is not None and dispute.released_at is None)
            assert 0 <= dispute.credited_minor <= dispute.claimed_minor
            assert dispute.ended_at is None or dispute.status not in LIVE
            assert dispute.due_on >= dispute.opened_at.date() + timedelta(days=1)
