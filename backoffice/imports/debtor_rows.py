"""Who owes, from the rows of a table: recognised by what identifies a customer, and asked where that contradicts itself.

A code identifies (whatever its case), else a name, else a SIREN or an e-mail address. A code or a name whose lines say two names, two
SIRENs, two VAT numbers or two e-mail addresses is no identity by itself: a person says what it is, because whoever is given one
account of two customers sees and pays what the other one owes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter

from stdnum.fr import siren as siren_rule
from stdnum.fr import siret as siret_rule

from backoffice.imports.columns import ColumnMap
from backoffice.imports.customer_kinds import OPTIONS, CustomerKinds
from backoffice.imports.faults import Findings
from backoffice.imports.plan import DebtorRow
from backoffice.imports.questions import Questions, Scope
from backoffice.imports.roles import Role
from backoffice.imports.tables import Row
from backoffice.imports.values import Cell, country, folded, language, plain, text_of
from shared.debtors.rules import same_name
from shared.kit import addresses

CODE_LENGTH = 64
TEXT_LENGTH = 200

_KEYS = (Role.DEBTOR_CODE, Role.DEBTOR_NAME, Role.SIREN, Role.EMAIL)
_IDENTITY = (*_KEYS, Role.VAT_NUMBER, Role.CUSTOMER_KIND, Role.POSTCODE)
CODES, NAMES, KINDS = "customer-codes", "customer-names", "customer-kinds"


@dataclass(frozen=True, slots=True)
class _Identity:
    """What one row says of who owes; empty where it is silent."""

    code: str
    name: str
    siren: str
    vat_number: str
    emails: tuple[str, ...]
    postcode: str = ""

    def contradicts(self, other: _Identity, *, names: bool) -> bool:
        """Whether two rows cannot well be about one customer; of names only when `names`, else of places where nothing stronger agrees."""
        return (
            bool(self.siren and other.siren and self.siren != other.siren)
            or bool(self.vat_number and other.vat_number and self.vat_number != other.vat_number)
            or bool(self.emails and other.emails and not set(self.emails) & set(other.emails))
            or bool(names and self.name and other.name and not same_name(self.name, other.name))
            or bool(
                not names
                and self.postcode
                and other.postcode
                and self.postcode != other.postcode
                and not self._agrees(other)
            )
        )

    def _agrees(self, other: _Identity) -> bool:
        return bool(
            (self.siren and self.siren == other.siren)
            or (self.vat_number and self.vat_number == other.vat_number)
            or set(self.emails) & set(other.emails)
        )

    @property
    def mark(self) -> str:
        """What tells it apart from others of its name."""
        return self.siren or self.vat_number or (self.emails[0] if self.emails else "") or self.postcode

    @property
    def told(self) -> str:
        """As an example in a question."""
        return " ".join(
            part
            for part in (self.code, self.name, self.siren or self.vat_number or self.postcode, *self.emails[:1])
            if part
        )


@dataclass(slots=True)
class Account:
    """A debtor met in the file, with the running totals of its certificate line."""

    row: DebtorRow
    identity: _Identity
    count: int = 0
    owed: int = 0
    credit: int = 0


@dataclass(slots=True)
class Debtors:
    """Finds the debtor of each row; `accounts` is keyed by the debtor's key."""

    columns: ColumnMap
    faults: Findings
    warnings: Findings
    questions: Questions = field(default_factory=Questions)
    accounts: dict[str, Account] = field(default_factory=dict)
    _seen: dict[Cell | tuple[Cell, ...], Account] = field(default_factory=dict)
    _known: dict[str, list[Account]] = field(default_factory=dict)
    """By code or name without case: several where people said that one name is several customers."""
    _by_siren: dict[str, list[Account]] = field(default_factory=dict)
    _kinds: CustomerKinds = field(init=False)
    _cells: Callable[[Row], Cell | tuple[Cell, ...]] = field(init=False)
    _keys: Sequence[int] = field(init=False)

    def __post_init__(self) -> None:
        places = self.columns.places
        self._kinds = CustomerKinds(self.columns, self.questions)
        self._cells = itemgetter(*(places[role] for role in _IDENTITY if role in places))
        self._keys = [places[role] for role in _KEYS if role in places]

    def find(self, line: int, row: Row) -> Account | None:
        """The debtor of a row, or None with a fault when the row does not say."""
        cells = self._cells(row)
        account = self._seen.get(cells)
        if account is None:
            account = self._meet(line, row)
            if account is not None:
                self._seen[cells] = account
        return account

    def is_silent(self, row: Row) -> bool:
        """True when the row names no debtor at all."""
        return not any(text_of(row[place]).strip() for place in self._keys[:2])

    def _meet(self, line: int, row: Row) -> Account | None:
        identity = self._identity(line, row)
        if self.questions.said(CODES) == "names" and (identity.name or identity.mark):
            identity = replace(identity, code="", postcode=self._text(row, Role.POSTCODE)[:12])
        key = identity.code or identity.name or identity.mark
        if not key or len(identity.code) > CODE_LENGTH:
            role = Role.DEBTOR_CODE if Role.DEBTOR_CODE in self.columns.places else Role.DEBTOR_NAME
            self.faults.add(
                "text.too_long" if key else "debtor.empty",
                line=line,
                column=self.columns.name_of(role),
                value=key,
                limit=CODE_LENGTH,
            )
            return None
        known = self._known.setdefault(folded(key), [])
        if not known and identity.siren and not identity.code:
            known += [a for a in self._by_siren.get(identity.siren, ()) if same_name(a.identity.name, identity.name)]
        for account in known:
            if not identity.contradicts(account.identity, names=bool(identity.code)):
                self._complete(line, account, identity)
                self._agree(account, self._kinds.of(row, identity.told))
                return account
        if known and not self._is_other(known[0], identity, line):
            self._agree(known[0], self._kinds.of(row, identity.told))
            return known[0]
        if known:
            key = f"{key[: CODE_LENGTH - 43]} ({identity.mark[:40]})"
        key = key[:CODE_LENGTH]
        if key in self.accounts:
            return self.accounts[key]
        account = self.accounts[key] = Account(self._row(line, key, identity, row), identity)
        known.append(account)
        if identity.siren:
            self._by_siren.setdefault(identity.siren, []).append(account)
        return account

    def _is_other(self, known: Account, identity: _Identity, line: int) -> bool:
        """Whether a row with a known code or name is about another customer; asked, and until then it is not."""
        example = f"{known.identity.told} ≠ {identity.told}"
        if identity.code:
            column = self.columns.name_of(Role.DEBTOR_CODE)
            if self.questions.ask(CODES, ("names", "one"), example=example, column=column) == "one" and identity.name:
                self._warn("debtor.two_names", line, Role.DEBTOR_NAME, identity.name)
            return False
        return self.questions.ask(NAMES, ("several", "one"), example=example) == "several"

    def _agree(self, account: Account, kind: str) -> None:
        """One customer is not both a business and a consumer: a person says which."""
        before = account.row.kind
        if kind and before and kind != before:
            kind = self.questions.ask(KINDS, OPTIONS, example=account.identity.told, scope=Scope.FILE) or before
        if kind and kind != before:
            account.row = account.row._replace(kind=kind)

    def _complete(self, line: int, account: Account, identity: _Identity) -> None:
        """A later row may know what the first one left blank; another way of writing the name is told."""
        known = account.identity
        account.identity = _Identity(
            known.code,
            known.name,
            known.siren or identity.siren,
            known.vat_number or identity.vat_number,
            known.emails or identity.emails,
            known.postcode or identity.postcode,
        )
        account.row = account.row._replace(
            siren=account.identity.siren,
            vat_number=account.identity.vat_number,
            email=account.identity.emails[0] if account.identity.emails else "",
            more_emails=account.identity.emails[1:],
        )
        if identity.name and identity.name != account.row.name and known.name:
            self._warn("debtor.two_names", line, Role.DEBTOR_NAME, identity.name)

    # Cells

    def _identity(self, line: int, row: Row) -> _Identity:
        email = self._text(row, Role.EMAIL)
        good, bad = addresses.in_cell(email) if email else ([], [])
        for each in bad:
            self._warn("email.unreadable", line, Role.EMAIL, each)
        return _Identity(
            self._text(row, Role.DEBTOR_CODE),
            self._text(row, Role.DEBTOR_NAME),
            self._siren(line, row),
            self._text(row, Role.VAT_NUMBER).replace(" ", "").upper()[:20],
            tuple(good),
            "" if self._text(row, Role.DEBTOR_CODE) else self._text(row, Role.POSTCODE)[:12],
        )

    def _siren(self, line: int, row: Row) -> str:
        """The nine figures of a French SIREN, or of the SIRET that begins with it; a figure out of place is told."""
        text = self._text(row, Role.SIREN)
        bare = "".join(c for c in text if c.isalnum())
        if not bare or self._country(row) not in ("", "FR"):
            return ""
        if siren_rule.is_valid(bare):
            return bare
        if siret_rule.is_valid(bare):
            return bare[:9]
        self._warn("siren.unreadable", line, Role.SIREN, text)
        return ""

    def _country(self, row: Row) -> str | None:
        """ISO 3166 code, "" where the file is silent, None where it cannot be read."""
        text = self._text(row, Role.COUNTRY)
        return country(text) if text else ""

    def _row(self, line: int, key: str, identity: _Identity, row: Row) -> DebtorRow:
        where = self._country(row)
        if where is None:
            self._warn("country.unreadable", line, Role.COUNTRY, self._text(row, Role.COUNTRY))
        return DebtorRow(
            key,
            key,
            identity.name or key,
            identity.siren,
            identity.vat_number,
            self._text(row, Role.CONTACT_NAME),
            identity.emails[0] if identity.emails else "",
            self._text(row, Role.PHONE)[:40],
            language(self._text(row, Role.LANGUAGE)) or "",
            self._text(row, Role.STREET),
            self._text(row, Role.POSTCODE)[:12],
            self._text(row, Role.CITY),
            where or "",
            more_emails=identity.emails[1:],
            named=not identity.code,
            kind=self._kinds.of(row, identity.told),
        )

    def _text(self, row: Row, role: Role) -> str:
        place = self.columns.places.get(role)
        return "" if place is None else plain(text_of(row[place]))[:TEXT_LENGTH]

    def _warn(self, code: str, line: int, role: Role, value: str) -> None:
        self.warnings.add(code, line=line, column=self.columns.name_of(role), value=value)
