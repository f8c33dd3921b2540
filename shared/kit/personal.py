"""What is held about persons. Each room says it of its own tables; the sweep, the export, the erasure and the pages are loops over it.

A room's `personal.py` registers its kinds. A kind's rows are named by the key columns of one table, in two questions that are pure
selects: which are due for removal, and which are a person's. Removing is one verb for both, so that what a preview counts is
what goes.
"""

from __future__ import annotations

import calendar
import enum
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Row, Select
from sqlalchemy.orm import Session

from shared.kit.errors import NotFound


class Basis(enum.Enum):
    """Why the law lets somebody hold it (GDPR art. 6)."""

    CONTRACT = "contract"
    LAW = "law"
    INTEREST = "interest"
    SECURITY = "security"


Unit = Literal["days", "months"]


@dataclass(frozen=True, slots=True)
class Term:
    """For how long a kind is held: what is usual, and between which bounds a company may choose."""

    usual: int
    least: int
    most: int
    unit: Unit
    source: str
    """The article, or the paper of the CNIL, that the bounds come from."""

    @property
    def is_fixed(self) -> bool:
        return self.least == self.most

    def before(self, moment: datetime, length: int) -> datetime:
        """The moment from which everything earlier is over."""
        if self.unit == "days":
            return moment - timedelta(days=length)
        return months_back(moment, length)


def months_back(moment: datetime, months: int) -> datetime:
    """The same day so many months earlier, or the last one of a shorter month."""
    year, month = divmod(moment.year * 12 + moment.month - 1 - months, 12)
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day)


@dataclass(frozen=True, slots=True)
class Scope:
    """What a sweep looks at: everything from before a moment, of one company or (None) of the installation."""

    company_id: uuid.UUID | None
    before: datetime


Keys = Sequence[Row[Any]]
Removal = Callable[[Session, Keys], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of data about persons.

    `due`, `of_person` and `erasable` select key columns of one table and look at others in subqueries alone: their rows are locked.
    Without `due` nothing is swept: `keeps` says why. Without `of_person` nothing of it belongs to one contact.
    """

    name: str
    label: str
    basis: Basis
    holds: tuple[str, ...]
    """The columns ("table.column") in which words about persons stand: every column of text belongs to one kind, or is declared to
    hold none (`tests/house/test_personal.py`)."""
    why: str
    """What it is needed for, in words of people (lazily translated, as `label`, `counted` and `keeps` are)."""
    counted: str = ""
    """From when its term counts."""
    keeps: str = ""
    """Why an erasure leaves some of it or all."""
    term: Term | None = None
    of_company: bool = True
    """Whether each company has its own rows of it, and chooses its own term."""
    is_security: bool = False
    """Traces that only protect the doors, or that a person asked to be rid of: they go without anybody's word."""
    in_real_time: bool = False
    """Stamped with `clock.real_now`."""
    due: Callable[[Scope], Select[*tuple[Any, ...]]] | None = None
    remove: Removal | None = None
    of_person: Callable[[uuid.UUID], Select[Any]] | None = None
    erasable: Callable[[uuid.UUID], Select[Any]] | None = None
    """Which of a contact's rows go when the person asks for it; None: none of them."""
    export: Callable[[Session, uuid.UUID], list[dict[str, Any]]] | None = None
    """A contact's rows as JSON values, the latest first."""
    order: int = field(default=50)
    """Rows that others point at go later: a higher number."""


_kinds: dict[str, Kind] = {}


def register(*kinds: Kind) -> None:
    """Make kinds known; the same name twice is a bug (ValueError), the same kind twice is harmless."""
    for kind in kinds:
        known = _kinds.get(kind.name)
        if known is not None and known != kind:
            raise ValueError(f"two kinds are named {kind.name!r}")
        if (kind.due is None) != (kind.term is None) or (kind.due and kind.remove is None):
            raise ValueError(f"{kind.name}: what is swept has a term, and a way to go")
        _kinds[kind.name] = kind


def all_kinds() -> tuple[Kind, ...]:
    """Every kind, in the order in which rows may go."""
    return tuple(sorted(_kinds.values(), key=lambda kind: (kind.order, kind.name)))


def get(name: str) -> Kind:
    """The kind of that name; raises NotFound."""
    if name not in _kinds:
        raise NotFound("personal.no_kind", f"no kind of data is called {name}")
    return _kinds[name]


_words: dict[tuple[str, str], Mapping[str, Any]] = {}


def put_in_words(column: str, words: Mapping[Any, Any], *, kind: str = "") -> None:
    """What the values of an exported column are called (lazily translated), in one kind or in all of them; values may be of an enum."""
    plain = {_plain(value): word for value, word in words.items()}
    _words[kind, column] = {**_words.get((kind, column), {}), **plain}


def in_words(kind: str, column: str, value: str) -> str:
    """A value in words; as it is when nobody has put it in words."""
    found = {**_words.get(("", column), {}), **_words.get((kind, column), {})}
    return str(found.get(value, value))


FileUse = Callable[[str], Select[Any]]
_file_uses: list[FileUse] = []


def uses_files(use: FileUse) -> FileUse:
    """Register a question: which rows still need the stored file of a digest. Bytes go when no room needs them."""
    if use not in _file_uses:
        _file_uses.append(use)
    return use


def is_file_used(session: Session, sha256: str) -> bool:
    return any(session.execute(use(sha256).limit(1)).first() is not None for use in _file_uses)


def ids(keys: Keys) -> list[Any]:
    """The only key column of each row."""
    return [row[0] for row in keys]


def as_rows(found: Iterable[Row[Any]]) -> list[dict[str, Any]]:
    """Rows of named columns as JSON values."""
    return [{name: _plain(value) for name, value in row._mapping.items()} for row in found]  # noqa: SLF001 - its public name


def _plain(value: Any) -> Any:
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, uuid.UUID):
        return str(value)
    return value.value if isinstance(value, enum.Enum) else value
