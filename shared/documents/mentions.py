"""The sentences that the law wants on an invoice, in the language of its reader.

C. com. L441-9 (mentions of an invoice), L441-10 II (late penalties, fixed indemnity), D441-5 (40 €); CGI ann. II
art. 242 nonies A (VAT mentions). Between professionals only: a consumer owes neither penalties nor the 40 €.
"""

from __future__ import annotations

from datetime import date

from shared.documents.facts import PartyFacts, TermsFacts
from shared.kit.templating import day, percent
from shared.kit.words import gettext as _


def recovery_fee(is_consumer: bool) -> str:  # noqa: FBT001 - a plain question
    """D441-5: 40 € for each invoice paid late, between professionals."""
    if is_consumer:
        return _("No fixed indemnity for recovery costs is due by a consumer.")
    return _(
        "In case of late payment, a fixed indemnity of €40 for recovery costs is due (art. L441-10 and D441-5 of the French Commercial Code)."
    )


def penalties(terms: TermsFacts, *, is_consumer: bool) -> str:
    """L441-10 II: the rate, and that no reminder is needed."""
    if is_consumer:
        return _("No late payment penalty is due by a consumer without formal notice.")
    if terms.penalty_rate is None:
        return _(
            "Late payment penalties are due from the day after the due date, without a reminder, at the refinancing rate of the European Central Bank plus 10 percentage points (art. L441-10 of the French Commercial Code)."
        )
    return _(
        "Late payment penalties are due from the day after the due date, without a reminder, at %(rate)s a year (art. L441-10 of the French Commercial Code).",
        rate=percent(terms.penalty_rate / 100),
    )


def discount(terms: TermsFacts) -> str:
    """L441-9: the discount for early payment, or that there is none."""
    return terms.discount or _("No discount for early payment.")


def exemption(category: str, *, has_vat_number: bool = True) -> str:
    """Why no VAT is charged (CGI ann. II art. 242 nonies A, I-12° and 13°); `has_vat_number` of the seller.

    A seller without one who is exempt charges no VAT at all: the franchise of art. 293 B, whose words are fixed by art. 293 E.
    """
    reasons = {
        "AE": _("Reverse charge: VAT is due by the customer (art. 283-2 of the French General Tax Code)."),
        "K": _("Intra-Community supply exempt from VAT (art. 262 ter I of the French General Tax Code)."),
        "G": _("Export exempt from VAT (art. 262 I of the French General Tax Code)."),
        "O": _("Outside the scope of French VAT (art. 259-1 of the French General Tax Code)."),
        "Z": "",
    }
    if category == "E" and not has_vat_number:
        return _("VAT not applicable, art. 293 B of the French General Tax Code.")
    return reasons.get(category, _("Exempt from VAT (art. 261 of the French General Tax Code)."))


def usual_exemptions() -> list[str]:
    """Words to choose from where somebody must say why an invoice bears no VAT, each with its article."""
    return [
        *(exemption(category) for category in ("AE", "K", "G", "O", "E")),
        _("Reverse charge: VAT is due by the customer (art. 259-1 of the French General Tax Code)."),
        _("VAT not applicable, art. 293 B of the French General Tax Code."),
    ]


def credit_terms() -> str:
    return _("This credit note is deducted from your account.")


def due_terms(due_on: date) -> str:
    return _("Payable on %(day)s.", day=day(due_on))


def legal_line(party: PartyFacts) -> str:
    """Form, capital and register: "SAS au capital de 10 000 € · RCS Lyon 552 100 554"."""
    form = party.legal_form
    if form and party.capital:
        form = _("%(form)s with a capital of %(capital)s", form=form, capital=party.capital)
    register = f"{party.trade_register} {spaced_siren(party.siren)}".strip() if party.trade_register else ""
    return " · ".join(part for part in (form, register) if part)


def spaced_siren(siren: str) -> str:
    """552100554 → 552 100 554, with no-break spaces."""
    if len(siren) != 9:
        return siren
    return f"{siren[:3]}\u00a0{siren[3:6]}\u00a0{siren[6:]}"


def spaced_iban(iban: str) -> str:
    """In groups of four with no-break spaces, as banks print it."""
    compact = iban.replace(" ", "")
    return "\u00a0".join(compact[start : start + 4] for start in range(0, len(compact), 4))
