"""Whether a customer is a business or a consumer, by a column of the file: the law asks other things of a debt of each.

A consumer owes neither the 40 € of article D441-5 C. com. nor its penalties, and must not be told so. A word that is not known is asked
about; a file without such a column says nothing, and its new customers are businesses as everywhere in this trade.
"""

from __future__ import annotations

import re

from backoffice.imports.columns import ColumnMap, heading
from backoffice.imports.questions import Questions
from backoffice.imports.roles import Role
from backoffice.imports.tables import Row
from backoffice.imports.values import folded, plain, text_of

BUSINESS, CONSUMER = "business", "consumer"
OPTIONS = (BUSINESS, CONSUMER)

_WORDS = {
    CONSUMER: "particulier|particuliers|client particulier|part|consommateur|consommateurs|b2c|btoc|c|consumer|individual|person|private|"
    "private person|private individual|private customer|natural person|personne physique|non professionnel|"
    "privat|privatkunde|privatperson|verbraucher|particular|consumidor|persona fisica|privato|consumatore",
    BUSINESS: "professionnel|professionnels|client professionnel|pro|pros|entreprise|entreprises|societe|personne morale|b2b|btob|b2g|b|business|"
    "company|corporate|organisation|organization|association|associations|administration|collectivite|"
    "collectivites|secteur public|public|etablissement public|profession liberale|artisan|commercant|tpe|pme|pme pmi|eti|grand groupe|"
    "grand compte|start up|startup|firma|unternehmen|geschaftskunde|gewerbe|gewerblich|empresa|sociedad|autonomo|persona juridica|"
    "azienda|ditta|societa|professionista|persona giuridica",
}
_KIND_OF = {word: kind for kind, words in _WORDS.items() for word in words.split("|")}
_YES = frozenset(["oui", "o", "yes", "y", "1", "vrai", "true", "x", "ja", "si"])
_NO = frozenset(["non", "n", "no", "0", "faux", "false", "nein"])


class CustomerKinds:
    """Reads the column that says what customers are."""

    def __init__(self, columns: ColumnMap, questions: Questions) -> None:
        self._at = columns.places.get(Role.CUSTOMER_KIND)
        self._questions = questions
        self._column = columns.name_of(Role.CUSTOMER_KIND) or ""
        self._known: dict[str, str | None] = {"": ""}
        self._yes = _KIND_OF.get(_essence(heading(self._column).removeprefix("is ").removeprefix("est ")), "")
        """What a "yes" means under a heading such as "Particulier" or "is company"."""

    def of(self, row: Row, example: str) -> str:
        """What a row's customer is (`OPTIONS`), or "" where the row does not say or nobody has answered yet."""
        if self._at is None:
            return ""
        word = plain(text_of(row[self._at])).strip()
        if word not in self._known:
            self._known[word] = self._meaning(_essence(word))
        found = self._known[word]
        return found if found is not None else self._asked(word, example)

    def _meaning(self, word: str) -> str | None:
        if self._yes and word in _YES:
            return self._yes
        if self._yes and word in _NO:
            return BUSINESS if self._yes == CONSUMER else CONSUMER
        return _KIND_OF.get(word)

    def _asked(self, word: str, example: str) -> str:
        key = f"file-customer-kind:{re.sub(r'[^a-z0-9]+', '-', folded(word))[:40] or 'x'}"
        return self._questions.ask(key, OPTIONS, example=example, column=self._column, word=word) or ""


def _essence(word: str) -> str:
    return re.sub(r"[\W_]+", " ", folded(word)).strip()
