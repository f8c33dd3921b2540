"""Files of what a list shows: exactly what is filtered, in the same order, safe to open, with an audit line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice

from flask import Response

from backoffice.access.member import Member
from shared.kit import audit, tabular
from shared.kit.db import transaction
from shared.kit.errors import Invalid, NotFound
from shared.kit.tabular import Cell
from shared.kit.words import current_language
from shared.kit.words import gettext as _

FORMS = ("csv", "xlsx")
LARGEST_WORKBOOK = 200_000
"""Rows; a workbook is made in memory, a CSV flows."""
_PORTION = 1_000
_MARK = b"\xef\xbb\xbf"

Row = Sequence[Cell]


def answer(
    member: Member, form: str, name: str, header: Sequence[str], rows: Callable[[], Iterable[Row]], *, asked: str
) -> Response:
    """The file as a download. `rows` opens its own read-only session; `asked` is the address that was filtered.

    Raises NotFound for an unknown form, Invalid when a workbook would be too large.
    """
    if form not in FORMS:
        raise NotFound("export.form", _("There is no such file."))
    zone, file_name = member.desk.zone, f"{name}-{member.today.isoformat()}.{form}"
    with transaction() as session:
        audit.record(
            session,
            member.as_actor(),
            "export.made",
            subject_type="export",
            subject_id=None,
            company_id=member.company_id,
            after={"file": file_name, "asked": asked[:500]},
        )
    if form == "csv":
        body: Iterator[bytes] | bytes = _flow(header, rows(), language=current_language(), zone=zone)
        media_type = "text/csv; charset=utf-8"
    else:
        body = _workbook(name, header, rows(), zone=zone)
        media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    response = Response(body, content_type=media_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{file_name}"'
    return response


def _flow(header: Sequence[str], rows: Iterable[Row], *, language: str, zone: str) -> Iterator[bytes]:
    """A CSV in portions, so that a million lines need no memory."""
    yield tabular.csv_bytes(header, [], language=language, zone=zone)
    left = iter(rows)
    empty_head = len(_MARK) + len(b"\r\n")
    while portion := list(islice(left, _PORTION)):
        yield tabular.csv_bytes([], portion, language=language, zone=zone)[empty_head:]


def _workbook(name: str, header: Sequence[str], rows: Iterable[Row], *, zone: str) -> bytes:
    left = iter(rows)
    first = list(islice(left, LARGEST_WORKBOOK + 1))
    if len(first) > LARGEST_WORKBOOK:
        raise Invalid(
            "export.too_large",
            _("A workbook holds at most %(most)s rows. Take the CSV, or filter more.", most=LARGEST_WORKBOOK),
        )
    return tabular.xlsx_bytes([tabular.Sheet(name, header, chain(first))], zone=zone)
