"""What the queues ask alike: whose it is, what is searched for, what it adds up to; and the debtor that a page is about."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from contextlib import suppress
from datetime import date

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session

from backoffice.listing import Ask, Column, Query, is_small, like
from shared.debtors.models import BY_NAME, Debtor
from shared.debtors.service import searchable
from shared.kit.errors import NotFound
from shared.kit.ids import normalise_reference
from shared.kit.words import gettext as _


def called(company_id: uuid.UUID, text: str) -> Select[uuid.UUID]:
    """The debtors of a company in whose names, codes and addresses every word of a text is found."""
    debtors = select(Debtor.id).where(Debtor.company_id == company_id)
    for word in searchable(text).split():
        debtors = debtors.where(Debtor.search_text.like(like(word)))
    return debtors


def found_by(
    text: str,
    company_id: uuid.UUID,
    *,
    reference: Column,
    debtor_id: Column,
    also: tuple[ColumnElement[bool], ...] = (),
) -> ColumnElement[bool]:
    """What a search finds: by its reference as people write it, by its debtor, or by `also`."""
    written = reference.in_([text, normalise_reference(text) or text])
    return or_(written, debtor_id.in_(called(company_id, text)), *also)


def of_person(query: Query, who: str, column: Column, me: uuid.UUID) -> Query:
    """What is mine ("me") or nobody's ("nobody"); everything otherwise."""
    if who == "me":
        return query.where(column == me)
    return query.where(column.is_(None)) if who == "nobody" else query


def equal(query: Query, ask: Ask, name: str, column: Column) -> Query:
    """A filter that holds an id or a day; one that somebody has changed filters nothing."""
    if ask.get(name):
        read = date.fromisoformat if column.type.python_type is date else uuid.UUID
        with suppress(ValueError):
            query = query.where(column == read(ask.get(name)))
    return query


def added_up(session: Session, ask: Ask, matching: Query, identity: Column, *amounts: Column) -> tuple[int, ...] | None:
    """How many rows a selection has, and the sums of `amounts`; None for a large one, unless that is asked for."""
    if not ask.wants_totals and not is_small(session, matching.with_only_columns(identity)):
        return None
    rows = matching.with_only_columns(*amounts).subquery()
    sums = (func.coalesce(func.sum(column), 0) for column in rows.columns)
    return tuple(int(value) for value in session.execute(select(func.count(), *sums).select_from(rows)).one())


def debtors_called(session: Session, company_id: uuid.UUID, text: str, *, most: int = 20) -> Sequence[Debtor]:
    """The first debtors that a search finds, by name."""
    query = select(Debtor).where(Debtor.id.in_(called(company_id, text)))
    return session.scalars(query.order_by(BY_NAME, Debtor.id).limit(most)).all()


def get_debtor(session: Session, company_id: uuid.UUID, debtor_id: uuid.UUID) -> Debtor:
    """A debtor of this company; raises NotFound for anybody else's."""
    found = session.scalar(select(Debtor).where(Debtor.id == debtor_id, Debtor.company_id == company_id))
    if found is None:
        raise NotFound("debtor.missing", _("There is no such debtor."))
    return found
