"""Files of programs that are known and not read: named by their beginning, so that a person knows what to export instead.

Layouts after their published descriptions (Sage 100, Cegid TRA, Quadratus, Ciel XIMPORT, QuickBooks IIF, UBL, CII, ISO 20022).
"""

from __future__ import annotations

import codecs
import json
import re

from backoffice.imports.faults import Unreadable

HEAD = 8_192

_SAGE = re.compile(r"^#(?:FLG|VER|DEV|MECG|MPCT|CHEN)\b", re.MULTILINE)
_QUADRA = re.compile(r"M.{40}[DC][-+]\d{12}")
_CIEL = re.compile(r".{137}O2003")
_MT940 = re.compile(r"^:20:.*^:25:", re.MULTILINE | re.DOTALL)
_CFONB = re.compile(r"0[1457].{118}")
_XML: tuple[tuple[str, str], ...] = (
    (r"<\s*comptabilite\b", "foreign.fec_xml"),
    (r"urn:oasis:names:specification:ubl:", "foreign.e_invoice"),
    (r"CrossIndustryInvoice", "foreign.e_invoice"),
    (r"urn:iso:std:iso:20022|urn:swift:xsd", "foreign.bank"),
    (r"<\s*OFX\b", "foreign.bank"),
    (r"urn:schemas-microsoft-com:office:spreadsheet|progid=\"Excel\.Sheet\"", "foreign.spreadsheet_xml"),
    (r"<\s*(?:!doctype\s+html|html|head|body|table|meta)\b", "foreign.html"),
)


def refuse_known(head: bytes) -> None:
    """Raise Unreadable with the name of the format when these first bytes are those of one that is known and not read."""
    code = _code(_decoded(head))
    if code:
        raise Unreadable(code)


def _decoded(head: bytes) -> str:
    for bom, name in ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if head.startswith(bom):
            return head.decode(name, errors="replace").lstrip("\ufeff")
    if b"\0" in head[:200]:
        return head.decode("utf-16-le" if head[1:2] == b"\0" else "utf-16-be", errors="replace")
    return head.decode("cp850", errors="replace")


def _code(text: str) -> str:
    start = text.lstrip()
    if start.startswith("<"):
        return next((code for pattern, code in _XML if re.search(pattern, start, re.IGNORECASE)), "foreign.xml")
    if start.startswith(("{", "[")) and _is_json(start):
        return "foreign.json"
    if start.startswith("#") and _SAGE.search(start):
        return "foreign.sage"
    if start.startswith("***S5"):
        return "foreign.tra"
    if start.startswith(("!TRNS", "!HDR", "!CUST", "!ACCNT", "!INVITEM")):
        return "foreign.iif"
    if start.startswith("OFXHEADER") or _MT940.search(start[:2_000]):
        return "foreign.bank"
    if start.startswith("{\\rtf"):
        return "foreign.rtf"
    return _fixed(text)


def _fixed(text: str) -> str:
    """Files of fixed width, by the shape of their lines."""
    lines = [line.rstrip("\r") for line in text.split("\n")[:-1] if line.strip()] or [text]
    if len([line for line in lines if _QUADRA.match(line)]) * 2 > len(lines):
        return "foreign.quadra"
    if all(_CIEL.match(line) for line in lines):
        return "foreign.ciel"
    if all(len(line) == 120 and _CFONB.fullmatch(line) for line in lines):
        return "foreign.bank"
    return ""


def _is_json(text: str) -> bool:
    """True for the beginning of a JSON text: a list of things, or a thing with a name."""
    try:
        json.loads(text)
    except ValueError:
        return bool(re.match(r"(?:\[\s*)?\{\s*\"", text))
    return True
