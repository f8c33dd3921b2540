"""What is contested, why, and the words and files that go with it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from werkzeug.datastructures import MultiDict
from wtforms import HiddenField, RadioField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # the published types lag behind 3.3
from wtforms.validators import InputRequired, Length

from shared.disputes.choices import Contestable, Reason
from shared.disputes.service import Claim
from shared.kit.money import Money, MoneyParseError, format_money
from shared.kit.words import current_language
from shared.kit.words import gettext as _
from shared.kit.words import lazy_gettext as _l
from shared.web.downloads import FilesField
from shared.web.forms import BaseForm

LONGEST = 5_000


class DisputeForm(BaseForm):
    """Why, in words, with proofs; how much of each invoice is read by `read_claims`."""

    attempt = HiddenField()
    reason = RadioField(_l("What is wrong?"), validators=[InputRequired(_l("Choose a reason."))])
    text = TextAreaField(
        _l("Tell us what happened"), [InputRequired(_l("Please write a few words.")), Length(max=LONGEST)]
    )
    files = FilesField(_l("Photos and papers"))

    def offer(self, reasons: Sequence[Reason]) -> None:
        """Let the company's reasons be chosen."""
        self.reason.choices = [SelectChoice(each.code, each.label) for each in reasons]


class AnswerForm(BaseForm):
    """One more word."""

    text = TextAreaField(_l("Your message"), [InputRequired(_l("Please write a few words.")), Length(max=LONGEST)])
    files = FilesField(_l("Photos and papers"))


class ReopenForm(AnswerForm):
    """Why it should be looked at again."""

    text = TextAreaField(
        _l("Why should we look again?"), [InputRequired(_l("Please write a few words.")), Length(max=LONGEST)]
    )


@dataclass(frozen=True, slots=True)
class Row:
    """One invoice in the form, with what was chosen and typed, and what is wrong with it."""

    invoice: Contestable
    how: str = "all"
    """One of "all", "amount", "lines"."""
    typed: str = ""
    ticked: frozenset[uuid.UUID] = field(default_factory=frozenset)
    error: str = ""

    @property
    def amount_wrong(self) -> bool:
        return bool(self.error) and self.how == "amount"


def blank(invoices: Sequence[Contestable]) -> list[Row]:
    """The form as it opens."""
    return [Row(invoice) for invoice in invoices]


def read_claims(
    invoices: Sequence[Contestable], values: MultiDict[str, str] | Mapping[str, str]
) -> tuple[list[Row], list[Claim]]:
    """What the form says of each invoice: rows to show it again, and claims of those that are right."""
    rows, claims = [], []
    for invoice in invoices:
        row, claim = _read(invoice, MultiDict(values))
        rows.append(row)
        if claim is not None:
            claims.append(claim)
    return rows, claims


def _read(invoice: Contestable, values: MultiDict[str, str]) -> tuple[Row, Claim | None]:
    key = str(invoice.invoice_id)
    how = values.get(f"how-{key}", "all")
    how = how if how in ("amount", "lines") else "all"
    typed = values.get(f"amount-{key}", "").strip()[:40]
    known = {line_id for line_id, _text, _minor in invoice.lines}
    ticked = frozenset(line_id for line_id in known if str(line_id) in values.getlist(f"line-{key}"))
    error, claim = "", None
    if invoice.left_minor <= 0:
        error = _("Nothing of it is left to contest: it is settled, planned or contested already.")
    elif how == "all":
        claim = Claim(invoice.invoice_id)
    elif how == "lines":
        error = "" if ticked else _("Tick at least one line.")
        claim = Claim(invoice.invoice_id, line_ids=sorted(ticked)) if ticked else None
    else:
        minor, error = _amount(typed, invoice)
        claim = None if error else Claim(invoice.invoice_id, minor=minor)
    return Row(invoice, how, typed, ticked, error), claim


def _amount(typed: str, invoice: Contestable) -> tuple[int, str]:
    if not typed:
        return 0, _("Write the amount that you contest.")
    try:
        amount = Money.parse(typed, invoice.currency)
    except MoneyParseError:
        return 0, _("This is not an amount. Write it like 1234.50.")
    if amount.minor <= 0:
        return 0, _("The amount must be more than zero.")
    if amount.minor > invoice.left_minor:
        most = format_money(invoice.money(invoice.left_minor), current_language())
        return 0, _("The amount cannot exceed %(most)s.", most=most)
    return amount.minor, ""
