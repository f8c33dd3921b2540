"""Facts to PDF: the only place that knows the templates of paper. Pure: the same facts give the same page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from babel import Locale
from babel.numbers import format_currency, format_decimal

from shared.documents import epc, facturx, mentions
from shared.documents.facts import (
    Brand,
    InvoiceFacts,
    MandateFacts,
    OpenItemFacts,
    PartyFacts,
    PlanFacts,
    ReceiptFacts,
    StatementFacts,
)
from shared.kit import pdf
from shared.kit.files import safe_name
from shared.kit.money import Money, minor_digits
from shared.kit.templating import environment
from shared.kit.words import current_language, speaking
from shared.kit.words import gettext as _

PDF = "application/pdf"
STATEMENT_ROWS = 600
"""So many movements, and so many open items, stand on paper: some fifteen pages each, a few seconds of a processor. The
sums count all of them, the paper says how many it does not list, and the workbook lists every one."""
"""Movements that a statement shows at most; the spreadsheet has them all."""

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
LARGEST_LOGO = 1_000_000


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


def invoice(facts: InvoiceFacts, brand: Brand | None = None) -> Paper:
    """An invoice or a credit note as Factur-X.

    When the facts do not make a true EN 16931 invoice (see `facturx.faults`) it is a plain PDF; and when not even
    its lines are known, a summary that says that it does not replace the original.
    """
    is_electronic = not facturx.faults(facts)
    html, assets, title = invoice_page(facts, brand or Brand())
    data = facturx.attachment(facts) if is_electronic else None
    made = pdf.render(html, variant="pdf/a-3b", assets=assets, attachment=data)
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


def statement(facts: StatementFacts, brand: Brand | None = None) -> Paper:
    """An account statement: what is open, how old it is, and the movements with a running balance."""
    with speaking(facts.language):
        title = _("Account statement")
        balance = facts.opening
        rows = []
        for movement in facts.movements:
            balance += movement.debit or Money.zero(balance.currency)
            balance -= movement.credit or Money.zero(balance.currency)
            rows.append((movement, balance))
        html, assets = _page(
            "statement",
            brand or Brand(),
            title=title,
            facts=facts,
            rows=rows,
            listed=facts.open_items[:STATEMENT_ROWS],
            unlisted=facts.open_items[STATEMENT_ROWS:],
            unlisted_open=sum(
                (item.open for item in facts.open_items[STATEMENT_ROWS:]), Money.zero(facts.closing.currency)
            ),
            ages=ages(facts.open_items, facts.until, facts.closing.currency),
            open_total=sum((item.open for item in facts.open_items), Money.zero(facts.closing.currency)),
            code=None,
            seller=facts.company,
        )
        name = f"{title} {facts.debtor.account_code or facts.debtor.name} {facts.until.isoformat()}"
    return Paper(pdf.render(html, variant="pdf/a-3b", assets=assets), _file_name(name), title)


def receipt(facts: ReceiptFacts, brand: Brand | None = None) -> Paper:
    """A receipt that says no more than is true: subject to collection until the bank's money is final."""
    with speaking(facts.language):
        title = _("Payment receipt %(reference)s", reference=facts.reference)
        html, assets = _page("receipt", brand or Brand(), title=title, facts=facts, code=None, seller=facts.company)
    return Paper(pdf.render(html, variant="pdf/a-3b", assets=assets), _file_name(title), title)


def mandate(facts: MandateFacts, brand: Brand | None = None) -> Paper:
    """A SEPA Core direct debit mandate with its evidence of consent."""
    with speaking(facts.language):
        title = _("SEPA direct debit mandate %(rum)s", rum=facts.rum)
        html, assets = _page("mandate", brand or Brand(), title=title, facts=facts, code=None, seller=facts.creditor)
    return Paper(pdf.render(html, variant="pdf/a-3b", assets=assets), _file_name(title), title)


def plan(facts: PlanFacts, brand: Brand | None = None) -> Paper:
    """An acknowledgement of debt with the schedule by which it is paid, and the evidence of consent."""
    with speaking(facts.language):
        title = _("Acknowledgement of debt %(reference)s", reference=facts.reference)
        html, assets = _page("plan", brand or Brand(), title=title, facts=facts, code=None, seller=facts.company)
    return Paper(pdf.render(html, variant="pdf/a-3b", assets=assets), _file_name(title), title)


def ages(items: tuple[OpenItemFacts, ...], on: date, currency: str) -> tuple[Age, ...]:
    """Open amounts by days late on a day: not due, 1-30, 31-60, 61-90, more; credits lower what is not due."""
    labels = (_("Not due"), _("1–30 days"), _("31–60 days"), _("61–90 days"), _("Over 90 days"))
    sums = [Money.zero(currency)] * len(labels)
    for item in items:
        late = (on - item.due_on).days if item.due_on and item.kind == "invoice" else 0
        column = 0 if late <= 0 else min((late - 1) // 30 + 1, len(labels) - 1)
        sums[column] += item.open
    return tuple(Age(label, amount) for label, amount in zip(labels, sums, strict=True))


def _page(name: str, brand: Brand, **values: Any) -> tuple[str, dict[str, bytes]]:
    assets: dict[str, bytes] = {}
    if brand.logo and len(brand.logo) <= LARGEST_LOGO and brand.logo.startswith((_PNG, _JPEG)):
        assets["logo"] = brand.logo
    if values["code"] is not None:
        assets["qr"] = epc.as_svg(values["code"])
    template = environment().get_template(f"paper/{name}.html")
    html = template.render(
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
