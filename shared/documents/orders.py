"""Papers that nobody can wait for: ordered, made in the background portion after portion, and kept like any other.

A portion is laid out in its own child process and stored, and the next one is asked for by a message of its own: mails between
two portions do not wait for the whole, and whoever is killed loses one portion.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from shared.debtors.models import Debtor
from shared.documents import keep, queries, render
from shared.documents.facts import InvoiceFacts, Language, StatementFacts, from_json
from shared.documents.keep import Draft, KeptFile, Standing, TooLongAtOnce
from shared.documents.models import DocumentKind, OrderState, PaperOrder
from shared.kit import clock, discarded, files, outbox
from shared.kit.db import assert_outside_transaction, reading, transaction
from shared.kit.errors import Conflict, NotFound
from shared.kit.ids import new_id
from shared.kit.pdf import PaperTooHeavyError
from shared.kit.words import gettext as _

JOB = "documents.print"
UNDERWAY = (OrderState.WAITING, OrderState.MAKING)
MOST_OF_ONE = 2
"""So many orders of one person are underway at a time."""
MOST_OF_ALL = 30
GIVEN_UP_AFTER = timedelta(hours=1)
"""A portion takes a dozen seconds, and its tries less than this: an order that stood still so long will not go on."""
FAILED_FOR = timedelta(days=1)
"""So long a paper that was too heavy is not tried again: it would fail again, minutes later. One that was given up may be."""
KEPT_FOR = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Order:
    """How far a paper has come."""

    id: uuid.UUID
    debtor_id: uuid.UUID
    kind: DocumentKind
    subject_id: uuid.UUID
    since_on: date | None
    until_on: date | None
    asked_on: date
    state: OrderState
    done_count: int
    portion_count: int
    document_id: uuid.UUID | None
    is_too_heavy: bool

    @property
    def is_underway(self) -> bool:
        return self.state in UNDERWAY


def statement(
    debtor_id: uuid.UUID, *, since: date, until: date, today: date, language: Language | None, by: uuid.UUID
) -> KeptFile | uuid.UUID:
    """An account statement as PDF, or the order of one that is too long to wait for.

    `by` is the contact or member of staff who asks. Raises NotFound, Invalid, and Conflict when too many are underway.
    """
    assert_outside_transaction()
    with reading() as session:
        lines = queries.count_statement_lines(session, debtor_id, since=since, until=until)
        language = language or queries.get_parties(session, debtor_id).language
    if lines <= render.ROWS_AT_ONCE:
        try:
            return keep.statement(debtor_id, since=since, until=until, today=today, language=language)
        except TooLongAtOnce:  # more was open at the end of that period than is today
            pass
    if lines > render.MOST_ROWS:
        raise Conflict(
            "document.too_long",
            _(
                "This statement would have more than a thousand pages. Choose a shorter period, or take the workbook or the CSV."
            ),
        )
    wanted = f"{since.isoformat()}/{until.isoformat()}/{language}"
    with transaction() as session:
        order = PaperOrder(
            debtor_id=debtor_id,
            kind=DocumentKind.STATEMENT,
            subject_id=debtor_id,
            wanted=wanted,
            language=language,
            since_on=since,
            until_on=until,
            asked_on=today,
            asked_by=by,
        )
        return _place(session, order)


def invoice(invoice_id: uuid.UUID, standing: Standing | None, *, today: date, by: uuid.UUID) -> KeptFile | uuid.UUID:
    """An invoice's PDF as `keep.invoice` gives it, or the order of one with very many lines."""
    try:
        return keep.invoice(invoice_id, standing, is_patient=False)
    except TooLongAtOnce as long:
        draft = long.draft
    with transaction() as session:
        order = PaperOrder(
            debtor_id=draft.parties.debtor_id,
            kind=draft.kind,
            subject_id=invoice_id,
            wanted=draft.version,
            language=draft.language,
            asked_on=today,
            asked_by=by,
            facts=draft.facts,
            version=draft.version,
            portion_count=1,
        )
        return _place(session, order)


def _place(session: Session, order: PaperOrder) -> uuid.UUID:
    """The order of the same that is underway or was too heavy lately, else this one."""
    now = clock.now()
    _give_up(session)
    same = select(PaperOrder.id).where(
        PaperOrder.kind == order.kind, PaperOrder.subject_id == order.subject_id, PaperOrder.wanted == order.wanted
    )
    lately = PaperOrder.is_too_heavy & (PaperOrder.touched_at > now - FAILED_FOR)
    known = same.where(PaperOrder.state.in_(UNDERWAY) | lately).order_by(PaperOrder.id.desc())
    for found in session.scalars(known.limit(1)):
        return found
    underway = select(func.count()).where(PaperOrder.state.in_(UNDERWAY))
    if (session.scalar(underway.where(PaperOrder.asked_by == order.asked_by)) or 0) >= MOST_OF_ONE:
        raise Conflict(
            "document.orders", _("You have asked for several long papers. Please wait until one of them is ready.")
        )
    if (session.scalar(underway) or 0) >= MOST_OF_ALL:
        raise Conflict(
            "document.orders", _("Many long papers are being made at the moment. Please ask again in a few minutes.")
        )
    values = {column.key: getattr(order, column.key) for column in PaperOrder.__mapper__.column_attrs}
    company_id = session.get_one(Debtor, order.debtor_id).company_id
    values |= {"id": new_id(), "company_id": company_id, "state": OrderState.WAITING, "version": order.version or ""}
    values |= {
        "portion_count": order.portion_count or 0,
        "portions": [],
        "is_too_heavy": False,
        "created_at": now,
        "touched_at": now,
    }
    written: uuid.UUID | None = session.scalar(
        insert(PaperOrder)
        .values(values)
        .on_conflict_do_nothing(
            index_elements=["kind", "subject_id", "wanted"], index_where=PaperOrder.state.in_(UNDERWAY)
        )
        .returning(PaperOrder.id)
    )
    if written is None:  # somebody asked for the same in this very moment
        return session.scalars(same.where(PaperOrder.state.in_(UNDERWAY))).one()
    outbox.enqueue(session, JOB, {"order": str(written)}, dedupe_key=f"{written}:0")
    return written


def _give_up(session: Session) -> None:
    session.execute(
        update(PaperOrder)
        .where(PaperOrder.state.in_(UNDERWAY), PaperOrder.touched_at < clock.now() - GIVEN_UP_AFTER)
        .values(state=OrderState.FAILED, facts=None)
    )


def get(session: Session, debtor_id: uuid.UUID, order_id: uuid.UUID) -> Order:
    """A debtor's order; raises NotFound for none, or another's."""
    row = session.scalar(select(PaperOrder).where(PaperOrder.id == order_id, PaperOrder.debtor_id == debtor_id))
    if row is None:
        raise NotFound("document.missing", _("There is no such document."))
    return _shown(row)


def recent(session: Session, debtor_id: uuid.UUID) -> list[Order]:
    """A debtor's orders of the last days, the latest first."""
    since = clock.now() - KEPT_FOR
    mine = select(PaperOrder).where(PaperOrder.debtor_id == debtor_id, PaperOrder.created_at > since)
    return [_shown(row) for row in session.scalars(mine.order_by(PaperOrder.id.desc()).limit(10))]


def _shown(row: PaperOrder) -> Order:
    is_still = row.state in UNDERWAY and row.touched_at < clock.now() - GIVEN_UP_AFTER
    return Order(
        id=row.id,
        debtor_id=row.debtor_id,
        kind=row.kind,
        subject_id=row.subject_id,
        since_on=row.since_on,
        until_on=row.until_on,
        asked_on=row.asked_on,
        state=OrderState.FAILED if is_still else row.state,
        done_count=len(row.portions),
        portion_count=row.portion_count,
        document_id=row.document_id,
        is_too_heavy=row.is_too_heavy,
    )


def file(order: Order) -> KeptFile:
    """The finished paper; raises NotFound while there is none."""
    if order.document_id is None:
        raise NotFound("document.missing", _("There is no such document."))
    return keep.kept_file(order.document_id)


def go_on(order_id: uuid.UUID) -> None:
    """Make the next portion of an order, or finish it. Twice is safe: what is made by two is recorded once."""
    with reading() as session:
        row = session.get(PaperOrder, order_id)
        if row is None or row.state not in UNDERWAY:
            return
        session.expunge(row)
    try:
        if row.facts is None:
            _begin(row)
        elif row.kind is DocumentKind.INVOICE:
            _print_invoice(row)
        else:
            _print_portion(row)
    except PaperTooHeavyError:
        _end(row, OrderState.FAILED, None, is_too_heavy=True)


def _begin(row: PaperOrder) -> None:
    """What the statement says, once and for all its portions; when it was made before, that one is it."""
    since, until = row.since_on or row.asked_on, row.until_on or row.asked_on
    with reading() as session:
        facts, parties = queries.statement_facts(
            session, row.debtor_id, since=since, until=until, today=row.asked_on, language=_language(row)
        )
    draft = keep.statement_draft(facts, parties)
    if kept := keep.find(draft):
        _end(row, OrderState.READY, kept.document_id)
        return
    count = len(render.portions(facts))
    _advance(row, facts=draft.facts, version=draft.version, portion_count=count, state=OrderState.MAKING)


def _print_invoice(row: PaperOrder) -> None:
    facts = from_json(InvoiceFacts, row.facts or {})
    draft = _draft(row)
    paper = render.invoice(facts, draft.parties.brand, within_s=render.PATIENCE_S)
    _end(row, OrderState.READY, keep.record(draft, paper).document_id)


def _print_portion(row: PaperOrder) -> None:
    facts, draft, done = from_json(StatementFacts, row.facts or {}), _draft(row), len(row.portions)
    if done < row.portion_count:
        pages = render.statement_portion(facts, draft.parties.brand, render.portions(facts)[done])
        stored = files.get_store().put(pages)
        _advance(row, portions=[*row.portions, stored.sha256])
        return
    store = files.get_store()
    paper = render.joined_statement(facts, [store.get(digest) for digest in row.portions])
    _end(row, OrderState.READY, keep.record(draft, paper).document_id)


def _draft(row: PaperOrder) -> Draft:
    with reading() as session:
        parties = queries.get_parties(session, row.debtor_id)
    return Draft(parties, row.kind, row.subject_id, row.version, row.facts or {}, _language(row))


def _language(row: PaperOrder) -> Language:
    return "fr" if row.language == "fr" else "en"


def _advance(row: PaperOrder, **values: object) -> None:
    """Record a step unless another process did, and ask for the next one."""
    step = len(row.portions) + (row.facts is not None)
    with transaction() as session:
        unchanged = PaperOrder.facts.is_(None) if row.facts is None else PaperOrder.portions == row.portions
        moved = session.execute(
            update(PaperOrder)
            .where(PaperOrder.id == row.id, PaperOrder.state.in_(UNDERWAY), unchanged)
            .values(touched_at=clock.now(), **values)
        )
        if moved.rowcount:  # type: ignore[attr-defined]
            outbox.enqueue(session, JOB, {"order": str(row.id)}, dedupe_key=f"{row.id}:{step + 1}")


def _end(row: PaperOrder, state: OrderState, document_id: uuid.UUID | None, *, is_too_heavy: bool = False) -> None:
    with transaction() as session:
        session.execute(
            update(PaperOrder)
            .where(PaperOrder.id == row.id, PaperOrder.state.in_(UNDERWAY))
            .values(touched_at=clock.now(), state=state, document_id=document_id, facts=None, portions=[])
            .values(is_too_heavy=is_too_heavy)
        )
        discarded.discard(session, row.portions)
