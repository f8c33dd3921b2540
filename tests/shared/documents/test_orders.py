"""Long papers: ordered, made in the background portion after portion, complete."""

from __future__ import annotations

import io
import uuid
from datetime import date, timedelta
from importlib import import_module

import pikepdf
import pytest
from sqlalchemy import func, select

from shared.debtors.models import Debtor
from shared.documents import jobs as printing
from shared.documents import keep, orders, render
from shared.documents.models import Document, OrderState, PaperOrder
from shared.kit import personal
from shared.kit.db import reading, transaction
from shared.kit.discarded import DiscardedFile
from shared.kit.errors import Conflict, NotFound
from shared.kit.outbox.models import OutboxMessage
from shared.kit.pdf import PaperTooHeavyError
from shared.kit.personal import Scope
from tests.shared.documents.test_keep import TODAY, YEAR, add_lines, text_of
from tests.support.people import a_company, a_debtor, an_invoice

WHO = uuid.uuid4()


@pytest.fixture
def large(database, frozen, settings, monkeypatch):
    """Dora with 25 open invoices, on a machine where papers of ten lines are long and portions have twenty."""
    monkeypatch.setattr(render, "ROWS_AT_ONCE", 10)
    cut = render.portions
    monkeypatch.setattr(render, "portions", lambda facts, most=20: cut(facts, most))
    with transaction() as session:
        company = a_company(session)
        dora = a_debtor(session, company)
        octave = a_debtor(session, company, "411OCTAVE", "Octave")
        for number in range(25):
            an_invoice(session, dora, f"F-{number:02}", 1_000 + number, due_in=number - 20)
        return {"dora": dora.id, "octave": octave.id}


def ask(debtor_id: uuid.UUID, *, by: uuid.UUID = WHO, **changes) -> keep.KeptFile | uuid.UUID:
    return orders.statement(debtor_id, **(YEAR | {"language": "fr"} | changes), by=by)


def ordered(debtor_id: uuid.UUID, **changes) -> uuid.UUID:
    answer = ask(debtor_id, **changes)
    assert isinstance(answer, uuid.UUID)
    return answer


def work_off() -> int:
    """Perform every waiting start, as the worker does; gives how many there were."""
    count = 0
    while waiting := _waiting():
        for message in waiting:
            printing.print_(message.payload)
        count += len(waiting)
    return count


def _waiting() -> list[OutboxMessage]:
    with transaction() as session:
        found = list(session.scalars(select(OutboxMessage).where(OutboxMessage.job == orders.JOB)))
        for message in found:
            session.delete(message)
        session.flush()
        session.expunge_all()
        return found


def look(debtor_id: uuid.UUID, order_id: uuid.UUID) -> orders.Order:
    with reading() as session:
        return orders.get(session, debtor_id, order_id)


def test_a_short_statement_is_made_at_once(large):
    assert isinstance(ask(large["octave"]), keep.KeptFile)


def test_a_long_statement_is_ordered_and_has_every_line_when_it_is_ready(large):
    order_id = ordered(large["dora"])

    assert look(large["dora"], order_id).state is OrderState.WAITING
    assert work_off() == 5  # what it says, three portions of 25 items and 25 movements, and the whole
    order = look(large["dora"], order_id)
    assert order.state is OrderState.READY
    shown = text_of(orders.file(order).content)
    for number in range(25):
        assert shown.count(f"F-{number:02}") == 2, number  # open, and issued
    with pikepdf.open(io.BytesIO(orders.file(order).content)) as opened:
        assert f"Page {len(opened.pages)} / {len(opened.pages)}" in shown.replace("\xa0", " ")


def test_progress_is_seen_and_the_portions_go_when_the_whole_is_there(large):
    order_id = ordered(large["dora"])
    for _ in range(3):
        orders.go_on(order_id)
    order = look(large["dora"], order_id)
    assert (order.state, order.done_count, order.portion_count) == (OrderState.MAKING, 2, 3)

    work_off()

    with reading() as session:
        row = session.get_one(PaperOrder, order_id)
        assert (row.facts, row.portions) == (None, [])
        assert session.scalar(select(func.count()).select_from(DiscardedFile)) == 3


def test_one_portion_started_twice_stands_in_the_paper_once(large):
    order_id = ordered(large["dora"])
    for _ in range(9):  # more starts than steps
        orders.go_on(order_id)
    work_off()

    assert text_of(orders.file(look(large["dora"], order_id)).content).count("F-07") == 2


def test_whoever_asks_for_the_same_gets_the_same_order_and_the_same_file(large):
    first = ordered(large["dora"])
    assert ordered(large["dora"], by=uuid.uuid4()) == first
    work_off()

    again = ask(large["dora"])  # the books may have changed: what they say is looked at again
    assert isinstance(again, uuid.UUID)
    assert again != first
    assert work_off() == 1
    assert look(large["dora"], again).document_id == look(large["dora"], first).document_id


def test_one_person_has_two_long_papers_underway_at_most(large):
    for day in (1, 2):
        ordered(large["dora"], since=date(2026, 1, day))

    with pytest.raises(Conflict, match="several long papers"):
        ask(large["dora"], since=date(2026, 1, 3))
    assert isinstance(ask(large["dora"], since=date(2026, 1, 3), by=uuid.uuid4()), uuid.UUID)


def test_all_together_have_a_bound(large, monkeypatch):
    monkeypatch.setattr(orders, "MOST_OF_ALL", 1)
    ordered(large["dora"])

    with pytest.raises(Conflict, match="Many long papers"):
        ask(large["dora"], since=date(2026, 1, 3), by=uuid.uuid4())


def test_a_portion_has_the_patience_of_the_background_and_not_that_of_the_counter(large, monkeypatch):
    asked: list[int] = []
    made = render.pdf.render

    def render_(*given, **named):
        asked.append(named.get("within_s", render.pdf.CHILD_SECONDS))
        return made(*given, **named)

    monkeypatch.setattr(render.pdf, "render", render_)
    ordered(large["dora"])
    work_off()

    assert set(asked) == {render.PATIENCE_S}, "a machine at work takes ten times as long as an idle one"


def test_a_statement_of_too_many_lines_is_refused_with_what_to_do(large, monkeypatch):
    monkeypatch.setattr(render, "MOST_ROWS", 20)

    with pytest.raises(Conflict, match="Choose a shorter period, or take the workbook or the CSV"):
        ask(large["dora"])


def test_what_was_too_heavy_is_remembered_for_a_day(large, monkeypatch, frozen):
    def refuse(*_args, **_kwargs):
        raise PaperTooHeavyError("too much")

    monkeypatch.setattr(render, "statement_portion", refuse)
    order_id = ordered(large["dora"])
    work_off()

    assert look(large["dora"], order_id).state is OrderState.FAILED
    assert look(large["dora"], order_id).is_too_heavy
    assert ordered(large["dora"]) == order_id
    frozen.advance(days=1, seconds=1)
    assert ordered(large["dora"]) != order_id


def test_an_order_that_stood_still_for_an_hour_is_given_up_and_may_be_asked_again(large, frozen):
    order_id = ordered(large["dora"])
    frozen.advance(minutes=61)

    assert look(large["dora"], order_id).state is OrderState.FAILED
    again = ordered(large["dora"])
    assert again != order_id, "the worker was away: nothing says that the paper is too long"
    work_off()
    assert look(large["dora"], again).state is OrderState.READY
    assert not look(large["dora"], order_id).is_too_heavy


def test_anothers_order_is_not_there(large):
    order_id = ordered(large["dora"])

    with pytest.raises(NotFound):
        look(large["octave"], order_id)


def test_an_invoice_of_very_many_lines_is_made_in_the_background_and_carries_its_data(large, monkeypatch):
    monkeypatch.setattr(render, "ROWS_AT_ONCE", 1)
    with transaction() as session:
        invoice = an_invoice(session, session.get_one(Debtor, large["octave"]), "F-LONG", 12_660, due_in=5)
        invoice.net_minor, invoice.vat_minor = 10_600, 2_060
        add_lines(session, invoice)
        invoice_id = invoice.id

    order_id = orders.invoice(invoice_id, None, today=TODAY, by=WHO)
    assert isinstance(order_id, uuid.UUID)
    work_off()

    made = orders.file(look(large["octave"], order_id))
    assert made.is_electronic
    assert made.name == "Facture F-LONG.pdf"
    again = orders.invoice(invoice_id, None, today=TODAY, by=WHO)
    assert isinstance(again, keep.KeptFile)
    assert again.content == made.content


def test_old_orders_go_with_the_sweep_and_their_papers_stay(large):
    order_id = ordered(large["dora"])
    work_off()
    import_module("shared.documents.personal")
    kind = personal.get("orders")

    with transaction() as session:
        scope = Scope(None, session.get_one(PaperOrder, order_id).created_at + timedelta(days=1))
        kind.remove(session, session.execute(kind.due(scope)).all())

    with reading() as session:
        assert session.get(PaperOrder, order_id) is None
        assert session.scalar(select(func.count()).select_from(Document)) == 1


def test_the_csv_of_a_statement_has_every_open_item_and_every_movement(large):
    made = keep.statement_table(large["dora"], **YEAR, language="fr", form="csv")

    lines = made.content.decode("utf-8-sig").splitlines()
    assert made.name.endswith(".csv")
    assert sum(line.startswith("Écritures ouvertes;") for line in lines) == 25
    assert sum(line.startswith("Mouvements;") for line in lines) == 27  # with both balances
    assert lines[-1].endswith(";253,00")
