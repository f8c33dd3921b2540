"""The account statement as a workbook or a CSV: every open item and every movement, none left off."""

from __future__ import annotations

from shared.documents.facts import StatementFacts
from shared.documents.render import Paper, statement_name
from shared.kit.files import safe_name
from shared.kit.money import Money
from shared.kit.tabular import Cell, Sheet, csv_bytes, xlsx_bytes
from shared.kit.words import gettext as _
from shared.kit.words import speaking

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV = "text/csv; charset=utf-8"


def statement(facts: StatementFacts) -> Paper:
    """Open items and movements with a running balance, as typed cells."""
    with speaking(facts.language):
        title = _("Account statement")
        sheets = [
            Sheet(
                name=_("Open items"),
                header=[
                    _("Document"),
                    _("Issued on"),
                    _("Due on"),
                    _("Days overdue"),
                    _("Amount"),
                    _("In progress"),
                    _("Still open"),
                ],
                rows=_open_rows(facts),
                widths=[28, 14, 14, 10, 16, 16, 16],
            ),
            Sheet(
                name=_("Movements"),
                header=[_("Date"), _("Movement"), _("Reference"), _("Charges"), _("Settlements"), _("Balance")],
                rows=_movement_rows(facts),
                widths=[14, 30, 24, 16, 16, 16],
            ),
        ]
        return Paper(xlsx_bytes(sheets), _file_name(facts, "xlsx"), title, media_type=XLSX)


def statement_csv(facts: StatementFacts) -> Paper:
    """The same in one table, for programs: its first column says whether a line is an open item or a movement."""
    with speaking(facts.language):
        header = [
            _("Part"),
            _("Date"),
            _("Movement"),
            _("Reference"),
            _("Due on"),
            _("Days overdue"),
            _("Amount"),
            _("In progress"),
            _("Still open"),
            _("Charges"),
            _("Settlements"),
            _("Balance"),
        ]
        rows: list[list[Cell]] = [
            [_("Open items"), issued, None, label, due, late, total, progress, still, None, None, None]
            for label, issued, due, late, total, progress, still in _open_rows(facts)
        ]
        rows += [
            [_("Movements"), on, label, reference, None, None, None, None, None, debit, credit, balance]
            for on, label, reference, debit, credit, balance in _movement_rows(facts)
        ]
        content = csv_bytes(header, rows, language=facts.language)
        return Paper(content, _file_name(facts, "csv"), _("Account statement"), media_type=CSV)


def _file_name(facts: StatementFacts, ending: str) -> str:
    return safe_name(f"{statement_name(facts)}.{ending}".replace("/", "-"))


def _open_rows(facts: StatementFacts) -> list[list[Cell]]:
    rows: list[list[Cell]] = []
    for item in facts.open_items:
        late = (facts.until - item.due_on).days if item.due_on and item.kind == "invoice" else 0
        label = _("Credit not yet used") if item.kind == "credit" else item.number
        rows.append([label, item.issued_on, item.due_on, max(late, 0), item.total, item.in_progress, item.open])
    return rows


def _movement_rows(facts: StatementFacts) -> list[list[Cell]]:
    rows: list[list[Cell]] = [[facts.since, _("Opening balance"), None, None, None, facts.opening]]
    balance = facts.opening
    zero = Money.zero(balance.currency)
    for movement in facts.movements:
        balance = balance + (movement.debit or zero) - (movement.credit or zero)
        rows.append([movement.on, movement.label, movement.reference, movement.debit, movement.credit, balance])
    rows.append([facts.until, _("Closing balance"), None, None, None, facts.closing])
    return rows
