"""E-mail addresses: one rule for forms, imports, settings and the mailer. Pure.

Kept and shown is what people write: lower case, the domain in its own letters (`compta@société.fr`). On the wire a domain
is ASCII (IDNA 2008, RFC 5891); `xn--…` and the letters that it stands for are the same address. What stands before the @
is plain ASCII: few mail servers take anything else (SMTPUTF8, RFC 6531). Lengths are those of RFC 5321 §4.5.3.1.
"""

from __future__ import annotations

import re

LONGEST = 254
LONGEST_LOCAL = 64

_ATEXT = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL = re.compile(rf"{_ATEXT}(?:\.{_ATEXT})*")
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})+")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_BETWEEN = re.compile(r"[\s;,|]+")
_AROUND = "<>()[]\"'`.:«»“”‘’"


def normalised(text: str) -> str | None:
    """The address as it is kept, or None when nobody can be written to there."""
    found = _read(text)
    return found[0] if found else None


def wire(text: str) -> str | None:
    """The address as mail servers take it, in ASCII; None when nobody can be written to there."""
    found = _read(text)
    return found[1] if found else None


def in_cell(text: str) -> tuple[list[str], list[str]]:
    """The addresses that stand in one cell of a table, each once, in their order; and what looks like one and is none.

    Several may be separated by spaces, `;`, `,`, `|`, `/` or lines, with names before them: `Dora <dora@a.fr>; b@a.fr`.
    """
    good: list[str] = []
    bad: list[str] = []
    for word in _BETWEEN.split(_INVISIBLE.sub("", text)):
        parts = word.split("/") if word.count("@") > 1 else [word]
        for part in parts:
            bare = re.sub(r"^mailto:", "", part.strip(_AROUND), flags=re.IGNORECASE)
            if "@" not in bare:
                continue
            address = normalised(bare)
            if address is None:
                bad.append(bare)
            elif address not in good:
                good.append(address)
    if not good and not bad and text.strip():
        bad.append(text.strip())
    return good, bad


def _read(text: str) -> tuple[str, str] | None:
    """The address as kept and as on the wire."""
    local, at, domain = text.strip().lower().rpartition("@")
    if not at or len(local) > LONGEST_LOCAL or not _LOCAL.fullmatch(local):
        return None
    if domain.isascii() and "xn--" not in domain:
        shown = ascii_form = domain
    else:
        found = _idna(domain)
        if found is None:
            return None
        shown, ascii_form = found
    top = ascii_form.rpartition(".")[2]
    if not _DOMAIN.fullmatch(ascii_form) or top.isdecimal() or len(local) + 1 + len(ascii_form) > LONGEST:
        return None
    return f"{local}@{shown}", f"{local}@{ascii_form}"


def _idna(domain: str) -> tuple[str, str] | None:
    """A domain in its own letters and in ASCII; None when no domain may be called so."""
    import idna  # its tables are needed for few addresses, and cost a start 10 ms

    try:
        ascii_form = idna.encode(domain, uts46=True, std3_rules=True).decode("ascii")
        return idna.decode(ascii_form), ascii_form
    except idna.IDNAError:
        return None
