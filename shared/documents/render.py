"""Facts to PDF: the only place that knows the templates of paper. Pure: the same facts give the same page."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import accumulate, islice
from typing import Any

from babel import Locale
from babel.numbers import format_currency, format_decimal
from markupsafe import escape

from shared.documents import epc, facturx, mentions, rules
from shared.documents.facts import (
    Brand,
    InvoiceFacts,
    Language,
    MandateFacts,
    OpenItemFacts,
    PartyFacts,
    PlanFacts,
    ReceiptFacts,
    StatementFacts,
)
from shared.kit import joined, pdf
from shared.kit.files import safe_name
from shared.kit.money import Money, minor_digits
from shared.kit.templating import environment
from shared.kit.words import current_language, ngettext, speaking
from shared.kit.words import gettext as _

PDF = "application/pdf"
ROWS_AT_ONCE = 1_000
"""So many lines of one paper are made while somebody waits: a few seconds of a processor. What is longer is ordered (`orders`)."""
PORTION_ROWS = 1_000
"""So many lines of a long statement are laid out at a time: seven seconds of an idle processor, and 230 MiB."""
MOST_ROWS = 60_000
"""A statement of more, a thousand pages and more, is nobody's reading: its period can be shorter, and the tables hold every line."""
PATIENCE_S = 600
"""For one layout in the background. Nobody waits at the counter for it, and a busy machine takes many times as long as an idle one."""

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
LARGEST_LOGO = 1_000_000
UNDRAWN_NAMED = 6
"""So many signs that could not be drawn are named on a paper."""


@dataclass(frozen=True, slots=True)
class Paper:
    """A finished document. `is_electronic` says that an invoice carries its EN 16931 data (Factur-X)."""

    content: bytes
    name: str
    title: str
    media_type: str = PDF
    is_electronic: bool = False


@dataclass(frozen=True, slots=True)
class Age:
    """One column of the ageing table."""

    label: str
    amount: Money


def invoice(facts: InvoiceFacts, brand: Brand | None = None, *, within_s: int = pdf.CHILD_SECONDS) -> Paper:
    """An invoice or a credit note as Factur-X. One of very many lines may take `within_s` seconds of a processor.

    When the facts do not make a true EN 16931 invoice (see `facturx.faults`), or signs of it cannot be drawn, so that page and data
    would not say the same, it is a plain PDF; and when not even
    its lines are known, a summary that says that it does not replace the original.
    """
    is_electronic = not facturx.faults(facts)
    html, assets, title = invoice_page(facts, brand or Brand())
    data = facturx.attachment(facts) if is_electronic else None
    try:
        made = pdf.render(html, variant="pdf/a-3b", assets=assets, attachment=data, within_s=within_s)
    except pdf.UndrawableError as error:
        with speaking(facts.language):
            html = _with_undrawn(html, error.signs)
        made = pdf.render(html, variant="pdf/a-3b", assets=assets, may_miss_signs=True, within_s=within_s)
        return Paper(made, _file_name(title), title)
    return Paper(made, _file_name(title), title, is_electronic=is_electronic)


def invoice_page(facts: InvoiceFacts, brand: Brand) -> tuple[str, dict[str, bytes], str]:
    """The HTML of an invoice, the images it shows, and its title."""
    with speaking(facts.language):
        is_known = bool(facts.lines)
        title = _invoice_title(facts, is_known=is_known)
        code = None
        if facts.standing and not facts.standing.to_pay.is_zero:
            asked = facts.standing.to_pay
            code = epc.transfer_code(facts.bank, holder=facts.seller.name, amount=asked, text=facts.number)
        html, assets = _page(
            "invoice",
            brand,
            title=title,
            facts=facts,
            is_known=is_known,
            code=code,
            seller=facts.seller,
        )
    return html, assets, title


@dataclass(frozen=True, slots=True)
class Portion:
    """A run of a statement's lines: open items first, then movements. A short statement is one portion."""

    items: slice
    rows: slice
    begins_items: bool
    ends_items: bool
    begins_rows: bool
    has_rows: bool
    is_first: bool
    is_last: bool


def portions(facts: StatementFacts, most: int = PORTION_ROWS) -> tuple[Portion, ...]:
    """The statement's lines in runs of `most` at the longest."""
    items = len(facts.open_items)
    lines = items + len(facts.movements)
    found = []
    for start in range(0, max(lines, 1), most):
        end = min(start + most, lines)
        is_first, is_last = start == 0, end == lines
        has_items, has_rows = is_first or start < items, is_last or end > items
        found.append(
            Portion(
                items=slice(start, min(end, items)),
                rows=slice(max(start - items, 0), max(end - items, 0)),
                begins_items=is_first,
                ends_items=has_items and end >= items,
                begins_rows=has_rows and start <= items,
                has_rows=has_rows,
                is_first=is_first,
                is_last=is_last,
            )
        )
    return tuple(found)


def statement(facts: StatementFacts, brand: Brand | None = None) -> Paper:
    """An account statement: what is open, how old it is, and the movements with a running balance."""
    (whole,) = portions(facts, max(len(facts.open_items) + len(facts.movements), 1))
    html, assets = _statement_page(facts, brand or Brand(), whole)
    return _statement_paper(facts, _printed(html, assets, facts.language))


def statement_portion(facts: StatementFacts, brand: Brand | None, portion: Portion) -> bytes:
    """Some pages of a long statement, without their numbers."""
    html, assets = _statement_page(facts, brand or Brand(), portion)
    styles = ("paper", "portion") if portion.is_first else ("paper", "portion", "continued")
    return _printed(html, assets, facts.language, styles, within_s=PATIENCE_S)


def joined_statement(facts: StatementFacts, pages: Sequence[bytes]) -> Paper:
    """A long statement of its portions, each page with its number."""
    with speaking(facts.language):
        blank = environment().get_template("paper/numbers.html")
        html = blank.render(count=sum(joined.count_pages(each) for each in pages))
    return _statement_paper(
        facts, joined.join(pages, pdf.render(html, variant="pdf/a-3b", is_tagged=False, within_s=PATIENCE_S))
    )


def _statement_page(facts: StatementFacts, brand: Brand, portion: Portion) -> tuple[str, dict[str, bytes]]:
    zero = Money.zero(facts.closing.currency)
    balances = accumulate(facts.movements, lambda sum_, one: sum_ + rules.effect(one), initial=facts.opening)
    rows = list(zip(facts.movements, islice(balances, 1, None), strict=True))
    with speaking(facts.language):
        return _page(
            "statement",
            brand,
            title=_("Account statement"),
            facts=facts,
            portion=portion,
            continues=not portion.is_first,
            items=facts.open_items[portion.items],
            rows=rows[portion.rows],
            ages=ages(facts.open_items, facts.until, facts.closing.currency),
            open_total=sum((item.open for item in facts.open_items), zero),
            code=None,
            seller=facts.company,
        )


def _statement_paper(facts: StatementFacts, made: bytes) -> Paper:
    with speaking(facts.language):
        title = _("Account statement")
        return Paper(made, _file_name(statement_name(facts)), title)


def statement_name(facts: StatementFacts) -> str:
    """What a statement's file is called, without its ending."""
    return f"{_('Account statement')} {facts.debtor.account_code or facts.debtor.name} {facts.until.isoformat()}"


def receipt(facts: ReceiptFacts, brand: Brand | None = None) -> Paper:
    """A receipt that says no more than is true: subject to collection until the bank's money is final."""
    with speaking(facts.language):
        title = _("Payment receipt %(reference)s", reference=facts.reference)
        html, assets = _page("receipt", brand or Brand(), title=title, facts=facts, code=None, seller=facts.company)
    return Paper(_printed(html, assets, facts.language), _file_name(title), title)


def mandate(facts: MandateFacts, brand: Brand | None = None) -> Paper:
    """A SEPA Core direct debit mandate with its evidence of consent."""
    with speaking(facts.language):
        title = _("SEPA direct debit mandate %(rum)s", rum=facts.rum)
        html, assets = _page("mandate", brand or Brand(), title=title, facts=facts, code=None, seller=facts.creditor)
    return Paper(_printed(html, assets, facts.language), _file_name(title), title)


def plan(facts: PlanFacts, brand: Brand | None = None) -> Paper:
    """An acknowledgement of debt with the schedule by which it is paid, and the evidence of consent."""
    with speaking(facts.language):
        title = _("Acknowledgement of debt %(reference)s", reference=facts.reference)
        html, assets = _page("plan", brand or Brand(), title=title, facts=facts, code=None, seller=facts.company)
    return Paper(_printed(html, assets, facts.language), _file_name(title), title)


def ages(items: tuple[OpenItemFacts, ...], on: date, currency: str) -> tuple[Age, ...]:
    """Open amounts by days late on a day: not due, 1-30, 31-60, 61-90, more; credits lower what is not due."""
    labels = (_("Not due"), _("1–30 days"), _("31–60 days"), _("61–90 days"), _("Over 90 days"))
    sums = [Money.zero(currency)] * len(labels)
    for item in items:
        late = (on - item.due_on).days if item.due_on and item.kind == "invoice" else 0
        column = 0 if late <= 0 else min((late - 1) // 30 + 1, len(labels) - 1)
        sums[column] += item.open
    return tuple(Age(label, amount) for label, amount in zip(labels, sums, strict=True))


def _printed(
    html: str,
    assets: dict[str, bytes],
    language: Language,
    styles: Sequence[str] = ("paper",),
    *,
    within_s: int = pdf.CHILD_SECONDS,
) -> bytes:
    """The archive of a page. Signs that no font of this machine can draw are boxes on it, and its end says which they are."""
    try:
        return pdf.render(html, variant="pdf/a-3b", assets=assets, stylesheets=styles, within_s=within_s)
    except pdf.UndrawableError as error:
        with speaking(language):
            told = _with_undrawn(html, error.signs)
        return pdf.render(
            told, variant="pdf/a-3b", assets=assets, stylesheets=styles, may_miss_signs=True, within_s=within_s
        )


def _with_undrawn(html: str, signs: str) -> str:
    names = [f"U+{ord(sign):04X} {unicodedata.name(sign, '')}".strip() for sign in signs[:UNDRAWN_NAMED]]
    more = len(signs) - len(names)
    if more > 0:
        names.append(ngettext("and %(n)s other", "and %(n)s others", more))
    said = _(
        "Some signs could not be drawn on this paper, and boxes stand for them: %(signs)s.", signs=", ".join(names)
    )
    return html.replace("</body>", f'<p class="mentions">{escape(said)}</p></body>')


def _page(name: str, brand: Brand, **values: Any) -> tuple[str, dict[str, bytes]]:
    assets: dict[str, bytes] = {}
    if brand.logo and len(brand.logo) <= LARGEST_LOGO and brand.logo.startswith((_PNG, _JPEG)):
        assets["logo"] = brand.logo
    if values["code"] is not None:
        assets["qr"] = epc.as_svg(values["code"])
    template = environment().get_template(f"paper/{name}.html")
    html = template.render(
        continues=values.pop("continues", False),
        accent=brand.accent if _COLOUR.fullmatch(brand.accent) else Brand().accent,
        trade_name=brand.trade_name,
        has_logo="logo" in assets,
        iban=mentions.spaced_iban,
        siren=mentions.spaced_siren,
        legal_line=mentions.legal_line,
        country=country_name,
        mentions=mentions,
        price=price,
        quantity=quantity,
        **values,
    )
    return html, assets


def _invoice_title(facts: InvoiceFacts, *, is_known: bool) -> str:
    if facts.is_credit:
        return _("Credit note %(number)s", number=facts.number)
    if not is_known:
        return _("Summary of invoice %(number)s", number=facts.number)
    return _("Invoice %(number)s", number=facts.number)


def country_name(party: PartyFacts, home: str) -> str:
    """The country's name in capitals on an address abroad, as postal services ask; empty at home."""
    if not party.country or party.country == home:
        return ""
    return str(Locale("fr").territories.get(party.country, party.country)).upper()


def price(amount: Decimal, currency: str) -> str:
    """A unit price: as many decimals as the currency has, up to four when the price has more."""
    locale = "fr_FR" if current_language() == "fr" else "en_GB"
    places = max(minor_digits(currency), min(4, -int(amount.normalize().as_tuple().exponent)))
    pattern = Locale.parse(locale).currency_formats["standard"].pattern.replace("0.00", "0." + "0" * places)
    return str(format_currency(amount, currency, pattern, locale=locale, currency_digits=False))


def quantity(amount: Decimal) -> str:
    """A quantity with all its decimals (four at most in an EN 16931 invoice)."""
    return str(format_decimal(amount, "#,##0.####", locale="fr_FR" if current_language() == "fr" else "en_GB"))


def _file_name(title: str) -> str:
    return safe_name(title.replace("/", "-") + ".pdf")
