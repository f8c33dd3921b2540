"""Whether bytes may be kept as an invoice's original: a PDF that opens, with pages, and nothing that runs."""

from __future__ import annotations

import io
import logging

from shared.kit.errors import Invalid
from shared.kit.words import gettext as _

LARGEST_ORIGINAL = 20 * 1024 * 1024
_MOST_PAGES = 2000
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
