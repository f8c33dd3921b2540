"""The words of questions and of their answers, in the reader's language."""

from __future__ import annotations

from typing import Any

from backoffice.imports.questions import Question
from shared.kit.money import Money, format_money
from shared.kit.words import current_language
from shared.kit.words import gettext as _
from shared.kit.words import lazy_gettext as _l

_QUESTIONS: dict[str, Any] = {
    "file-sheet": _l("Several sheets of the workbook hold invoices. Which one is to be read?"),
    "customer-codes": _l(
        "The column “%(column)s” gives one and the same code to customers with other names, SIRENs or e-mails. Is it the customer's code?"
    ),
    "customer-names": _l("Customers of one name have other SIRENs, VAT numbers or e-mails. Are they one customer?"),
    "invoice-rows": _l(
        "Some invoice numbers stand on several rows of one customer with different amounts. What are these rows?"
    ),
}
_OPTIONS: dict[str, dict[str, Any]] = {
    "file-sheet": {"*": _l("All of them, one after the other")},
    "customer-codes": {
        "names": _l("No: the column is left out; customers are told apart by name, SIREN or e-mail"),
        "one": _l("Yes: one code is one customer, whatever else its lines say; the first name and e-mail are kept"),
    },
    "invoice-rows": {
        "sum": _l("Lines of one invoice: their amounts are added up"),
        "parts": _l("Instalments: each is owed on its own day, under the number with that day"),
    },
    "customer-names": {
        "several": _l("No: each SIREN, VAT number or e-mail is a customer of its own"),
        "one": _l("Yes: one name is one customer; its first SIREN and e-mail are kept"),
    },
}
_MONEY = frozenset(["open", "total", "limit_minor"])


def asked(question: Question, currency: str = "EUR") -> str:
    """What is asked, as one sentence; amounts in the reader's way of writing."""
    facts = dict(question.facts)
    for name in _MONEY & facts.keys():
        facts[name] = format_money(Money(int(facts[name]), currency), current_language())
    return _(_QUESTIONS[question.code].message, **facts)


def options(question: Question) -> dict[str, str]:
    """Each value that answers it, with its words."""
    words = _OPTIONS.get(question.code, {})
    return {value: text or str(words[value]) for value, text in question.options.items()}


def answered(question: Question) -> str:
    """The words of the answer that was given, or nothing."""
    return options(question)[question.answer] if question.answer is not None else ""


def codes() -> dict[str, frozenset[str]]:
    """Every question that has words, with the answers that have."""
    return {code: frozenset(_OPTIONS.get(code, {})) for code in _QUESTIONS}
