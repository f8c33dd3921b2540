"""Words for kinds of data: legal bases, periods, and the columns of what is handed to a person."""

from __future__ import annotations

from shared.kit.personal import Basis, Kind
from shared.kit.words import gettext as _
from shared.kit.words import lazy_gettext as _l
from shared.kit.words import ngettext
from shared.personal.models import ErasureGround

BASES = {
    Basis.CONTRACT: _l("Contract (GDPR art. 6.1.b)"),
    Basis.LAW: _l("Legal obligation (GDPR art. 6.1.c)"),
    Basis.INTEREST: _l("Legitimate interest (GDPR art. 6.1.f)"),
    Basis.SECURITY: _l("Security (GDPR art. 32)"),
}


GROUNDS = {
    ErasureGround.NEEDED: _l("The data is still needed for the account that the person acts for (GDPR art. 17.1.a)"),
    ErasureGround.LAW: _l("The law wants it kept (GDPR art. 17.3.b)"),
    ErasureGround.CLAIMS: _l("Claims are made or defended with it (GDPR art. 17.3.e)"),
    ErasureGround.IDENTITY: _l("It could not be made sure that the person asked (GDPR art. 12.2 and 12.6)"),
    ErasureGround.EXCESSIVE: _l("The wish is manifestly unfounded or excessive (GDPR art. 12.5)"),
}
"""For staff, who choose one."""

TOLD = {
    ErasureGround.NEEDED: _l("We still need this data for the account that you act for (GDPR art. 17.1.a)."),
    ErasureGround.LAW: _l("A law obliges us to keep this data (GDPR art. 17.3.b)."),
    ErasureGround.CLAIMS: _l("We need this data to make or defend a claim (GDPR art. 17.3.e)."),
    ErasureGround.IDENTITY: _l("We could not make sure that it was you who asked (GDPR art. 12.2 and 12.6)."),
    ErasureGround.EXCESSIVE: _l("We consider this wish manifestly unfounded or excessive (GDPR art. 12.5)."),
}
"""The same, for the person."""

_AUTHORITIES = {
    "BE": "APD-GBA (autoriteprotectiondonnees.be)",
    "DE": "BfDI (bfdi.bund.de)",
    "ES": "AEPD (aepd.es)",
    "FR": "CNIL (cnil.fr/plaintes)",
    "IE": "DPC (dataprotection.ie)",
    "IT": "GPDP (garanteprivacy.it)",
    "LU": "CNPD (cnpd.public.lu)",
    "NL": "AP (autoriteitpersoonsgegevens.nl)",
    "PT": "CNPD (cnpd.pt)",
}


def complaint(country: str) -> str:
    """Where somebody may complain of a company of a country (ISO 3166), and how (GDPR art. 12.4 and 77)."""
    authority = _AUTHORITIES.get(country)
    if authority is None:
        return _("You may complain to the data protection authority of your country; edpb.europa.eu lists all of them.")
    return _("You may complain to the data protection authority, %(authority)s, and go to court.", authority=authority)


def length_words(kind: Kind, length: int) -> str:
    """Such as "12 months" or "2 days"."""
    if kind.term is not None and kind.term.unit == "days":
        return ngettext("%(n)s day", "%(n)s days", length)
    return ngettext("%(n)s month", "%(n)s months", length)


def kept_for(kind: Kind, length: int | None) -> str:
    """For how long and from when; of what is not swept, why it stays."""
    if length is None:
        return str(kind.keeps)
    return _("%(length)s, %(counted)s", length=length_words(kind, length), counted=kind.counted)


FIELDS = {
    "account": _l("Account"),
    "account_code": _l("Customer"),
    "accepted_at": _l("Agreed to"),
    "action": _l("Act"),
    "address": _l("E-mail"),
    "amount_minor": _l("Amount"),
    "answer": _l("Answer"),
    "about": _l("About"),
    "at": _l("When"),
    "bank": _l("Bank"),
    "bank_reference": _l("Label of the transfer"),
    "browser": _l("Browser"),
    "by": _l("By"),
    "city": _l("City"),
    "country": _l("Country"),
    "confirmed_at": _l("Received"),
    "created_at": _l("Made"),
    "currency": _l("Currency"),
    "decided_by": _l("Decided by"),
    "ended_at": _l("Ended"),
    "expires_at": _l("Ends"),
    "given_at": _l("Given"),
    "iban_country": _l("Country of the bank account"),
    "iban_ending": _l("Last digits of the bank account"),
    "is_reminded": _l("Gets reminders"),
    "language": _l("Language"),
    "last_used_at": _l("Last used"),
    "means": _l("Means"),
    "media_type": _l("Kind of file"),
    "name": _l("Name"),
    "network_address": _l("Network address"),
    "note": _l("Note"),
    "other_codes": _l("Other customer codes"),
    "paid_on": _l("Paid on"),
    "paused_why": _l("Why reminders rest"),
    "phone": _l("Telephone"),
    "postcode": _l("Postcode"),
    "promised_on": _l("Promised for"),
    "proof": _l("Proof"),
    "provider": _l("Provider"),
    "purpose": _l("Purpose"),
    "received_sha256": _l("Digest of the file (SHA-256)"),
    "reference": _l("Reference"),
    "refused_at": _l("Refused by the mail server"),
    "refused_with": _l("What the mail server said"),
    "revoked_at": _l("Revoked"),
    "role": _l("Role"),
    "seen_at": _l("Last seen"),
    "sent_at": _l("Sent"),
    "siren": _l("SIREN"),
    "size": _l("Size in bytes"),
    "state": _l("State"),
    "street": _l("Street"),
    "street_more": _l("Street, second line"),
    "subject": _l("Subject"),
    "text": _l("Text"),
    "uploaded_at": _l("Sent in"),
    "use_count": _l("Times used"),
    "vat_number": _l("VAT number"),
    "verified_at": _l("Confirmed by a code"),
    "wants_digest": _l("News once a week"),
    "why": _l("Why"),
}
"""The columns that a person reads; the JSON keeps their English names."""
