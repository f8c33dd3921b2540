"""What a column of a table can hold."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What a column can hold."""

    DEBTOR_CODE = "debtor_code"
    DEBTOR_NAME = "debtor_name"
    SIREN = "siren"
    VAT_NUMBER = "vat_number"
    CONTACT_NAME = "contact_name"
    EMAIL = "email"
    PHONE = "phone"
    LANGUAGE = "language"
    STREET = "street"
    POSTCODE = "postcode"
    CITY = "city"
    COUNTRY = "country"
    CUSTOMER_KIND = "customer_kind"
    """Business or consumer."""
    IBAN = "iban"
    NUMBER = "number"
    KIND = "kind"
    ISSUED_ON = "issued_on"
    DUE_ON = "due_on"
    TERMS = "terms"
    TOTAL = "total"
    NET = "net"
    VAT = "vat"
    OPEN = "open"
    PAID = "paid"
    CURRENCY = "currency"
    SETTLED_ON = "settled_on"
    PO_NUMBER = "po_number"
    LABEL = "label"
    DISPUTED = "disputed"
    STATUS = "status"
    PAYMENT_STATUS = "payment_status"
    """A second state beside the first: of the payment, where that one is of the document."""
