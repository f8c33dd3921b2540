"""Whether bytes may be kept as an invoice's original: a PDF that opens, with pages, and nothing that runs; and its VAT."""

from __future__ import annotations

import io
import logging
from decimal import Decimal, InvalidOperation

from lxml import etree

from shared.documents.facts import VatFacts
from shared.kit.errors import Invalid
from shared.kit.money import Money
from shared.kit.words import gettext as _

LARGEST_ORIGINAL = 20 * 1024 * 1024
_MOST_PAGES = 2000
_LARGEST_XML = 5 * 1024 * 1024
_XML_NAMES = {"factur-x.xml", "zugferd-invoice.xml", "xrechnung.xml"}
_RAM = "{urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100}"
_RUNNING = {"/JavaScript", "/Launch", "/SubmitForm", "/ImportData"}


class NotAPaperError(Invalid):
    """The file cannot be an invoice's original."""

    def __init__(self, message: str) -> None:
        super().__init__("document.not_a_pdf", message)


def check_pdf(content: bytes) -> None:
    """Raises NotAPaperError, in plain words, unless the bytes are an honest PDF of at most 20 MB.

    The bytes are kept as they are: an original may be a Factur-X whose attachment must stay untouched.
    """
    if len(content) > LARGEST_ORIGINAL:
        raise NotAPaperError(_("The file is larger than 20 MB."))
    if b"%PDF-" not in content[:1024]:
        raise NotAPaperError(_("The file is not a PDF."))
    from pypdf import PdfReader
    from pypdf.errors import DependencyError, PyPdfError

    logging.getLogger("pypdf").setLevel(logging.ERROR)
    try:
        reader = PdfReader(io.BytesIO(content))
        is_locked = reader.is_encrypted
        pages = 0 if is_locked else len(reader.pages)
        is_running = not is_locked and pages <= _MOST_PAGES and _runs(reader)
    except DependencyError as error:  # only ciphers need more than we have
        raise NotAPaperError(_("The PDF is protected by a password.")) from error
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, RecursionError, OSError) as error:
        raise NotAPaperError(_("The PDF is damaged.")) from error
    if is_locked:
        raise NotAPaperError(_("The PDF is protected by a password."))
    if not 1 <= pages <= _MOST_PAGES:
        raise NotAPaperError(_("The PDF has no page, or too many."))
    if is_running:
        raise NotAPaperError(_("The PDF contains a program. Please print it to a new PDF first."))


def _runs(reader: object) -> bool:
    root = reader.trailer["/Root"]  # type: ignore[attr-defined]
    names = root.get("/Names")
    if names is not None and "/JavaScript" in names.get_object():
        return True
    if _is_running(root.get("/OpenAction")) or "/AA" in root:
        return True
    for page in reader.pages:  # type: ignore[attr-defined]
        if "/AA" in page:
            return True
        for annotation in page.get("/Annots") or ():
            found = annotation.get_object()
            if "/AA" in found or _is_running(found.get("/A")):
                return True
    return False


def _is_running(action: object) -> bool:
    found = action.get_object() if hasattr(action, "get_object") else action
    return isinstance(found, dict) and found.get("/S") in _RUNNING


def vats(content: bytes) -> tuple[VatFacts, ...]:
    """The VAT of an electronic original (Factur-X, ZUGFeRD 2) by category and rate, as its XML tells; () when it has none.

    What cannot be read is as good as absent: the paper is for people, and nobody is kept from it by its attachment.
    """
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    try:
        attached = PdfReader(io.BytesIO(content)).attachments
        found = [attached[name] for name in attached if name.lower() in _XML_NAMES]
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
        if len(found) != 1 or len(found[0][0]) > _LARGEST_XML:
            return ()
        settlement = etree.fromstring(found[0][0], parser).find(f".//{_RAM}ApplicableHeaderTradeSettlement")
        if settlement is None:
            return ()
        currency = settlement.findtext(f"{_RAM}InvoiceCurrencyCode") or ""
        return tuple(_vat(tax, currency) for tax in settlement.findall(f"{_RAM}ApplicableTradeTax"))
    except (PyPdfError, etree.LxmlError, InvalidOperation, ValueError, KeyError, TypeError, AttributeError, OSError):
        return ()


def _vat(tax: etree._Element, currency: str) -> VatFacts:
    """Raises ValueError, InvalidOperation for what is no amount."""
    return VatFacts(
        category=tax.findtext(f"{_RAM}CategoryCode") or "",
        rate=Decimal(tax.findtext(f"{_RAM}RateApplicablePercent") or "0"),
        base=Money.of(Decimal(tax.findtext(f"{_RAM}BasisAmount") or ""), currency),
        vat=Money.of(Decimal(tax.findtext(f"{_RAM}CalculatedAmount") or ""), currency),
        exemption_reason=tax.findtext(f"{_RAM}ExemptionReason") or "",
    )
