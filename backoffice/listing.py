"""Lists: what the address asks for, one page of it by key, and the links to its neighbours.

A list never counts rows to reach a page: it continues after the last row's sort value and id, at the same speed on
page one and page thousand.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, TypeAlias
from urllib.parse import urlencode

from flask import Response, request, url_for
from sqlalchemy import ColumnElement, Row, Select, func, literal, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from shared.kit.money import Money, format_money
from shared.kit.words import current_language
from shared.kit.words import gettext as _
from shared.web.paging import DEFAULT_SIZE, Page, decode_key, encode_key

MAXIMUM_SEARCH_LENGTH = 100
ADDED_UP_AT_ONCE = 20_000
"""A selection of more rows is added up apart from the page: the page never waits for its totals."""

Query: TypeAlias = Select[*tuple[Any, ...]]
Line: TypeAlias = Row[*tuple[Any, ...]]
Column: TypeAlias = ColumnElement[Any] | InstrumentedAttribute[Any]


@dataclass(frozen=True, slots=True)
class Ask:
    """What a list is asked for: search words, filters, order, place. All of it stands in the address."""

    path: str
    values: Mapping[str, str] = field(default_factory=dict)
    """Search ("q") and filters that are set."""
    sort: str = ""
    after: str = ""
    before: str = ""
    wants_totals: bool = False
    """Whether a large selection is to be added up as well."""

    def get(self, name: str) -> str:
        """The value of a filter, or ""."""
        return self.values.get(name, "")

    @property
    def q(self) -> str:
        return self.get("q")

    def address(self, **changes: str) -> str:
        """This list with other filters (an empty value takes one away), from its first page."""
        wanted = {"sort": self.sort, **self.values} | changes
        query = urlencode({name: value for name, value in wanted.items() if value})
        return f"{self.path}?{query}" if query else self.path

    @property
    def sort_address(self) -> str:
        """What `sort=…` is added to."""
        base = self.address(sort="")
        return base + ("&" if "?" in base else "?")

    @property
    def clear_address(self) -> str:
        """The list without filters, or "" when none is set."""
        return self.path if self.values else ""

    @property
    def totals_address(self) -> str:
        """This list with its totals, however large it is."""
        return self.address(totals="all")

    def export_address(self, endpoint: str, form: str, **values: Any) -> str:
        """The address of a file with exactly what is filtered, in the same order."""
        asked: dict[str, Any] = {**self.values, **values, "form": form, "sort": self.sort or None}
        return url_for(endpoint, **asked)


def asked(*filters: str) -> Ask:
    """What the present request asks for; names that are not filters of this list are ignored."""
    values = {}
    for name in ("q", *filters):
        text = request.args.get(name, "").strip()[:MAXIMUM_SEARCH_LENGTH].replace("\x00", "")
        if text:
            values[name] = text
    return Ask(
        path=request.script_root + request.path,
        values=values,
        sort=request.args.get("sort", ""),
        after=request.args.get("after", ""),
        before=request.args.get("before", ""),
        wants_totals=request.args.get("totals") == "all",
    )


@dataclass(frozen=True, slots=True)
class Orders:
    """The orders of a list: word in the address → column that is never NULL. `identity` makes each order total."""

    columns: Mapping[str, Column]
    identity: Column
    default: str

    def choose(self, sort: str) -> tuple[str, Column, bool]:
        """The word, the column, and whether the order is descending ("-due")."""
        word = sort if sort.removeprefix("-") in self.columns else self.default
        return word, self.columns[word.removeprefix("-")], word.startswith("-")


def ordered(query: Query, orders: Orders, sort: str) -> Query:
    """The whole selection in the asked order (exports)."""
    _word, column, down = orders.choose(sort)
    if down:
        return query.order_by(column.desc(), orders.identity.desc())
    return query.order_by(column, orders.identity)


def one_page(session: Session, query: Query, orders: Orders, ask: Ask, *, size: int = DEFAULT_SIZE) -> Page[Line]:
    """One page of a selection. Keys are addresses: `next_key` and `previous_key` are ready for a link."""
    _word, column, down = orders.choose(ask.sort)
    backwards = not ask.after and bool(decode_key(ask.before))
    falls = down != backwards
    place = _place(ask.before if backwards else ask.after, (column, orders.identity))
    if place is not None:
        here = tuple_(column, orders.identity)
        query = query.where(here < tuple_(*place) if falls else here > tuple_(*place))
    directions = [each.desc() if falls else each for each in (column, orders.identity)]
    query = query.add_columns(column.label("sort_key"), orders.identity.label("sort_id"))
    rows: Sequence[Line] = session.execute(query.order_by(*directions).limit(size + 1)).all()
    more, rows = len(rows) > size, rows[:size]
    if backwards:
        rows = rows[::-1]
    has_next = bool(rows) and (more or backwards)
    has_previous = bool(rows) and (bool(ask.after) if not backwards else more)
    return Page(
        rows,
        next_key=ask.address(after=_key(rows[-1])) if has_next else None,
        previous_key=ask.address(before=_key(rows[0])) if has_previous else None,
    )


def _key(row: Line) -> str:
    return encode_key([row.sort_key, row.sort_id])


def _place(key: str, columns: Sequence[Column]) -> list[ColumnElement[Any]] | None:
    """The values of a key as the columns' types; None for none, and for one that somebody has changed."""
    values = decode_key(key)
    if values is None or len(values) != len(columns):
        return None
    try:
        return [literal(_read(value, of.type.python_type), of.type) for value, of in zip(values, columns, strict=True)]
    except (TypeError, ValueError, AttributeError, OverflowError):
        return None


def _read(value: Any, kind: type[Any]) -> Any:
    if kind is datetime:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None or not 1900 < moment.year < 3000:
            raise ValueError(value)
        return moment
    if kind is date:
        return date.fromisoformat(value)
    if kind is int and (type(value) is not int or abs(value) >= 2**63):
        raise ValueError(value)
    if kind in (str, uuid.UUID) and not isinstance(value, str):
        raise ValueError(value)
    if kind is str and "\x00" in value:
        raise ValueError(value)
    return kind(value)


def is_small(session: Session, matching: Query) -> bool:
    """Whether a selection is small enough to be added up with the page; looks at no more rows than that takes."""
    within = matching.limit(ADDED_UP_AT_ONCE + 1).subquery()
    return (session.scalar(select(func.count()).select_from(within)) or 0) <= ADDED_UP_AT_ONCE


def is_fragment() -> bool:
    """Whether a script asks for a part of the page."""
    return request.headers.get("X-Fragment") == "1"


def sentence(words: str, amounts: Sequence[tuple[str, Money]]) -> Response:
    """The totals of a selection in one line of text, for the script that asked."""
    told = " · ".join(f"{name} {format_money(amount, current_language())}" for name, amount in amounts)
    return Response(f"{words}{_(':')} {told}", content_type="text/plain; charset=utf-8")


def like(text: str) -> str:
    """A text as a pattern that finds it anywhere."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
