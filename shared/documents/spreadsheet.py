"""The account statement as a workbook: every open item and every movement, none left off."""

from __future__ import annotations

from shared.documents.facts import StatementFacts
from shared.documents.render import Paper
from shared.kit.files import safe_name
from shared.kit.money import Money
from shared.kit.tabular import Cell, Sheet, xlsx_bytes
from shared.kit.words import gettext as _
from shared.kit.words import speaking

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


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
        name = f"{title} {facts.debtor.account_code or facts.debtor.name} {facts.until.isoformat()}.xlsx"
        return Paper(xlsx_bytes(sheets), safe_name(name.replace("/", "-")), title, media_type=XLSX)


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
