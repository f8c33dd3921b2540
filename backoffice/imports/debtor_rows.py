"""Who owes, from the rows of a table: the first row that names a debtor is believed, later ones are compared."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from backoffice.imports.columns import ColumnMap, Role
from backoffice.imports.faults import Findings
from backoffice.imports.plan import DebtorRow
from backoffice.imports.tables import Row
from backoffice.imports.values import Cell, language, plain, text_of

CODE_LENGTH = 64
TEXT_LENGTH = 200

_EMAIL = re.compile(r"[^@\s,;:<>\"()\[\]\\]{1,64}@[^@\s,;:<>\"()\[\]\\]+\.[^@\s,;:<>\"()\[\]\\.]+")
_DETAILS = (
    Role.SIREN,
    Role.VAT_NUMBER,
    Role.CONTACT_NAME,
    Role.EMAIL,
    Role.PHONE,
    Role.LANGUAGE,
    Role.STREET,
    Role.POSTCODE,
    Role.CITY,
    Role.COUNTRY,
)


@dataclass(slots=True)
class Account:
    """A debtor met in the file, with the running totals of its certificate line."""

    row: DebtorRow
    raw_name: Cell
    count: int = 0
    owed: int = 0
    credit: int = 0


@dataclass(slots=True)
class Debtors:
    """Finds the debtor of each row; `accounts` is keyed by the debtor's key."""

    columns: ColumnMap
    faults: Findings
    warnings: Findings
    accounts: dict[str, Account] = field(default_factory=dict)
    _seen: dict[Cell, Account] = field(default_factory=dict)
    _at_key: int = 0
    _at_name: int | None = None

    def __post_init__(self) -> None:
        places = self.columns.places
        self._at_name = places.get(Role.DEBTOR_NAME)
        keys = (Role.DEBTOR_CODE, Role.DEBTOR_NAME, Role.SIREN, Role.EMAIL)
        self._at_key = next(places[role] for role in keys if role in places)

    def find(self, line: int, row: Row) -> Account | None:
        """The debtor of a row, or None with a fault when the row does not say."""
        account = self._seen.get(row[self._at_key])
        if account is None:
            return self._meet(line, row)
        if self._at_name is not None and row[self._at_name] != account.raw_name:
            name = plain(text_of(row[self._at_name]))
            if name and name != account.row.name:
                self._warn("debtor.two_names", line, Role.DEBTOR_NAME, name)
        return account

    def is_silent(self, row: Row) -> bool:
        """True when the row names no debtor at all."""
        return not text_of(row[self._at_key]).strip() and not (
            self._at_name is not None and text_of(row[self._at_name]).strip()
        )

    def _meet(self, line: int, row: Row) -> Account | None:
        code, name = self._text(row, Role.DEBTOR_CODE), self._text(row, Role.DEBTOR_NAME)
        details = {role: self._text(row, role) for role in _DETAILS}
        key = code or name or details[Role.SIREN] or details[Role.EMAIL]
        if not key or (len(key) > CODE_LENGTH and bool(code)):
            role = Role.DEBTOR_CODE if Role.DEBTOR_CODE in self.columns.places else Role.DEBTOR_NAME
            self.faults.add(
                "text.too_long" if key else "debtor.empty",
                line=line,
                column=self.columns.name_of(role),
                value=key,
                limit=CODE_LENGTH,
            )
            return None
        key = key[:CODE_LENGTH]
        account = self.accounts.get(key)
        if account is None:
            raw = row[self._at_name] if self._at_name is not None else None
            account = self.accounts[key] = Account(self._row(line, key, name, details), raw)
        if row[self._at_key]:
            self._seen[row[self._at_key]] = account
        return account

    def _row(self, line: int, key: str, name: str, details: dict[Role, str]) -> DebtorRow:
        email = details[Role.EMAIL]
        if email and not (_EMAIL.fullmatch(email) and len(email) <= 254):
            self._warn("email.unreadable", line, Role.EMAIL, email)
            email = ""
        country = details[Role.COUNTRY].upper()
        return DebtorRow(
            key,
            key,
            name or key,
            "".join(c for c in details[Role.SIREN] if c.isdigit())[:9],
            details[Role.VAT_NUMBER].replace(" ", "")[:20],
            details[Role.CONTACT_NAME],
            email,
            details[Role.PHONE][:40],
            language(details[Role.LANGUAGE]) or "",
            details[Role.STREET],
            details[Role.POSTCODE][:12],
            details[Role.CITY],
            country if len(country) == 2 and country.isalpha() and country.isascii() else "",
        )

    def _text(self, row: Row, role: Role) -> str:
        place = self.columns.places.get(role)
        return "" if place is None else plain(text_of(row[place]))[:TEXT_LENGTH]

    def _warn(self, code: str, line: int, role: Role, value: str) -> None:
        self.warnings.add(code, line=line, column=self.columns.name_of(role), value=value)
