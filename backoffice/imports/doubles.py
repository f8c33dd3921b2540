"""One document on several rows of a table: repeated, in lines, or in instalments.

A document is one debtor's, of one kind, under one number: the same number of another debtor, or of a credit note, is another document.
Rows equal in debtor, kind, number, days and amounts are one document (exports that write a row for each line of an invoice repeat its
totals). Where the amounts differ, a person says once what the rows are.
"""

from __future__ import annotations

from collections.abc import Iterator

from backoffice.imports.plan import Item
from backoffice.imports.questions import Questions

ROWS = "invoice-rows"
LONGEST = 60


class Doubles:
    """Stands between the reading of rows and the sink; keeps one small entry a document, and whole items only where it must."""

    def __init__(self, questions: Questions, *, in_lines: bool = False) -> None:
        """`in_lines`: every row is known to be a line of its document, with an amount of its own."""
        self._questions, self._in_lines = questions, in_lines
        self._answer = "sum" if in_lines else questions.said(ROWS)
        self._known: dict[str, tuple[object, ...]] = {}
        self._kept: dict[str, list[Item]] = {}
        self.repeated = 0

    def take(self, item: Item) -> Item | None:
        """The item when it may go on now; None when it repeats one, or waits for the others of its number."""
        key = f"{item.debtor}\x1f{item.kind}\x1f{item.number}"
        if self._answer in ("sum", "parts"):
            self._kept.setdefault(key, []).append(item)
            return None
        shown = _shown(item)
        known = self._known.setdefault(key, shown)
        if known is shown:
            return item
        if known == shown:
            self.repeated += 1
        else:
            self._ask(item)
        return None

    def rest(self) -> Iterator[Item]:
        """The documents that waited, in the order of their first rows."""
        for rows in self._kept.values():
            if self._in_lines:
                yield _sum(rows)
                continue
            if len({_shown(row) for row in rows}) == 1:
                self.repeated += len(rows) - 1
                yield rows[0]
                continue
            self._ask(rows[1])  # it is shown with its answer as long as the file raises it
            if self._answer == "sum":
                yield _sum(rows)
            else:
                yield from (_part(row, rows) for row in rows)

    def _ask(self, item: Item) -> None:
        self._questions.ask(ROWS, ("sum", "parts"), example=f"{item.number} ({item.debtor})")


def _shown(item: Item) -> tuple[object, ...]:
    """What rows of one document must have in common to say the same."""
    return item.issued_on, item.due_on, item.total, item.open


def _sum(rows: list[Item]) -> Item:
    """Lines of one document: their amounts together; due with the first, settled with the last."""
    first = rows[0]
    settled = [row.settled_on for row in rows if row.settled_on]
    nets = [row.net for row in rows if row.net is not None]
    vats = [row.vat for row in rows if row.vat is not None]
    return first._replace(
        issued_on=min(row.issued_on for row in rows),
        due_on=min(row.due_on for row in rows),
        total=sum(row.total for row in rows),
        open=sum(row.open for row in rows),
        settled_on=max(settled) if settled else None,
        net=sum(nets) if len(nets) == len(rows) else None,
        vat=sum(vats) if len(vats) == len(rows) else None,
        disputed=any(row.disputed for row in rows),
    )


def _part(row: Item, rows: list[Item]) -> Item:
    """An instalment is named by its due day, so that it keeps its name when others have been paid and left the list."""
    same_day = [other for other in rows if other.due_on == row.due_on]
    rank = same_day.index(row)
    suffix = f" {row.due_on:%Y-%m-%d}" + (f"-{rank + 1}" if rank else "")
    return row._replace(number=row.number[: LONGEST - len(suffix)] + suffix)
