"""Factur-X: the EN 16931 invoice (UN/CEFACT CII) inside its PDF/A-3.

The library writes the XML from business terms (BT, BG: the standard's own numbers) and embeds it; what stands here is
the mapping from our facts. French rules (the "flux 2" schematron of the e-invoicing reform) ask for the notes PMT,
PMD and AAB, an electronic address of both parties, a SIREN and a closed list of VAT rates.
"""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files
from typing import Any

from lxml import etree

from shared.documents import mentions
from shared.documents.facts import BankFacts, DebitFacts, InvoiceFacts, LineFacts, PartyFacts, VatFacts, tidy
from shared.kit.errors import Invalid
from shared.kit.money import Money
from shared.kit.pdf import Attachment
from shared.kit.words import speaking

INVOICE, CREDIT_NOTE = "380", "381"
LEVEL = "en16931"
FILE_NAME = "factur-x.xml"

_SIREN_ADDRESS, _EMAIL_ADDRESS, _SIREN_SCHEME = "0225", "EM", "0002"
_TRANSFER, _DEBIT = "58", "59"  # UNTDID 4461: SEPA credit transfer, SEPA direct debit
_FRENCH_NUMBER = re.compile(r"[A-Za-z0-9+\-_/]{1,35}")
_FRENCH_RATES = frozenset(
    map(
        Decimal, ["0", "0.9", "1.05", "1.75", "2.1", "5.5", "7", "8.5", "9.2", "9.6", "10", "13", "19.6", "20", "20.6"]
    )  # CGI art. 278 to 298 octies
)
_ROUNDED_BY_LINE = 99
"""Cents by which VAT may differ from base times rate when it was rounded line by line (BR-CO-17 forgives one euro)."""
_CATEGORIES = frozenset({"S", "Z", "E", "AE", "K", "G", "O"})
_REASON_CODES = {"AE": "VATEX-EU-AE", "K": "VATEX-EU-IC", "G": "VATEX-EU-G", "O": "VATEX-EU-O"}
"""Of an exemption (E) only the franchise of art. 293 B has a code that its words tell for sure; the others stay words."""
_FRANCHISE = re.compile(r"\b293\s*B\b")
_UNITS = {
    "h": "HUR",
    "heure": "HUR",
    "heures": "HUR",
    "hour": "HUR",
    "hours": "HUR",
    "j": "DAY",
    "jour": "DAY",
    "jours": "DAY",
    "day": "DAY",
    "days": "DAY",
    "mois": "MON",
    "month": "MON",
    "months": "MON",
    "an": "ANN",
    "année": "ANN",
    "year": "ANN",
    "kg": "KGM",
    "g": "GRM",
    "t": "TNE",
    "l": "LTR",
    "m": "MTR",
    "m2": "MTK",
    "m²": "MTK",
    "m3": "MTQ",
    "m³": "MTQ",
    "km": "KMT",
    "kwh": "KWH",
}


class NotAnInvoiceError(Invalid):
    """The facts do not make a true EN 16931 invoice; `reasons` says why, in English."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__("invoice.not_electronic", "; ".join(reasons), reasons=reasons)
        self.reasons = reasons


def faults(facts: InvoiceFacts) -> list[str]:
    """Why these facts cannot be a Factur-X invoice; an empty list when they can.

    Nothing is invented to fill a gap: an imported invoice of which only the total is known stays a plain paper.
    """
    found: list[str] = []
    if not facts.lines or not facts.vats or facts.net is None or facts.vat is None:
        found.append("lines or VAT are unknown")
    else:
        found += _sum_faults(facts, facts.net, facts.vat)
    found += _vat_faults(facts)
    if facts.seller.country == "FR":
        found += _french_faults(facts)
    if facts.prepaid is not None and (facts.prepaid > facts.total or facts.prepaid < Money.zero(facts.total.currency)):
        found.append("more was paid before than the total")
    return found


def _sum_faults(facts: InvoiceFacts, net: Money, vat: Money) -> list[str]:
    zero = Money.zero(facts.total.currency)
    found = []
    if sum((line.net for line in facts.lines), zero) != net:
        found.append("the lines do not add up to the net total")
    if sum((entry.vat for entry in facts.vats), zero) != vat:
        found.append("the VAT entries do not add up to the VAT total")
    if net + vat != facts.total:
        found.append("net and VAT do not add up to the total")
    by_rate: dict[tuple[str, Decimal], Money] = {}
    for line in facts.lines:
        key = (line.vat_category, line.vat_rate)
        by_rate[key] = by_rate.get(key, zero) + line.net
    if by_rate != {(entry.category, entry.rate): entry.base for entry in facts.vats}:
        found.append("the VAT bases are not those of the lines")
    found += [
        f"the VAT at {entry.rate} % is not its base times its rate"
        for entry in facts.vats
        if abs(entry.base.share(entry.rate / 100).minor - entry.vat.minor) > min(len(facts.lines), _ROUNDED_BY_LINE)
    ]
    return found


def _vat_faults(facts: InvoiceFacts) -> list[str]:
    found = []
    categories = {entry.category for entry in facts.vats}
    if categories - _CATEGORIES:
        found.append("a VAT category is not one of S, Z, E, AE, K, G, O")
    if "O" in categories and len(categories) > 1:
        found.append("what is outside the scope of VAT stands beside what is not")  # BR-O-11
    if any((entry.category == "S") != (entry.rate > 0) for entry in facts.vats):
        found.append("a standard rate is zero or an exempt one is not")
    if categories & {"AE", "K"} and not (facts.buyer.vat_number or (facts.buyer.siren and "K" not in categories)):
        found.append("reverse charge needs the customer's VAT number")
    if categories & {"S", "AE", "K", "G"} and not facts.seller.vat_number:
        found.append("the seller's VAT number is missing")
    return found


def _french_faults(facts: InvoiceFacts) -> list[str]:
    found = []
    if not _FRENCH_NUMBER.fullmatch(facts.number):
        found.append("the number has other characters than letters, digits and + - _ /, or more than 35")
    if not (facts.seller.siren.isdigit() and len(facts.seller.siren) == 9):
        found.append("the seller's SIREN is missing")
    if {entry.rate for entry in facts.vats} - _FRENCH_RATES:
        found.append("a VAT rate is not one of France")
    if facts.total.currency != "EUR":
        found.append("the currency is not the euro")
    if not (facts.buyer.siren or facts.buyer.email):
        found.append("the customer has neither a SIREN nor an e-mail address")
    if facts.is_credit and not all(_FRENCH_NUMBER.fullmatch(earlier.number) for earlier in facts.preceding):
        found.append("the number of the invoice that it corrects has other characters")
    if facts.is_credit and not facts.preceding:
        found.append("a credit note names the invoice that it corrects")
    return found


def xml(facts: InvoiceFacts) -> bytes:
    """The invoice as EN 16931 CII XML, valid against its schema. Raises NotAnInvoiceError."""
    if reasons := faults(facts):
        raise NotAnInvoiceError(reasons)
    from facturx import generate_cii_xml

    with speaking(facts.language):
        terms = _business_terms(facts)
    # Its schematron check would ask a server on the local machine, and take silence for a yes.
    made: bytes = generate_cii_xml(terms, level=LEVEL, check_xsd=False, check_schematron=False)
    _schema().assertValid(etree.fromstring(made))
    return made


def attachment(facts: InvoiceFacts) -> Attachment:
    """The invoice's data as `kit.pdf` puts it into a PDF/A-3. Raises NotAnInvoiceError."""
    return Attachment(
        name=FILE_NAME,
        content=xml(facts),
        description="Factur-X EN 16931",
        dated=facts.issued_on,
        rdf=_rdf(),
    )


@lru_cache(maxsize=1)
def _rdf() -> bytes:
    """What the archive's metadata says of the file: the fx properties, and the schema that explains them."""
    from facturx.facturx import FACTURX_LEVEL2xmp, generate_xmp_object

    properties = {
        "pdfa3_flavor": "B",
        "title": "",
        "author": "",
        "subject": "",
        "producer": "",
        "creator_tool": "",
        "timestamp": "",
        "version": "1.0",
        "documenttype": "INVOICE",
        "xml_filename": FILE_NAME,
        "xmp_level": FACTURX_LEVEL2xmp[LEVEL],
        "urn": "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#",
    }
    root = etree.fromstring(etree.tostring(generate_xmp_object(properties)))
    about = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}about"
    made = []
    for description in root[0]:
        if any(child.prefix in {"fx", "pdfaExtension"} for child in description):
            description.set(about, "")
            made.append(etree.tostring(description))
    return b"".join(made)


@lru_cache(maxsize=1)
def _schema() -> etree.XMLSchema:
    from facturx.facturx import FACTURX_LEVEL2xsd

    path = files("facturx") / "xsd_and_schematron" / FACTURX_LEVEL2xsd[LEVEL]
    return etree.XMLSchema(file=str(path))


def _amount(money: Money) -> str:
    return f"{money.decimal:f}"


def _plain(number: Decimal, most_places: int) -> str:
    """A decimal as XML wants it: no exponent, no needless zeros, not more places than the standard allows."""
    rounded = round(number, most_places).normalize()
    return f"{rounded:f}"


def _business_terms(facts: InvoiceFacts) -> dict[str, Any]:
    seller, buyer = facts.seller, facts.buyer
    if any(entry.category == "O" for entry in facts.vats):  # BR-O-02: nobody's VAT number stands on it
        seller, buyer = replace(seller, vat_number=""), replace(buyer, vat_number="")
    terms: dict[str, Any] = {
        "BT-1": facts.number,
        "BT-2": facts.issued_on,
        "BT-3": CREDIT_NOTE if facts.is_credit else INVOICE,
        "BT-5": facts.total.currency,
        "BT-8": "invoice",
        "BT-13": tidy(facts.order_reference, 200),
        "BT-23": "S1",
        "BG-1": _notes(facts),
        "BG-3": [{"BT-25": earlier.number, "BT-26": earlier.issued_on} for earlier in facts.preceding],
        "BG-4": _party(seller, is_seller=True),
        "BG-7": _party(buyer, is_seller=False),
        "BG-23": [_vat(entry, has_vat_number=bool(facts.seller.vat_number)) for entry in facts.vats],
        "BG-25": [_line(line, position) for position, line in enumerate(facts.lines, start=1)],
        **_payment(facts),
        **_delivery(facts),
        **_totals(facts),
    }
    return {key: value for key, value in terms.items() if value not in ("", None, [])}


def _totals(facts: InvoiceFacts) -> dict[str, str]:
    if facts.net is None or facts.vat is None:
        raise NotAnInvoiceError(["net or VAT is unknown"])
    prepaid = {"BT-113": _amount(facts.prepaid)} if facts.prepaid else {}
    return {
        "BT-106": _amount(facts.net),
        "BT-109": _amount(facts.net),
        "BT-110": _amount(facts.vat),
        "BT-112": _amount(facts.total),
        "BT-115": _amount(facts.payable),
        **prepaid,
    }


def _payment(facts: InvoiceFacts) -> dict[str, Any]:
    """Due day and means. A credit note has neither; a due day before the issue day is told in words (BR-FR-CO-07)."""
    if facts.is_credit:
        return {"BT-20": mentions.credit_terms()}
    terms: dict[str, Any] = (
        {"BT-9": facts.due_on} if facts.due_on >= facts.issued_on else {"BT-20": mentions.due_terms(facts.due_on)}
    )
    if facts.debit:
        return terms | {
            "BT-81": _DEBIT,
            "BT-83": facts.number,
            **{key: value for key, value in _mandate(facts.debit).items() if value},
        }
    if facts.bank.iban:
        return terms | {"BT-81": _TRANSFER, "BT-83": facts.number, **_account(facts.bank, facts.seller.name)}
    return terms


def _mandate(debit: DebitFacts) -> dict[str, str]:
    return {"BT-89": debit.rum, "BT-90": debit.ics, "BT-91": debit.iban}


def _account(bank: BankFacts, holder: str) -> dict[str, str]:
    return {"BT-84": bank.iban.replace(" ", ""), "BT-85": tidy(bank.holder or holder, 70), "BT-86": bank.bic}


def _delivery(facts: InvoiceFacts) -> dict[str, Any]:
    # An invoice tells the day of delivery when it is another than its own (CGI ann. II art. 242 nonies A, I-10°).
    terms: dict[str, Any] = {"BT-72": facts.delivered_on or facts.issued_on}
    is_abroad = any(entry.category == "K" for entry in facts.vats)
    place = facts.delivery or (facts.buyer if is_abroad else None)
    if place:
        terms["BG-13"] = {"name": place.name, **_address(place)}
    return terms


def _notes(facts: InvoiceFacts) -> list[dict[str, str]]:
    notes = [
        {"BT-21": "PMT", "BT-22": mentions.recovery_fee(facts.buyer.is_consumer)},
        {"BT-21": "PMD", "BT-22": mentions.penalties(facts.terms, is_consumer=facts.buyer.is_consumer)},
        {"BT-21": "AAB", "BT-22": mentions.discount(facts.terms)},
    ]
    if facts.buyer.is_consumer:
        notes.append({"BT-21": "BAR", "BT-22": "B2C"})
    elif facts.seller.siren and facts.buyer.siren:
        notes.append({"BT-21": "BAR", "BT-22": "B2B"})
    if facts.title:
        notes.append({"BT-22": facts.title})
    return notes


def _address(party: PartyFacts) -> dict[str, str]:
    address = {
        "addr_l1": party.street,
        "addr_l2": party.street_more,
        "postcode": party.postcode,
        "city": party.city,
        "country_code": party.country or "FR",
    }
    return {key: value for key, value in address.items() if value}


def _party(party: PartyFacts, *, is_seller: bool) -> dict[str, Any]:
    facts: dict[str, Any] = {"name": party.name, **_address(party), "vat_identifier": party.vat_number}
    if party.siren:
        facts |= {"legal_identifier": party.siren, "legal_identifier_schemeid": _SIREN_SCHEME}
        facts |= {"einvoicing_addr": party.siren, "einvoicing_addr_schemeid": _SIREN_ADDRESS}
        if len(party.siret) == 14 and party.siret.startswith(party.siren):
            facts["identifiers"] = {"0009": party.siret}
    elif party.email:
        facts |= {"einvoicing_addr": party.email, "einvoicing_addr_schemeid": _EMAIL_ADDRESS}
    if is_seller:
        facts["legal_info"] = mentions.legal_line(party)
        if not party.vat_number:
            facts["tax_identifier"] = party.siren  # BR-E-02: an exempt seller is known by its registration
        if party.email or party.phone:
            facts["contacts"] = [{"name": party.name, "phone": party.phone, "email": party.email}]
    return {key: value for key, value in facts.items() if value}


def _vat(entry: VatFacts, *, has_vat_number: bool) -> dict[str, str]:
    terms = {
        "BT-116": _amount(entry.base),
        "BT-117": _amount(entry.vat),
        "BT-118": entry.category,
        "BT-119": _plain(entry.rate, 2),
    }
    if entry.category not in {"S", "Z"}:
        reason = entry.exemption_reason or mentions.exemption(entry.category, has_vat_number=has_vat_number)
        code = "VATEX-FR-FRANCHISE" if entry.category == "E" and _FRANCHISE.search(reason) else ""
        terms["BT-120"] = reason
        terms["BT-121"] = _REASON_CODES.get(entry.category, code)
    return _of_a_rate(terms, entry.category)


def _of_a_rate(terms: dict[str, str], category: str) -> dict[str, str]:
    """Terms without the empty ones; what is outside the scope of VAT has no rate, not even zero (BR-O-05)."""
    rates = {"BT-119", "BT-152"} if category == "O" else set()
    return {key: value for key, value in terms.items() if value and key not in rates}


def _line(line: LineFacts, position: int) -> dict[str, str]:
    # A price is never negative in EN 16931 (BR-27): a discount line is a negative quantity at a positive price.
    sign = -1 if line.unit_price < 0 else 1
    name, _, more = line.description.partition("\n")
    terms = {
        "BT-126": str(position),
        "BT-129": _plain(line.quantity * sign, 4),
        "BT-130": _UNITS.get(line.unit.strip().lower().rstrip("."), "C62"),
        "BT-131": _amount(line.net),
        "BT-146": _plain(line.unit_price * sign, 4),
        "BT-151": line.vat_category,
        "BT-152": _plain(line.vat_rate, 2),
        "BT-153": tidy(name, 200) or "-",
    }
    if more.strip():
        terms["BT-154"] = tidy(more)
    return _of_a_rate(terms, line.vat_category)
