"""PDFs: looked through for everything that acts, then written anew from their pages."""

from __future__ import annotations

import io
import logging
import zlib
from collections.abc import Iterator
from typing import Any

from shared.attachments.decode import RefusedFile

MOST_PAGES = 500
MOST_OBJECTS = 200_000
MOST_INFLATED = 200 * 1024 * 1024
"""Bytes that all compressed streams together may become in a reader."""

_SCRIPT_KEYS = frozenset({"/JS", "/JavaScript", "/AA", "/XFA"})
_FILE_KEYS = frozenset({"/EmbeddedFiles", "/EF", "/Collection"})
_MEDIA_KEYS = frozenset({"/RichMediaContent", "/RichMediaSettings", "/RichMedia", "/3DD", "/3DA"})
_ACTS = frozenset(
    {
        "/JavaScript",
        "/Launch",
        "/SubmitForm",
        "/ImportData",
        "/ResetForm",
        "/GoToR",
        "/GoToE",
        "/Rendition",
        "/Movie",
        "/Sound",
        "/RichMediaExecute",
        "/GoTo3DView",
        "/Trans",
        "/SetOCGState",
    }
)
_MEDIA = frozenset({"/RichMedia", "/Movie", "/Sound", "/3D", "/Screen"})
_EINVOICES = frozenset({"factur-x.xml", "zugferd-invoice.xml", "xrechnung.xml", "order-x.xml"})
"""Data files of electronic invoices: a debtor may well send our own invoice back. They are left out of the copy."""
_LINKS = ("http://", "https://", "mailto:", "tel:")


def rewrite(content: bytes) -> bytes:
    """The pages of a PDF in a new file; raises RefusedFile for a PDF that acts, hides files, is locked or damaged."""
    from pypdf.errors import DependencyError, LimitReachedError

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        return _rewritten(content)
    except RefusedFile:
        raise
    except DependencyError as error:  # only ciphers need more than we have
        raise RefusedFile("pdf_locked") from error
    except (LimitReachedError, MemoryError, RecursionError) as error:
        raise RefusedFile("too_heavy") from error
    except Exception as error:  # a damaged PDF makes the library raise anything
        raise RefusedFile("damaged") from error


def _rewritten(content: bytes) -> bytes:
    from pypdf import PdfReader, PdfWriter

    reader = PdfReader(io.BytesIO(content), strict=False)
    if reader.is_encrypted:
        raise RefusedFile("pdf_locked")
    root: Any = reader.root_object
    _forget_einvoice(root)
    _look_through(root)
    if not 1 <= len(reader.pages) <= MOST_PAGES:
        raise RefusedFile("pdf_pages")
    writer = PdfWriter()
    for page in reader.pages:
        writer.add_page(page)
    for key in ("/AcroForm", "/OCProperties"):  # what was filled in, and which layers are shown
        if key in root:
            writer.root_object[_name(key)] = root[key].clone(writer)
    writer.metadata = None
    made = io.BytesIO()
    writer.write(made)
    return made.getvalue()


def _name(text: str) -> Any:
    from pypdf.generic import NameObject

    return NameObject(text)


def _forget_einvoice(root: Any) -> None:
    """Leave the data of an electronic invoice out, when nothing else is embedded."""
    names = root.get("/Names")
    tree = names.get_object().get("/EmbeddedFiles") if names is not None else None
    if tree is None:
        return
    found = [str(each) for each in (tree.get_object().get("/Names") or ())[::2]]
    if found and "/Kids" not in tree.get_object() and all(name.lower() in _EINVOICES for name in found):
        del names.get_object()["/EmbeddedFiles"]
        root.pop("/AF", None)


def _look_through(root: Any) -> None:
    """Every object that can be reached from the catalogue; raises RefusedFile for the first that acts."""
    budget = _Budget()
    for count, found in enumerate(_objects(root)):
        if count > MOST_OBJECTS:
            raise RefusedFile("too_heavy")
        if isinstance(found, dict):
            _look_at(found)
            budget.spend(found)


def _objects(root: Any) -> Iterator[Any]:
    from pypdf.generic import IndirectObject

    seen: set[tuple[int, int]] = set()
    waiting: list[Any] = [root]
    while waiting:
        each = waiting.pop()
        if isinstance(each, IndirectObject):
            key = (each.idnum, each.generation)
            if key in seen:
                continue
            seen.add(key)
            each = each.get_object()
        yield each
        if isinstance(each, dict):
            waiting.extend(dict.values(each))
        elif isinstance(each, list):
            waiting.extend(list.__iter__(each))


def _look_at(found: dict[Any, Any]) -> None:
    keys = set(found)
    if keys & _SCRIPT_KEYS:
        raise RefusedFile("pdf_script")
    if keys & _FILE_KEYS or _value(found, "/Type") == "/EmbeddedFile":
        raise RefusedFile("pdf_files")
    kind = _value(found, "/Subtype")
    if keys & _MEDIA_KEYS or kind in _MEDIA:
        raise RefusedFile("pdf_media")
    if kind == "/FileAttachment":
        raise RefusedFile("pdf_files")
    act = _value(found, "/S")
    if act in _ACTS and (act != "/Trans" or "/Trans" in keys):
        raise RefusedFile("pdf_script" if act == "/JavaScript" else "pdf_act")
    if act == "/URI" and not _is_plain_link(found.get("/URI")):
        raise RefusedFile("pdf_act")
    opening = found.get("/OpenAction")
    if opening is not None and not _only_shows(opening.get_object()):
        raise RefusedFile("pdf_act")


def _value(found: dict[Any, Any], key: str) -> str:
    value = found.get(key)
    return str(value.get_object()) if value is not None and hasattr(value, "get_object") else ""


def _is_plain_link(address: Any) -> bool:
    text = address.get_object() if address is not None else ""
    if isinstance(text, bytes):
        text = text.decode("latin-1")
    return str(text).strip().lower().startswith(_LINKS)


def _only_shows(opening: Any) -> bool:
    """Whether what happens on opening is only "show this page"."""
    return not isinstance(opening, dict) or _value(opening, "/S") == "/GoTo"


class _Budget:
    """How much the compressed streams may still become: a small file may not fill a reader's memory."""

    def __init__(self) -> None:
        self.left = MOST_INFLATED

    def spend(self, found: Any) -> None:
        data = getattr(found, "_data", None)
        if not isinstance(data, bytes) or not data:
            return
        filters = found.get("/Filter")
        names = filters.get_object() if filters is not None else []
        names = [str(each.get_object()) for each in names] if isinstance(names, list) else [str(names)]
        depth = 0
        for name in names:
            if name not in ("/FlateDecode", "/Fl"):
                break
            depth += 1
        if depth > 2:
            raise RefusedFile("too_heavy")
        self._inflate(data, depth)

    def _inflate(self, data: bytes, depth: int) -> None:
        if not depth:
            return
        stream = zlib.decompressobj()
        try:
            while data:
                part = stream.decompress(data, 1024 * 1024)
                self.left -= len(part)
                if self.left < 0:
                    raise RefusedFile("too_heavy")
                if depth > 1 and len(part) == 1024 * 1024:
                    raise RefusedFile("too_heavy")
                self._inflate(part, depth - 1)
                data = stream.unconsumed_tail
        except zlib.error:
            return
