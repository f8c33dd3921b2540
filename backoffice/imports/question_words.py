"""The words of questions and of their answers, in the reader's language."""

from __future__ import annotations

from typing import Any

from backoffice.imports.questions import Question
from shared.kit.money import Money, format_money
from shared.kit.words import current_language
from shared.kit.words import gettext as _
from shared.kit.words import lazy_gettext as _l

_QUESTIONS: dict[str, Any] = {
    "books-collective": _l(
        "Account %(account)s has %(lines)s lines that name no auxiliary account. Read as one customer, whoever is let in sees all of them. "
        "Are they one customer?"
    ),
    "file-open": _l("The column “%(column)s” is not known. Is it what remains to be paid?"),
    "file-paid": _l("The column “%(column)s” is not known. Does it say what has been paid?"),
    "file-blank-open": _l("In some lines the column “%(column)s” is blank. What is open of them?"),
    "file-paid-and-open": _l("Some lines are said to be paid, and yet an amount is open. Which holds?"),
    "file-kind": _l("The column “%(column)s” says “%(word)s”. What is such a line?"),
    "file-kinds": _l("The column “%(column)s” holds many words that are not known. What are such lines?"),
    "file-state": _l("The column “%(column)s” says “%(word)s”. What does that mean?"),
    "file-states": _l("The column “%(column)s” holds many states that are not known. What are such lines?"),
    "file-customer-above": _l("Many lines do not say who owes. Do they belong to the customer above?"),
    "file-sheet": _l("Several sheets of the workbook hold invoices. Which one is to be read?"),
    "customer-codes": _l(
        "The column “%(column)s” gives one and the same code to customers with other names, SIRENs or e-mails. Is it the customer's code?"
    ),
    "customer-names": _l(
        "Customers of one name have other SIRENs, VAT numbers, e-mails or postcodes. Are they one customer?"
    ),
    "customer-sirens": _l(
        "Customers of the file have codes that are not known here, and the SIREN of a customer who is. Are they the same accounts?"
    ),
    "customer-other": _l(
        "Customers of the file have the name of one known here, with another SIREN, VAT number, e-mail or postcode. Who are they?"
    ),
    "customer-changed": _l(
        "Known codes stand for another name or SIREN in the file. If a code was given to another customer, give this import up: he "
        "would see what the first one owes. Which name holds?"
    ),
    "customer-kind": _l(
        "Known customers are consumers in the file and businesses here, or the other way round. Which holds?"
    ),
    "customer-kinds": _l("Some customers stand in the file both as a business and as a consumer. What are they?"),
    "file-customer-kind": _l("The column “%(column)s” says “%(word)s”. What is such a customer?"),
    "customer-details": _l("Addresses of known customers differ from those in the file. Which hold?"),
    "invoice-elsewhere": _l(
        "Invoices of customers who are new here are known already under other codes: same number, same day, same amount. Are they the "
        "same customers?"
    ),
    "books-gone": _l(
        "Invoices that are open here are no longer in the books (deleted or renumbered). What becomes of them?"
    ),
    "books-gone-one": _l(
        "Invoice %(number)s of %(debtor)s (%(open)s open) is no longer in the books. What becomes of it?"
    ),
    "books-gone-why": _l("Why are the cancelled invoices no longer in the books?"),
    "books-many": _l(
        "%(invoices)s of the %(every)s open invoices (%(total)s) would be settled or cancelled, because the books no longer have them. "
        "Is that right?"
    ),
    "books-reopened": _l(
        "Invoices that an earlier file showed as settled are open in this one. Is it newer than the last one?"
    ),
    "list-gone": _l("What becomes of the invoices that are open here and not in this complete list?"),
    "list-gone-one": _l(
        "Invoice %(number)s of %(debtor)s (%(open)s open) is not in this complete list. What becomes of it?"
    ),
    "list-many": _l(
        "As a complete list this file would settle or cancel %(invoices)s of the %(every)s open invoices (%(total)s), because it does not "
        "hold them. Is it really complete?"
    ),
    "invoice-rows": _l(
        "Some invoice numbers stand on several rows of one customer with different amounts. What are these rows?"
    ),
}
_SORTS = {
    "invoice": _l("An invoice"),
    "credit_note": _l("A credit note"),
    "payment": _l("A payment"),
    "other": _l("Nothing that this customer owes: it is left out"),
}
_STATES = {
    "open": _l("It counts, and its amounts say what is open"),
    "paid": _l("It is paid"),
    "out": _l("It does not count (a draft, cancelled): it is left out"),
}
_CUSTOMERS = {
    "business": _l("A business, an association or an administration"),
    "consumer": _l("A consumer: no €40 and no commercial penalties are asked of it"),
}
_OPTIONS: dict[str, dict[str, Any]] = {
    "customer-kind": {"update": _l("That of the file, now and later"), "keep": _l("That kept here, now and later")},
    "customer-kinds": _CUSTOMERS,
    "file-customer-kind": _CUSTOMERS,
    "customer-sirens": {
        "same": _l("The same accounts: the new codes are kept as other names for them"),
        "other": _l("Other accounts of the same firms: they are added"),
    },
    "customer-other": {
        "same": _l("The same customers: their new addresses are added"),
        "other": _l("Others: each gets an account of its own"),
    },
    "customer-changed": {
        "update": _l("The file's: the customers are renamed"),
        "keep": _l("The one kept here: the file writes it otherwise"),
    },
    "customer-details": {
        "update": _l("Those of the file, now and later"),
        "keep": _l("Those kept here, now and later"),
    },
    "invoice-elsewhere": {
        "same": _l("The same: nothing is owed twice, the new codes are kept as other names for them"),
        "other": _l("Others: these invoices are owed as well"),
    },
    "books-gone-why": {
        "deleted": _l("They were entered by mistake, and deleted"),
        "renumbered": _l("They were entered again under other numbers"),
        "twice": _l("They stood in the books twice"),
    },
    "books-many": {
        "yes": _l("Yes: the file is right"),
        "no": _l("No: they stay open here"),
    },
    "books-gone-one": {
        "settle": _l("It is settled: it was paid or set off elsewhere"),
        "cancel": _l("It is cancelled here: what is open of it is taken off"),
        "keep": _l("It stays open here"),
    },
    "books-gone": {
        "settle": _l("They are settled: they were paid or set off elsewhere"),
        "each": _l("It is decided one by one, below"),
        "cancel": _l("They are cancelled here: what is open of them is taken off"),
        "keep": _l("They stay open here, although the books do not know them"),
    },
    "list-gone-one": {
        "settle": _l("It is settled: it was paid or set off elsewhere"),
        "cancel": _l("It is cancelled here: what is open of it is taken off"),
        "keep": _l("It stays open here"),
    },
    "list-gone": {
        "settle": _l("They are settled: they were paid or set off elsewhere"),
        "each": _l("It is decided one by one, below"),
        "cancel": _l("They are cancelled here: what is open of them is taken off"),
        "keep": _l("They stay open here"),
    },
    "books-reopened": {
        "reopen": _l("It is newer: the books took the settlement back, the invoices are open again"),
        "keep": _l("It is older: what was settled stays settled"),
    },
    "list-many": {
        "yes": _l("Yes: what it does not hold becomes what is said of it"),
        "no": _l("No: what it does not hold stays as it is"),
    },
    "books-collective": {
        "one": _l("Yes: it is one single customer"),
        "out": _l("No: they are left out; the FEC is exported again with CompAuxNum"),
    },
    "file-open": {"open": _l("Yes: that much is open"), "no": _l("No: the column is left out")},
    "file-paid": {
        "paid": _l("Yes: what was paid, or when, or whether it was"),
        "no": _l("No: the column is left out"),
    },
    "file-blank-open": {"nothing": _l("Nothing: they are paid"), "all": _l("All: they are unpaid")},
    "file-paid-and-open": {"paid": _l("The state: they are paid"), "open": _l("The amount: it is still owed")},
    "file-kind": _SORTS,
    "file-kinds": {"invoice": _SORTS["invoice"], "other": _SORTS["other"]},
    "file-state": _STATES,
    "file-states": {"open": _STATES["open"], "out": _STATES["out"]},
    "file-customer-above": {
        "above": _l("Yes, to the customer of the line above"),
        "fault": _l("No: they lack their customer"),
    },
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
        "several": _l("No: each SIREN, VAT number, e-mail or postcode is a customer of its own"),
        "one": _l("Yes: one name is one customer; its first SIREN, e-mail and address are kept"),
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


def worded(code: str, value: str) -> str:
    """The words of one answer."""
    return str(_OPTIONS[code][value])


def answered(question: Question) -> str:
    """The words of the answer that was given, or nothing."""
    return options(question)[question.answer] if question.answer is not None else ""


def codes() -> dict[str, frozenset[str]]:
    """Every question that has words, with the answers that have."""
    return {code: frozenset(_OPTIONS.get(code, {})) for code in _QUESTIONS}
