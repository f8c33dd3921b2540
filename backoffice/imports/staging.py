"""Items on their way into the database: COPY into temporary tables that vanish with the transaction.

The reader hands over one item at a time; they leave in blocks of COPY text, so that reading and storing go on side by
side and neither keeps the file in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

from psycopg import Connection, Copy, Cursor

from backoffice.imports.plan import CertificateLine, DebtorRow, Item
from shared.debtors.service import searchable

BLOCK = 5_000
NULL = "\\N"

_TABLES = """
CREATE TEMP TABLE stage_item (
    id uuid NOT NULL DEFAULT {new_id}, line int NOT NULL, debtor text NOT NULL, kind text NOT NULL,
    number text NOT NULL, issued_on date NOT NULL, due_on date NOT NULL, derived bool NOT NULL, total bigint NOT NULL,
    open bigint NOT NULL, settled_on date, net bigint, vat bigint, po_number text NOT NULL, label text NOT NULL,
    old_id uuid
) ON COMMIT DROP;
CREATE TEMP TABLE stage_debtor (
    key text NOT NULL, name text NOT NULL, siren text, vat_number text, street text NOT NULL, postcode text NOT NULL,
    city text NOT NULL, country text, language text, search_text text NOT NULL, named bool NOT NULL,
    balance bigint NOT NULL, id uuid NOT NULL DEFAULT {new_id}, is_new bool NOT NULL DEFAULT true,
    locked bool NOT NULL DEFAULT false, explained bigint NOT NULL DEFAULT 0, code text, matched text NOT NULL DEFAULT '',
    renamed bool NOT NULL DEFAULT false, corrected bool NOT NULL DEFAULT false, kind text, rekinded bool NOT NULL DEFAULT false
) ON COMMIT DROP;
CREATE TEMP TABLE stage_contact (
    debtor text NOT NULL, place int NOT NULL, email text NOT NULL, name text NOT NULL, phone text NOT NULL, language text
) ON COMMIT DROP;
CREATE TEMP TABLE stage_gone (id uuid PRIMARY KEY, why text NOT NULL) ON COMMIT DROP;
CREATE TEMP TABLE stage_before (kind text, id uuid, image jsonb NOT NULL, PRIMARY KEY (kind, id)) ON COMMIT DROP;
"""
_ITEM_COLUMNS = (
    "line, debtor, kind, number, issued_on, due_on, derived, total, open, settled_on, net, vat, po_number, label"
)
_DEBTOR_COLUMNS = (
    "key, name, siren, vat_number, street, postcode, city, country, language, search_text, named, balance, kind"
)
_CONTACT_COLUMNS = "debtor, place, email, name, phone, language"


def new_id_function(connection: Connection[Any]) -> str:
    """The database's own function for time-ordered identities, or for random ones before PostgreSQL 18."""
    return "uuidv7()" if connection.info.server_version >= 180_000 else "gen_random_uuid()"


def create(cursor: Cursor[Any], new_id: str) -> None:
    """Make the empty staging tables of this transaction."""
    cursor.execute(_TABLES.format(new_id=new_id))


@contextmanager
def item_sink(cursor: Cursor[Any], progress: Callable[[int], None]) -> Iterator[Callable[[Item], None]]:
    """A sink that stages items; `progress` hears the line reached after each block."""
    with cursor.copy(f"COPY stage_item ({_ITEM_COLUMNS}) FROM STDIN") as copy:
        block = _Block(copy, progress)
        yield block.take
        block.flush()


def stage_debtors(cursor: Cursor[Any], debtors: Iterable[DebtorRow], certificate: Iterable[CertificateLine]) -> None:
    """Stage who owes, with the balance that the file gives each, and who acts for them."""
    balances = {line.debtor: line.balance for line in certificate}
    debtors = list(debtors)
    with cursor.copy(f"COPY stage_debtor ({_DEBTOR_COLUMNS}) FROM STDIN") as copy:
        lines: list[str] = []
        for debtor in debtors:
            lines.append(_debtor_line(debtor, balances.get(debtor.key, 0)))
            if len(lines) >= BLOCK:
                copy.write("".join(lines))
                lines.clear()
        copy.write("".join(lines))
    with cursor.copy(f"COPY stage_contact ({_CONTACT_COLUMNS}) FROM STDIN") as copy:
        for debtor in debtors:
            if debtor.email:
                copy.write(_contact_lines(debtor))


class _Block:
    """Collects COPY lines and sends them by the thousand."""

    def __init__(self, copy: Copy, progress: Callable[[int], None]) -> None:
        self._copy, self._progress = copy, progress
        self._lines: list[str] = []
        self._days: dict[date | None, str] = {None: NULL}
        self._line = 0

    def take(self, item: Item) -> None:
        days = self._days
        issued, due, settled = item.issued_on, item.due_on, item.settled_on
        for day in (issued, due, settled):
            if day not in days:
                days[day] = day.isoformat()  # type: ignore[union-attr]
        self._lines.append(
            f"{item.line}\t{_text(item.debtor)}\t{item.kind}\t{_text(item.number)}\t{days[issued]}\t{days[due]}\t"
            f"{'t' if item.due_derived else 'f'}\t{item.total}\t{item.open}\t{days[settled]}\t"
            f"{NULL if item.net is None else item.net}\t{NULL if item.vat is None else item.vat}\t"
            f"{_text(item.po_number)}\t{_text(item.label)}\n"
        )
        if len(self._lines) >= BLOCK:
            self._line = item.line
            self.flush()

    def flush(self) -> None:
        self._copy.write("".join(self._lines))
        self._lines.clear()
        self._progress(self._line)


def _debtor_line(debtor: DebtorRow, balance: int) -> str:
    return "\t".join((
        _text(debtor.key), _text(debtor.name), _or_null(debtor.siren), _or_null(debtor.vat_number),
        _text(debtor.street), _text(debtor.postcode), _text(debtor.city), _or_null(debtor.country),
        _or_null(debtor.language), _text(searchable(debtor.name, debtor.key, debtor.siren)),
        "t" if debtor.named else "f", str(balance), debtor.kind or NULL,
    )) + "\n"  # fmt: skip


def _contact_lines(debtor: DebtorRow) -> str:
    """The first address is the named person's; the others stand for themselves."""
    return "".join(
        "\t".join((
            _text(debtor.key), str(place), _text(email), _text(debtor.contact_name if place == 0 else ""),
            _text(debtor.phone if place == 0 else ""), _or_null(debtor.language),
        )) + "\n"
        for place, email in enumerate((debtor.email, *debtor.more_emails))
    )  # fmt: skip


def _text(text: str) -> str:
    """COPY text: readers have removed control characters already, so only the backslash needs care."""
    return text.replace("\\", "\\\\") if "\\" in text else text


def _or_null(text: str) -> str:
    return _text(text) if text else NULL
