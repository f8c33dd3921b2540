"""The two languages: English source texts in the code, French in `shared/translations/fr/*.po`.

All catalogues of a language are read once and merged. The language of the moment is a context variable, so that a
page, a mail and a paper each speak to their reader: `with speaking("fr"): …`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from gettext import NullTranslations
from pathlib import Path
from typing import Any

from babel.messages.pofile import read_po

LANGUAGES = ("fr", "en")
SOURCE_LANGUAGE = "en"
DIRECTORY = Path(__file__).resolve().parent.parent / "translations"

_language: ContextVar[str] = ContextVar("language", default="fr")


class Catalogue(NullTranslations):
    """The merged translations of one language."""

    def __init__(self, language: str) -> None:
        super().__init__()
        self._singular: dict[str, str] = {}
        self._plural: dict[str, tuple[str, ...]] = {}
        for path in sorted((DIRECTORY / language).glob("*.po")):
            with path.open("rb") as file:
                for message in read_po(file, locale=language):
                    if not message.id or message.fuzzy:
                        continue
                    if isinstance(message.id, tuple):
                        self._plural[str(message.id[0])] = tuple(message.string or ())
                    elif message.string:
                        self._singular[str(message.id)] = str(message.string)

    def gettext(self, message: str) -> str:
        return self._singular.get(message, message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        forms = self._plural.get(msgid1)
        if not forms or not all(forms):
            return msgid1 if n == 1 else msgid2
        return forms[0] if abs(n) < 2 else forms[-1]  # French: 0 and 1 are singular


class SourceCatalogue(NullTranslations):
    """English: what the code says."""

    def gettext(self, message: str) -> str:
        return message

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return msgid1 if abs(n) == 1 else msgid2


@lru_cache(maxsize=len(LANGUAGES))
def catalogue(language: str) -> NullTranslations:
    return SourceCatalogue() if language == SOURCE_LANGUAGE else Catalogue(language)


def current_language() -> str:
    return _language.get()


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Speak a language inside the block; an unknown one becomes English."""
    token = _language.set(language if language in LANGUAGES else SOURCE_LANGUAGE)
    try:
        yield
    finally:
        _language.reset(token)


def speak(language: str) -> None:
    """Speak a language from here on in this context (start of a request)."""
    _language.set(language if language in LANGUAGES else SOURCE_LANGUAGE)


def gettext(message: str, /, **facts: Any) -> str:
    """The message in the current language; `%(name)s` places are filled from `facts`."""
    text = catalogue(_language.get()).gettext(message)
    return text % facts if facts else text


def ngettext(singular: str, plural: str, n: int, /, **facts: Any) -> str:
    """Singular or plural of the current language; `%(n)s` is the number."""
    return catalogue(_language.get()).ngettext(singular, plural, n) % {"n": n, **facts}


class LazyText:
    """A message translated when it is shown (form labels, tables of words)."""

    __slots__ = ("facts", "message")

    def __init__(self, message: str, facts: dict[str, Any]) -> None:
        self.message = message
        self.facts = facts

    def __str__(self) -> str:
        return gettext(self.message, **self.facts)

    def __mod__(self, facts: Any) -> str:
        """WTForms' validators put numbers into their messages so."""
        return str(str(self) % facts)

    def __html__(self) -> str:
        from markupsafe import escape

        return str(escape(str(self)))

    def __repr__(self) -> str:
        return f"LazyText({self.message!r})"

    def __eq__(self, other: object) -> bool:
        return str(self) == str(other)

    def __hash__(self) -> int:
        return hash(self.message)


def lazy_gettext(message: str, /, **facts: Any) -> Any:
    """Like gettext, decided when it is shown."""
    return LazyText(message, facts)
