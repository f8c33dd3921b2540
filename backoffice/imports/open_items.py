"""Open items of the customers' accounts: which documents a FEC leaves open, and by how much.

For every account, whatever the lettering looks like: open documents − open credits = debit − credit of its lines.
That holds by construction, because amounts are only ever set off against each other within one account, one for one.

How a line is read:

1. Lines of one document (same account, journal, entry and piece, same lettering) are one. A debit is owed: an invoice,
   or an opening balance when it comes from the journal of balances carried forward. A credit from a sales journal (or
   called *avoir*) is a credit note, any other credit is money received.
2. A lettering group that balances is history: its documents are settled, on the day of its last credit.
3. A group with more debit than credit settles its oldest documents first; the rest stays open and the group is named.
   Usually its payment came in the next year.
4. A group with more credit than debit settles what older years left: first the opening balance of that account, whose
   single invoices this file does not hold. What is then left over is unapplied credit, and the group is named.
5. Unlettered debits are open. Unlettered credits are unapplied credit, with three exceptions: an account that owes
   nothing on balance owes nothing at all (its credits settle its documents; only the surplus is credit); a credit that
   names one open document of its account, or is just as large as one and no other, settles it (it is booked, and not yet
   lettered); and a file without any lettering has its credits set off by piece, then by equal amount, then oldest first
   (C. civ. 1342-10).
6. What is moved to doubtful customers (416) is owed as before: the move itself is no line at all.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from backoffice.imports.faults import Findings
from backoffice.imports.plan import DebtorRow, Item, ItemKind
from backoffice.imports.terms import Terms, due_on
from backoffice.imports.values import folded

NUMBER_LENGTH = 60
DOUBTFUL = "416"

_OPENING_CODES = frozenset(
    ["an", "ano", "anv", "anouv", "ran", "rn", "rano", "nouv", "aan", "bil", "bilan", "ouv", "open", "ranx"]
)
_OPENING_NAMES = re.compile(r"\b(a ?nouveaux?|report a nouveau|reports? a|ouverture|opening|brought forward)\b")
_OPENING_PIECE = re.compile(r"(ran|an|ano|a nouveaux?|anouv\w*|report.*|ouv.*|solde.*|opening.*)\W*\d*", re.IGNORECASE)
_CREDIT_NOTE = re.compile(r"\b(avoirs?|credit note|note de credit|rabais|rrr|remise accordee)\b")
_CREDIT_NOTE_PIECE = re.compile(r"(av|avo|avoir|nc|cn)[\W_]*\d", re.IGNORECASE)


class AccountLine(NamedTuple):
    """One line of a customer's account; `amount` is debit less credit in minor units."""

    line: int
    account: str
    name: str
    journal: str
    journal_name: str
    entry: str
    day: date
    piece: str
    piece_day: date
    label: str
    amount: int
    lettering: str
    lettered_on: date | None
    due: date | None = None
    """The day on which it falls due, where the file says so."""
    general: str = ""
    """The general account: 411…, or 416… for doubtful customers."""


@dataclass(slots=True)
class _Part:
    """The part of a document that carries one lettering; `left` is what nothing has set off yet."""

    document: _Document
    lettering: str
    amount: int
    left: int
    day: date
    line: int


@dataclass(slots=True)
class _Document:
    line: AccountLine
    kind: ItemKind
    number: str = ""
    identifying: bool = False
    parts: list[_Part] = field(default_factory=list)
    settled_on: date | None = None

    @property
    def total(self) -> int:
        return sum(part.amount for part in self.parts)

    @property
    def open(self) -> int:
        return sum(part.left for part in self.parts)

    @property
    def issued_on(self) -> date:
        """The day of the piece; for a balance carried forward the day of the entry, unless the piece is older."""
        return min(self.line.piece_day, self.line.day) if self.kind is ItemKind.OPENING else self.line.piece_day


class Result(NamedTuple):
    """The items of all accounts, and each account's balance added up from its lines alone."""

    debtors: list[DebtorRow]
    items: list[Item]
    balances: dict[str, int]
    unbalanced_letterings: int


class OpenItems:
    """Gathers the lines of all customers' accounts, then sets them off."""

    def __init__(self, terms: Terms, currency: str, own_terms: Mapping[str, Terms] | None = None) -> None:
        self._terms, self._currency, self._own_terms = terms, currency, own_terms or {}
        self._lines: dict[str, list[AccountLine]] = {}
        self._sales: set[str] = set()
        self._cash: set[str] = set()
        self._lettered = False
        self._unbalanced = 0

    def saw_sale(self, journal: str) -> None:
        """A journal with lines on 70 accounts records sales."""
        self._sales.add(journal)

    def saw_cash(self, journal: str) -> None:
        """A journal with lines on bank or cash accounts records payments."""
        self._cash.add(journal)

    def add(self, line: AccountLine) -> None:
        self._lettered = self._lettered or bool(line.lettering)
        self._lines.setdefault(line.account, []).append(line)

    def drop(self, account: str) -> None:
        """Leave an account out: it is no customer's."""
        self._lines.pop(account, None)

    def settle(self, warnings: Findings) -> Result:
        """Set off every account; what a person should know goes to `warnings`."""
        if not self._lettered:
            warnings.add("fec.no_lettering")
        owners = self._owners()
        accounts = {
            account: self._documents(self._without_moves(account, lines, warnings), owners)
            for account, lines in self._lines.items()
        }
        for account, documents in accounts.items():
            self._set_off(account, documents, warnings)
        items = [item for documents in accounts.values() for item in self._items(documents)]
        items.sort(key=lambda item: item.line)
        return Result(
            [DebtorRow(account, account, lines[0].name or account) for account, lines in self._lines.items()],
            _uniquely_numbered(items),
            {account: sum(line.amount for line in lines) for account, lines in self._lines.items()},
            self._unbalanced,
        )

    # Lines into documents

    def _owners(self) -> dict[str, set[str]]:
        """Which accounts use a piece reference: one that several use ("RAN", "0000000", "VT") identifies nothing."""
        owners: dict[str, set[str]] = defaultdict(set)
        for lines in self._lines.values():
            for line in lines:
                owners[line.piece].add(line.account)
        return owners

    def _without_moves(self, account: str, lines: list[AccountLine], warnings: Findings) -> list[AccountLine]:
        """The lines without those that only move an amount between 411 and 416."""
        doubtful = [line for line in lines if line.general.startswith(DOUBTFUL)]
        if not doubtful:
            return lines
        gone: set[int] = set()
        for line in doubtful:
            other = next(
                (
                    each
                    for each in lines
                    if each.amount == -line.amount and not each.general.startswith(DOUBTFUL) and each.line not in gone
                    and (each.journal, each.entry, each.day) == (line.journal, line.entry, line.day)
                ),
                None,
            )  # fmt: skip
            if other:
                gone |= {line.line, other.line}
        balance = sum(line.amount for line in doubtful)
        if balance:
            warnings.add("fec.doubtful", line=doubtful[0].line, value=account, balance=balance)
        return [line for line in lines if line.line not in gone]

    def _documents(self, lines: Sequence[AccountLine], owners: dict[str, set[str]]) -> list[_Document]:
        groups: dict[tuple[object, ...], dict[str, list[AccountLine]]] = {}
        dues: dict[tuple[object, ...], set[date]] = defaultdict(set)
        for line in lines:
            if line.due and line.amount > 0:
                dues[line.journal, line.entry, line.day, line.piece].add(line.due)
        for line in lines:
            same: tuple[object, ...] = (line.journal, line.entry, line.day, line.piece)
            if len(dues.get(same, ())) > 1 and _identifies(line.piece):
                line = line._replace(piece=f"{line.piece}-{line.due:%Y%m%d}" if line.due else line.piece)  # noqa: PLW2901
                same = (*same, line.due)
            groups.setdefault(same, {}).setdefault(line.lettering, []).append(line)
        documents: list[_Document] = []
        for portions in groups.values():
            nets = [(letter, net, same) for letter, same in portions.items() for net in self._netted(same)]
            for sign in (1, -1):
                parts = [(letter, net, same) for letter, net, same in nets if net * sign > 0]
                if parts:
                    documents.append(self._document(parts, owners))
        return documents

    def _netted(self, lines: Sequence[AccountLine]) -> list[int]:
        """One net amount per document; lines without a usable piece are each a document of their own."""
        if not _identifies(lines[0].piece):
            return [line.amount for line in lines]
        return [sum(line.amount for line in lines)]

    def _document(self, parts: Sequence[tuple[str, int, list[AccountLine]]], owners: dict[str, set[str]]) -> _Document:
        first = parts[0][2][0]
        owed = parts[0][1] > 0
        identifying = _identifies(first.piece) and len(owners[first.piece]) <= 1
        document = _Document(first, self._kind(first, owed=owed, identifying=identifying), identifying=identifying)
        for letter, net, same in parts:
            document.parts.append(_Part(document, letter, abs(net), abs(net), same[0].day, same[0].line))
        return document

    def _kind(self, line: AccountLine, *, owed: bool, identifying: bool) -> ItemKind:
        opening = _is_opening(line)
        if owed:
            lump = opening and not (identifying and not _OPENING_PIECE.fullmatch(line.piece))
            return ItemKind.OPENING if lump else ItemKind.INVOICE
        words = folded(f"{line.label} {line.journal_name if line.journal not in self._cash else ''}")
        named = _CREDIT_NOTE.search(words) or _CREDIT_NOTE_PIECE.match(line.piece)
        from_sales = line.journal in self._sales and line.journal not in self._cash
        return ItemKind.CREDIT_NOTE if not opening and (named or from_sales) else ItemKind.CREDIT

    # Setting off

    def _set_off(self, account: str, documents: list[_Document], warnings: Findings) -> None:
        parts = [part for document in documents for part in document.parts]
        groups: dict[str, list[_Part]] = defaultdict(list)
        for part in parts:
            groups[part.lettering].append(part)
        loose = groups.pop("", [])
        openings = [p for p in loose if p.document.kind is ItemKind.OPENING]
        carried = [p for p in loose if not p.document.kind.owed and _is_opening(p.document.line)]
        for letters, group in sorted(groups.items(), key=lambda pair: min(p.day for p in pair[1])):
            owed, credits_ = _sides(group)
            difference = sum(p.amount for p in owed) - sum(p.amount for p in credits_)
            _apply(owed, credits_)
            if difference:
                self._unbalanced += 1
                _apply(openings if difference < 0 else owed, credits_ if difference < 0 else carried)
                left = sum(p.left for p in group)
                warnings.add(
                    "fec.unbalanced_lettering" if left else "fec.lettering_of_older", line=group[0].line, column="EcritureLet", value=letters,
                    account=account, difference=difference, left=left,
                )  # fmt: skip
        self._set_off_loose(account, parts, loose, warnings)

    def _set_off_loose(self, account: str, parts: list[_Part], loose: list[_Part], warnings: Findings) -> None:
        owed, credits_ = _sides(parts)
        open_owed, open_credit = sum(p.left for p in owed), sum(p.left for p in credits_)
        if not open_owed or not open_credit:
            return
        if open_owed <= open_credit:
            _match(owed, credits_)
            warnings.add(
                "fec.nothing_owed", line=loose[0].line if loose else None, value=account,
                settled=open_owed, credit=open_credit - open_owed,
            )  # fmt: skip
        elif not self._lettered:
            _match(owed, credits_)
        else:
            self._set_off_booked(account, owed, loose, warnings)

    def _set_off_booked(self, account: str, owed: list[_Part], loose: list[_Part], warnings: Findings) -> None:
        """A payment that is booked and not yet lettered settles the one document that it names or equals."""
        credits_ = [p for p in _sides(loose)[1] if p.left and not _is_opening(p.document.line)]
        for credit in credits_:
            open_ = [part for part in owed if part.left]
            named = _named(credit.document.line, open_)
            equal = [part for part in open_ if part.left == credit.left == part.document.open]
            found = named if len(named) == 1 else equal if not named and len(equal) == 1 else []
            if found:
                amount = min(found[0].left, credit.left)
                _settle(found[0], credit)
                warnings.add(
                    "fec.not_lettered", line=credit.line, value=found[0].document.line.piece or account,
                    account=account, settled=amount,
                )  # fmt: skip

    # Documents into items

    def _items(self, documents: Iterable[_Document]) -> Iterable[Item]:
        for document in documents:
            line, kind = document.line, document.kind
            if kind is ItemKind.CREDIT and not document.open:
                continue  # money that has been used up is told by what it settled
            if kind is ItemKind.INVOICE and line.journal in self._cash - self._sales and not document.open:
                continue  # a payment that bounced and was made good, or a refund: no invoice of ours
            total = document.open if kind is ItemKind.CREDIT else document.total
            issued_on = document.issued_on
            letters = {part.lettering for part in document.parts if part.lettering}
            due, derived = _due(line, issued_on, self._own_terms.get(line.account, self._terms), owed=kind.owed)
            yield Item(
                line.line, line.account, kind.value, _number(document), issued_on,
                due, derived, self._currency, total, document.open,
                max(document.settled_on or issued_on, issued_on) if document.open < total else None,
                label=line.label, lettering=" ".join(sorted(letters)),
            )  # fmt: skip


def _due(line: AccountLine, issued_on: date, terms: Terms, *, owed: bool) -> tuple[date, bool]:
    """When a document falls due, and whether that was derived from terms; nobody falls due for a credit."""
    if not owed:
        return issued_on, True
    if line.due and line.due >= issued_on:
        return line.due, False
    return due_on(issued_on, terms), True


def _named(credit: AccountLine, owed: Sequence[_Part]) -> list[_Part]:
    """The open documents whose reference a credit carries as its own, or as a word of its label."""
    words = {credit.piece, *re.split(r"[\s,;:()]+", credit.label)}
    return [part for part in owed if _identifies(part.document.line.piece) and part.document.line.piece in words]


def is_opening_journal(code: str, name: str) -> bool:
    """True for the journal of balances carried forward."""
    return code.casefold() in _OPENING_CODES or bool(_OPENING_NAMES.search(folded(name)))


def _is_opening(line: AccountLine) -> bool:
    named = bool(_OPENING_NAMES.search(folded(line.label))) and line.entry in ("", "0", "1", "AN", "RAN")
    return named or is_opening_journal(line.journal, line.journal_name)


def _identifies(piece: str) -> bool:
    """True for a reference that can name a document: it has a digit that is not zero and is not "RAN 2022"."""
    return bool(re.search(r"[1-9]", piece)) and not _OPENING_PIECE.fullmatch(piece)


def _sides(parts: Iterable[_Part]) -> tuple[list[_Part], list[_Part]]:
    """What is owed and what is in the debtor's favour, each oldest first."""
    ordered = sorted(parts, key=lambda part: (part.document.issued_on, part.line))
    return [p for p in ordered if p.document.kind.owed], [p for p in ordered if not p.document.kind.owed]


def _apply(owed: Sequence[_Part], credits_: Sequence[_Part]) -> None:
    """Set off, oldest first, until one side is used up."""
    waiting = [part for part in owed if part.left]
    for credit in credits_:
        while credit.left and waiting:
            _settle(waiting[0], credit)
            if not waiting[0].left:
                waiting.pop(0)


def _match(owed: Sequence[_Part], credits_: Sequence[_Part]) -> None:
    """Set off by piece, then by equal amount, then oldest first."""
    by_piece: dict[str, list[_Part]] = defaultdict(list)
    for part in owed:
        if _identifies(part.document.line.piece):
            by_piece[part.document.line.piece].append(part)
    for credit in credits_:
        _apply(by_piece.get(credit.document.line.piece, ()), [credit])
    by_amount: dict[int, list[_Part]] = defaultdict(list)
    for part in reversed(owed):
        if part.left:
            by_amount[part.left].append(part)
    for credit in credits_:
        if credit.left and by_amount.get(credit.left):
            _settle(by_amount[credit.left].pop(), credit)
    _apply(owed, credits_)


def _settle(owed: _Part, credit: _Part) -> None:
    amount = min(owed.left, credit.left)
    owed.left -= amount
    credit.left -= amount
    for one, other in ((owed, credit), (credit, owed)):
        day = max(other.day, other.document.line.day)
        one.document.settled_on = max(one.document.settled_on or day, day)


def _number(document: _Document) -> str:
    """The piece's reference where it names the document, else one made of journal, entry and account."""
    line = document.line
    if document.kind is ItemKind.OPENING:
        return f"RAN-{line.day:%Y%m%d}-{line.account}"[:NUMBER_LENGTH]
    if document.identifying:
        return line.piece[:NUMBER_LENGTH]
    entry = line.entry if line.entry.strip("0") else f"{line.day:%Y%m%d}"
    return f"{line.journal}-{entry}-{line.account}"[:NUMBER_LENGTH]


def _uniquely_numbered(items: Sequence[Item]) -> list[Item]:
    """Numbers used twice get a suffix in the order of the file; the first keeps its own."""
    used: set[str] = set()
    result: list[Item] = []
    for item in items:
        number, count = item.number, 1
        while number in used:
            count += 1
            number = f"{item.number[: NUMBER_LENGTH - 5]}-{count}"
        used.add(number)
        result.append(item if number == item.number else item._replace(number=number))
    return result
