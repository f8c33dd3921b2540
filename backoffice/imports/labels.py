"""States, columns and findings in staff words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from backoffice.imports.models import RunState
from backoffice.imports.plan import ItemKind
from backoffice.imports.roles import Role
from shared.company.models import TermsKind
from shared.kit.words import lazy_gettext as _l


@dataclass(frozen=True, slots=True)
class Label:
    """A word and the tone that its colour repeats (good, wait, late, info, neutral)."""

    word: Any
    tone: str = "neutral"


STATES: dict[RunState, Label] = {
    RunState.READING: Label(_l("Being read"), "wait"),
    RunState.READY: Label(_l("Ready to import"), "info"),
    RunState.FAULTY: Label(_l("Has faults"), "late"),
    RunState.ASKING: Label(_l("Waits for answers"), "wait"),
    RunState.WAITING: Label(_l("Will start in a moment"), "wait"),
    RunState.WRITING: Label(_l("Being imported"), "wait"),
    RunState.DONE: Label(_l("Imported"), "good"),
    RunState.REFUSED: Label(_l("Refused, nothing was imported"), "late"),
    RunState.CANCELLED: Label(_l("Given up")),
    RunState.UNDOING: Label(_l("Being taken back"), "wait"),
    RunState.UNDONE: Label(_l("Taken back")),
}

ROLES: dict[Role, Any] = {
    Role.DEBTOR_CODE: _l("Customer's code"),
    Role.DEBTOR_NAME: _l("Customer's name"),
    Role.SIREN: _l("SIREN or SIRET"),
    Role.VAT_NUMBER: _l("VAT number"),
    Role.CONTACT_NAME: _l("Contact's name"),
    Role.EMAIL: _l("Contact's e-mail"),
    Role.PHONE: _l("Contact's phone"),
    Role.LANGUAGE: _l("Language"),
    Role.STREET: _l("Street"),
    Role.POSTCODE: _l("Postcode"),
    Role.CITY: _l("City"),
    Role.COUNTRY: _l("Country"),
    Role.CUSTOMER_KIND: _l("Business or consumer"),
    Role.IBAN: _l("IBAN (not imported)"),
    Role.NUMBER: _l("Invoice number"),
    Role.KIND: _l("Invoice or credit note"),
    Role.ISSUED_ON: _l("Invoice date"),
    Role.DUE_ON: _l("Due date"),
    Role.TERMS: _l("Payment terms"),
    Role.TOTAL: _l("Total with VAT"),
    Role.NET: _l("Total without VAT"),
    Role.VAT: _l("VAT"),
    Role.OPEN: _l("Open amount"),
    Role.PAID: _l("Paid amount"),
    Role.CURRENCY: _l("Currency"),
    Role.SETTLED_ON: _l("Settled on"),
    Role.PO_NUMBER: _l("Purchase order"),
    Role.LABEL: _l("Description"),
    Role.DISPUTED: _l("In dispute"),
    Role.STATUS: _l("State of the document"),
    Role.PAYMENT_STATUS: _l("State of its payment"),
}

KINDS: dict[ItemKind, Any] = {
    ItemKind.INVOICE: _l("Invoice"),
    ItemKind.OPENING: _l("Balance carried forward"),
    ItemKind.CREDIT_NOTE: _l("Credit note"),
    ItemKind.CREDIT: _l("Unapplied credit"),
}

TERMS: dict[TermsKind, Any] = {
    TermsKind.NET: _l("days after the invoice"),
    TermsKind.END_OF_MONTH_THEN_DAYS: _l("days after the end of the invoice's month"),
    TermsKind.DAYS_THEN_END_OF_MONTH: _l("days after the invoice, then the end of that month"),
}

FORMATS: dict[str, Any] = {
    "csv": _l("Table (CSV)"),
    "xlsx": _l("Workbook (XLSX)"),
    "ods": _l("Workbook (ODS)"),
    "xls": _l("Workbook (XLS)"),
    "fec": _l("Accounting entries (FEC)"),
    "ledger": _l("Customers' ledger (debit and credit)"),
    "table": _l("Table"),
    "": _l("Unknown"),
}

DELIMITERS: dict[str, Any] = {";": ";", ",": ",", "|": "|", "\t": _l("tabulator")}
ORDERS: dict[str, Any] = {
    "dmy": _l("day before month"),
    "mdy": _l("month before day"),
    "ymd": _l("year before month and day"),
    "plain": _l("no doubt possible"),
    "ambiguous": _l("not clear"),
}
"""Order of days, also said of decimal marks ("plain", "ambiguous")."""
