"""The *Fichier des écritures comptables* (LPF art. A47 A-1), as accounting programs really write it.

With or without BOM, TAB or "|" (or ";"), CRLF or LF, 18 columns or more, Debit and Credit or Montant and Sens, amounts
with comma or point, zero-padded, labels padded with spaces, days as YYYYMMDD or otherwise. Every line is checked; the
lines of the customers' accounts (411) become open items in `open_items.py`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from backoffice.imports.columns import heading
from backoffice.imports.faults import BadValue, Findings, Unreadable
from backoffice.imports.open_items import AccountLine, OpenItems, is_opening_journal
from backoffice.imports.plan import ImportPlan, Sink, add_up, count_of
from backoffice.imports.questions import Questions
from backoffice.imports.source import Source, encoding_of, kind_of
from backoffice.imports.terms import Terms
from backoffice.imports.values import amount_reader, day_reader, folded, plain

CUSTOMERS = ("411", "416")
"""Customers, and doubtful customers: what is moved there is still owed."""
BESIDE = {"413": "fec.bills", "4191": "fec.advances", "418": "fec.unbilled"}
"""Accounts of customers that are not read: their balances are named."""
SALES = "70"
CASH = ("51", "53", "58")
DELIMITERS = ("\t", "|", ";", ",")
MOST_EARLIER = 10_000

_COLUMNS = (
    "JournalCode", "JournalLib", "EcritureNum", "EcritureDate", "CompteNum", "CompteLib", "CompAuxNum", "CompAuxLib",
    "PieceRef", "PieceDate", "EcritureLib", "Debit", "Credit", "EcritureLet", "DateLet", "ValidDate", "Montantdevise",
    "Idevise",
)  # fmt: skip
"""The order of article A47 A-1 VII; further columns (DateRglt, ModeRglt, NatOp, IdClient) may follow."""
_DUE = "DueDate"
_DUE_NAMES = (
    "DateLimitReglmt", "DateLimiteReglement", "DateLimiteReglmt", "DateEcheance", "EcheanceDate", "Echeance", "DateEch",
    "DueDate",
)  # fmt: skip
"""Programs that add the day an invoice falls due name it so (Dolibarr: DateLimitReglmt)."""

_NEEDED = ("JournalCode", "EcritureDate", "CompteNum")
_AMOUNT = re.compile(r"[-+]?[\d ]*[.,]?\d+")
_FILE_NAME = re.compile(r"(\d{9})FEC(\d{8})", re.IGNORECASE)
_DEBIT_WORDS = frozenset(("d", "debit", "+1", "1", "+"))
_CREDIT_WORDS = frozenset(("c", "credit", "-1", "-"))


@dataclass(frozen=True, slots=True)
class Dialect:
    """How this FEC is written."""

    encoding: str
    delimiter: str
    quoted: bool
    headings: tuple[str, ...]
    places: dict[str, int]
    has_headings: bool = True

    @property
    def signed(self) -> bool:
        """True for the variant with Montant and Sens."""
        return "Montant" in self.places


@dataclass(slots=True)
class _Tally:
    lines: int = 0
    debit: int = 0
    credit: int = 0
    customer_lines: int = 0
    lettered_lines: int = 0
    entries: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    beside: dict[str, int] = field(default_factory=dict)
    collective: dict[str, list[int]] = field(default_factory=dict)
    """General accounts of customers without an auxiliary: [lines, balance]."""
    auxiliary_lines: int = 0
    opening_journals: dict[tuple[str, str], bool] = field(default_factory=dict)
    first_day: date = date.max
    last_day: date = date.min


def read_fec(
    source: Source,
    terms: Terms | None = None,
    *,
    own_terms: Mapping[str, Terms] | None = None,
    currency: str = "EUR",
    sink: Sink | None = None,
    questions: Questions | None = None,
) -> ImportPlan:
    """Read a FEC into a plan; never raises: what is wrong stands in `plan.faults`.

    `own_terms` are those of single debtors, by account; `terms` hold for all others. `questions` takes what only a person can say.
    """
    questions = questions or Questions()
    faults, warnings = Findings(), Findings()
    tally, items = _Tally(), OpenItems(terms or Terms(), currency, own_terms)
    facts: dict[str, object] = {}
    try:
        dialect = dialect_of(source)
        facts |= _facts(source, dialect)
        _Lines(dialect, tally, items, faults).read(source)
        _check_entries(tally, faults, warnings)
        _name_accounts(tally, warnings)
        if not faults and not tally.customer_lines:
            faults.add("fec.no_customers")
    except Unreadable as verdict:
        faults.take(verdict.fault)
    facts |= {
        "lines": tally.lines,
        "entries": len(tally.entries),
        "unbalanced_entries": sum(1 for debit, credit, _ in tally.entries.values() if debit != credit),
        "customer_lines": tally.customer_lines,
        "lettered_lines": tally.lettered_lines,
        "first_day": tally.first_day.isoformat() if tally.lines else None,
        "last_day": tally.last_day.isoformat() if tally.lines else None,
        "carries_forward": any(tally.opening_journals.values()),
    }
    if faults:
        return ImportPlan(
            "fec", faults=faults.kept(), fault_counts=faults.counts, warnings=warnings.kept(),
            warning_counts=warnings.counts, facts=facts, questions=questions.all(),
        )  # fmt: skip
    for account in _left_out(tally, questions):
        items.drop(account)
    result = items.settle(warnings)
    facts["unbalanced_letterings"] = result.unbalanced_letterings
    if not facts["carries_forward"]:
        facts["earlier"] = [item.number for item in result.items if item.issued_on < tally.first_day][:MOST_EARLIER]
    debtors = tuple(result.debtors)
    certificate = add_up(debtors, result.items, {(key, currency): total for key, total in result.balances.items()})
    if sink:
        for item in result.items:
            sink(item)
    return ImportPlan(
        "fec", debtors, () if sink else tuple(result.items), count_of(result.items), certificate, (), {},
        warnings.kept(), warnings.counts, facts, questions.all(),
    )  # fmt: skip


def looks_like_fec(source: Source) -> bool:
    """True when the file's headings are those of a FEC, or its name says so; never raises."""
    try:
        if kind_of(source) != "text":
            return False
        dialect = dialect_of(source)
    except Unreadable:
        return False
    return dialect.has_headings


def names_fec(headings: Sequence[str]) -> bool:
    """True when headings are those of a FEC, wherever they stand."""
    places = _places([plain(name) for name in headings])
    return all(name in places for name in (*_NEEDED, "EcritureNum", "EcritureLib"))


# The shape


def dialect_of(source: Source) -> Dialect:
    """Find out how a FEC is written; raises Unreadable when it is none."""
    if kind_of(source) != "text":
        raise Unreadable("fec.not_text")
    encoding = encoding_of(source)
    with source.text(encoding) as text:
        first = text.readline(20_000).strip("\r\n\ufeff")
    if not first.strip():
        raise Unreadable("file.blank")
    delimiter = max(DELIMITERS, key=first.count)
    quoted = first.startswith('"')
    names = tuple(plain(name) for name in next(csv.reader([first], delimiter=delimiter), []))
    places = _places(names)
    if all(name in places for name in _NEEDED):
        missing = [name for name in _wanted(places) if name not in places]
        if missing:
            raise Unreadable("fec.missing_columns", columns=", ".join(missing))
        return Dialect(encoding, delimiter, quoted, names, places)
    if len(names) >= len(_COLUMNS) and re.fullmatch(r"\d{8}", names[3]):
        places = {name: i for i, name in enumerate(_COLUMNS)}
        return Dialect(encoding, delimiter, quoted, _COLUMNS, places, has_headings=False)
    raise Unreadable("fec.no_headings", value=first)


def _places(names: Sequence[str]) -> dict[str, int]:
    known = {heading(name): name for name in (*_COLUMNS, "Montant", "Sens")} | dict.fromkeys(
        map(heading, _DUE_NAMES), _DUE
    )
    places: dict[str, int] = {}
    for place, name in enumerate(names):
        standard = known.get(heading(name)) or known.get(heading(name.casefold())) or _UNSPACED.get(_squeezed(name))
        if standard:
            places.setdefault(standard, place)
    return places


def _squeezed(name: str) -> str:
    """The letters and figures of a name alone: programs write JOURNALCODE, compauxnum, Comp_Aux_Num."""
    return re.sub(r"[^a-z0-9]", "", folded(name))


_UNSPACED = {_squeezed(name): name for name in (*_COLUMNS, "Montant", "Sens")} | dict.fromkeys(
    map(_squeezed, _DUE_NAMES), _DUE
)


def _wanted(places: dict[str, int]) -> tuple[str, ...]:
    amounts = ("Montant", "Sens") if "Montant" in places and "Debit" not in places else ("Debit", "Credit")
    return (*_NEEDED, "EcritureNum", "CompteLib", "CompAuxNum", "PieceRef", "EcritureLib", *amounts, "EcritureLet")


def _facts(source: Source, dialect: Dialect) -> dict[str, object]:
    facts: dict[str, object] = {
        "encoding": dialect.encoding,
        "delimiter": dialect.delimiter,
        "columns": len(dialect.headings),
        "variant": "montant_sens" if dialect.signed else "debit_credit",
    }
    named = _FILE_NAME.search(source.name)
    if named:
        facts |= {"siren": named[1], "closing": named[2]}
    return facts


# The lines


class _Lines:
    """Reads every line, adds it up, and passes on those of the customers' accounts."""

    def __init__(self, dialect: Dialect, tally: _Tally, items: OpenItems, faults: Findings) -> None:
        self._dialect, self._tally, self._items, self._faults = dialect, tally, items, faults
        self._day = day_reader("dmy")
        self._comma, self._point = amount_reader(","), amount_reader(".")
        places = dialect.places
        self._width = max(places.values()) + 1
        self._journal, self._num = places["JournalCode"], places["EcritureNum"]
        self._date, self._account = places["EcritureDate"], places["CompteNum"]
        self._journal_name = places.get("JournalLib")
        self._amounts: Callable[[int, list[str]], tuple[int, int] | None] = (
            self._signed if dialect.signed else self._two_columns
        )

    def read(self, source: Source) -> None:
        for line, row in self._rows(source):
            if len(row) < self._width:
                if any(cell.strip() for cell in row):
                    self._faults.add("fec.short_line", line=line, columns=len(row), wanted=len(self._dialect.headings))
                continue
            if self._dialect.has_headings and row[self._date].strip() == self._dialect.headings[self._date]:
                continue  # files that were put together name their columns again
            self._take(line, row if len(row) <= len(self._dialect.headings) else self._mended(row))

    def _mended(self, row: list[str]) -> list[str]:
        """A line with more fields than headings: the delimiter stood inside the label, where nothing else may hold it."""
        places, surplus = self._dialect.places, len(row) - len(self._dialect.headings)
        at = places.get("EcritureLib")
        amounts = [places[name] for name in (("Montant",) if self._dialect.signed else ("Debit", "Credit"))]
        if at is None or all(_is_amount(row[place]) for place in amounts):
            return row
        joined = [*row[:at], self._dialect.delimiter.join(row[at : at + surplus + 1]), *row[at + surplus + 1 :]]
        return joined if all(_is_amount(joined[place]) for place in amounts) else row

    def _rows(self, source: Source) -> Iterator[tuple[int, list[str]]]:
        dialect = self._dialect
        with source.text(dialect.encoding) as text:
            reader = csv.reader(
                text, delimiter=dialect.delimiter, quoting=csv.QUOTE_MINIMAL if dialect.quoted else csv.QUOTE_NONE
            )
            previous = 0
            try:
                for row in reader:
                    if row and (previous or not dialect.has_headings):
                        yield previous + 1, row
                    previous = reader.line_num
            except csv.Error as error:
                raise Unreadable("file.broken_line", line=previous + 1) from error

    def _take(self, line: int, row: list[str]) -> None:
        amounts = self._amounts(line, row)
        journal, account = row[self._journal].strip(), row[self._account].strip()
        if not account:
            self._faults.add("fec.no_account", line=line, column="CompteNum")
        day = self._read_day(line, row, "EcritureDate")
        if amounts is None or day is None:
            return
        debit, credit = amounts
        tally = self._tally
        tally.lines += 1
        tally.first_day, tally.last_day = min(tally.first_day, day), max(tally.last_day, day)
        tally.debit += debit
        tally.credit += credit
        entry = tally.entries.setdefault((journal, row[self._num].strip()), [0, 0, line])
        entry[0] += debit
        entry[1] += credit
        opening = (journal, row[self._journal_name].strip() if self._journal_name is not None else "")
        if opening not in tally.opening_journals:
            tally.opening_journals[opening] = is_opening_journal(*opening)
        if account.startswith(CUSTOMERS):
            self._customer(line, row, day, debit - credit)
        elif beside := next((prefix for prefix in BESIDE if account.startswith(prefix)), None):
            tally.beside[beside] = tally.beside.get(beside, 0) + debit - credit
        elif account.startswith(SALES):
            self._items.saw_sale(journal)
        elif account.startswith(CASH):
            self._items.saw_cash(journal)

    def _customer(self, line: int, row: list[str], day: date, amount: int) -> None:
        self._tally.customer_lines += 1
        lettering = self._text(row, "EcritureLet")
        if lettering:
            self._tally.lettered_lines += 1
        piece_day = self._read_day(line, row, "PieceDate", needed=False)
        account = self._text(row, "CompteNum")
        key = self._text(row, "CompAuxNum")
        if key:
            self._tally.auxiliary_lines += 1
        else:
            found = self._tally.collective.setdefault(account, [0, 0])
            found[0] += 1
            found[1] += amount
        self._items.add(
            AccountLine(
                line=line,
                account=key or account,
                name=self._text(row, "CompAuxLib" if key else "CompteLib") or self._text(row, "CompteLib"),
                journal=self._text(row, "JournalCode"),
                journal_name=self._text(row, "JournalLib"),
                entry=self._text(row, "EcritureNum"),
                day=day,
                piece=self._text(row, "PieceRef"),
                piece_day=piece_day or day,
                label=self._text(row, "EcritureLib"),
                amount=amount,
                lettering=lettering,
                lettered_on=self._read_day(line, row, "DateLet", needed=False),
                due=self._read_day(line, row, _DUE, needed=False),
                general=account,
            )
        )

    def _text(self, row: list[str], name: str) -> str:
        place = self._dialect.places.get(name)
        return plain(row[place])[:200] if place is not None else ""

    def _read_day(self, line: int, row: list[str], name: str, *, needed: bool = True) -> date | None:
        place = self._dialect.places.get(name)
        text = row[place].strip() if place is not None else ""
        if not text or not text.strip("0"):
            if needed:
                self._faults.add("day.empty", line=line, column=name)
            return None
        try:
            return self._day(text)
        except BadValue as bad:
            if needed:
                self._faults.add(bad.code, line=line, column=name, value=text, **bad.facts)
            return None

    def _two_columns(self, line: int, row: list[str]) -> tuple[int, int] | None:
        debit, credit = self._amount(line, row, "Debit"), self._amount(line, row, "Credit")
        return None if debit is None or credit is None else (debit, credit)

    def _signed(self, line: int, row: list[str]) -> tuple[int, int] | None:
        amount = self._amount(line, row, "Montant")
        sense = row[self._dialect.places["Sens"]].strip().casefold()
        if amount is None:
            return None
        if sense in _DEBIT_WORDS:
            return amount, 0
        if sense in _CREDIT_WORDS:
            return 0, amount
        self._faults.add("fec.no_sense", line=line, column="Sens", value=sense)
        return None

    def _amount(self, line: int, row: list[str], name: str) -> int | None:
        """An amount with comma or point; "" is nothing. A FEC has no thousands marks, so the last mark is decimal."""
        text = row[self._dialect.places[name]]
        try:
            return self._comma(text) if "," in text else self._point(text)
        except BadValue as bad:
            if not text.strip():
                return 0
            self._faults.add(bad.code, line=line, column=name, value=text, **bad.facts)
            return None


def _check_entries(tally: _Tally, faults: Findings, warnings: Findings) -> None:
    """The file must balance.

    A single entry that does not is only named when the file as a whole does: many programs number entries by month or
    by journal, or write "0" everywhere, so that a number is no sure group.
    """
    whole = tally.debit == tally.credit
    if not whole:
        faults.add("fec.unbalanced_file", debit=tally.debit, credit=tally.credit)
    for (journal, number), (debit, credit, line) in tally.entries.items():
        if debit != credit:
            (warnings if whole else faults).add(
                "fec.unbalanced_entry", line=line, value=f"{journal} {number}".strip(), debit=debit, credit=credit
            )
    if not tally.lines and not faults:
        faults.add("file.no_rows")


def _name_accounts(tally: _Tally, warnings: Findings) -> None:
    """What stands on accounts beside those that are read."""
    for prefix, balance in sorted(tally.beside.items()):
        if balance:
            warnings.add(BESIDE[prefix], value=prefix, balance=balance)


def _left_out(tally: _Tally, questions: Questions) -> list[str]:
    """Collective accounts (411000) whose lines name no auxiliary and that, a person says, are no customer.

    Read as one debtor they would show each of their customers what all others owe.
    """
    return [
        account
        for account, (lines, _balance) in sorted(tally.collective.items())
        if _is_collective(account) and lines > 1
        and questions.ask(f"books-collective:{account}", ("one", "out"), account=account, lines=lines) == "out"
    ]  # fmt: skip


def _is_collective(account: str) -> bool:
    """True for 411, 4110000, 41100000: an account that stands for all customers, not for one."""
    return not account[3:].strip("0")


def _is_amount(text: str) -> bool:
    return not text.strip() or bool(_AMOUNT.fullmatch(text.strip()))
