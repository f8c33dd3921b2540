"""The referee: says of every debit at the provider whether it may have been taken, and knows nothing of how Guichet decides.

Its evidence is what the twins hold (debits, mandates, events with their moments, mails as they were received) and the
facts of the books as plain rows, read at each *look*: a moment at which the house has done all that it had to do and the
next thing to pass is time. A debit that leaves for the bank is held against the last look before it left. What stood
against it then was known while the provider would still have cancelled it.

It imports nothing of Guichet (`test_referee.py` sees to that): its calendar, its reading of mails and its sums are its own.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import holidays
import psycopg
from psycopg.rows import dict_row

ZONE = ZoneInfo("Europe/Paris")
MOVES_AT_MOST = timedelta(days=7)
"""A debit may be charged so many days after the day that its notice names; never before it."""

Row = dict[str, Any]


class Twins(Protocol):
    """What is asked of the providers."""

    def objects(self, provider: str, kind: str) -> list[Row]: ...
    def mails(self) -> list[Row]: ...


@dataclass(frozen=True, slots=True)
class Violation:
    """A debit that should not have left, the rule that it breaks, and when what happened."""

    debit: str
    rule: str
    minor: int
    left_at: datetime | None
    looked_at: datetime | None
    words: str

    def __str__(self) -> str:
        left = f"{self.left_at:%Y-%m-%d %H:%M}" if self.left_at else "–"
        looked = f"{self.looked_at:%Y-%m-%d %H:%M}" if self.looked_at else "–"
        return f"{self.rule}: {self.debit} over {self.minor}, left {left}, looked at {looked}: {self.words}"


@dataclass(frozen=True, slots=True)
class Notice:
    """A mail that says "on that day we debit": when it was received, under which mandate, how much of what."""

    received_at: datetime
    mandate: str
    day: date
    amounts: Mapping[str, int]
    """Invoice number, or reference of a plan, → amount."""


@dataclass(frozen=True, slots=True)
class Debit:
    """One debit at the provider."""

    id: str
    payment: str
    mandate: str
    minor: int
    charge_on: date
    created_at: datetime
    left_at: datetime | None
    """The last moment at which the provider would have cancelled it; None while it has not left."""


@dataclass(slots=True)
class Look:
    """The books at one moment, as rows."""

    at: datetime
    invoices: dict[str, Row]
    debtors: dict[str, Row]
    payments: dict[str, Row]
    parts: dict[str, dict[str, int]]
    """Payment → invoice → amount."""
    against: dict[str, list[tuple[str, int, str]]]
    """Invoice → (rule, amount, what) that stand against debiting it."""
    plans: dict[str, Row]
    refunded: frozenset[str]
    """Invoices of which money was given back."""
    notes: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    """Debtor → unused credit notes."""


QUERIES = {
    "invoices": """SELECT id::text, debtor_id::text AS debtor, number, kind, total_minor, open_minor, elsewhere_minor, due_on,
        autopay_excluded_at, credits_invoice_id::text AS corrects FROM invoice""",
    "debtors": """SELECT d.id::text, d.autopay, d.autopay_maximum_minor AS maximum, d.credit_minor, c.notice_days,
        c.collects AND c.takes_debits AS by_itself
        FROM debtor d JOIN company c ON c.id = d.company_id""",
    "payments": """SELECT id::text, debtor_id::text AS debtor, attempt, status, means, amount_minor, charge_on,
        provider_reference FROM payment""",
    "parts": "SELECT payment_id::text AS payment, invoice_id::text AS invoice, amount_minor FROM payment_allocation",
    "plans": "SELECT id::text, reference, status, by_mandate FROM plan",
    "refunded": """SELECT DISTINCT a.invoice_id::text AS invoice FROM payment_allocation a
        JOIN refund r ON r.payment_id = a.payment_id WHERE r.status IN ('approved', 'submitted', 'done')""",
    "contested": """SELECT p.invoice_id::text AS invoice, p.amount_minor, d.reference || ' since ' || d.opened_at AS what
        FROM dispute_part p JOIN dispute d ON d.id = p.dispute_id
        WHERE d.status IN ('open', 'under_review', 'waiting') AND p.outcome = 'live'""",
    "promised": """SELECT p.invoice_id::text AS invoice, p.amount_minor - p.kept_minor AS amount_minor,
        d.reference || ' since ' || d.created_at AS what
        FROM promise_part p JOIN promise d ON d.id = p.promise_id WHERE d.state = 'expected'""",
    "declared": """SELECT p.invoice_id::text AS invoice, p.amount_minor, d.reference || ' since ' || d.created_at AS what
        FROM declaration_part p JOIN declaration d ON d.id = p.declaration_id WHERE d.state = 'declared'""",
    "contested_by_bank": """SELECT p.invoice_id::text AS invoice, p.amount_minor, d.reference || ' since ' || d.created_at AS what
        FROM chargeback_part p JOIN chargeback d ON d.id = p.chargeback_id
        WHERE d.state IN ('open', 'answered', 'to_decide')""",
    "planned": """SELECT f.invoice_id::text AS invoice, f.amount_minor, p.reference || ' since ' || f.frozen_at AS what
        FROM invoice_freeze f JOIN plan p ON p.id = f.subject_id
        WHERE f.kind = 'plan' AND f.lifted_at IS NULL AND p.status IN ('active', 'paused')""",
}
STORY = """
    WITH mine AS (SELECT id, debtor_id FROM payment WHERE provider_reference = %(debit)s),
        touched AS (SELECT DISTINCT invoice_id FROM payment_allocation WHERE payment_id IN (SELECT id FROM mine))
    SELECT t.at, p.reference || ' ' || p.attempt || ' ' || p.amount_minor || ': ' || t.after || ' ' || t.cause AS words
        FROM payment_transition t JOIN payment p ON p.id = t.payment_id
        WHERE p.debtor_id IN (SELECT debtor_id FROM mine)
    UNION ALL SELECT c.announced_at, 'announced ' || c.amount_minor || ' of ' || coalesce(i.number, c.label) || ' for '
        || c.charge_on || ', attempt ' || c.attempt_no || ', now ' || c.state || ' ' || c.reason
        || coalesce(' since ' || c.closed_at, '')
        FROM collection c LEFT JOIN invoice i ON i.id = c.invoice_id WHERE c.debtor_id IN (SELECT debtor_id FROM mine)
    UNION ALL SELECT f.frozen_at, f.kind || ' of ' || f.amount_minor || ' on ' || i.number || ', lifted '
        || coalesce(f.lifted_at::text, 'never')
        FROM invoice_freeze f JOIN invoice i ON i.id = f.invoice_id WHERE f.debtor_id IN (SELECT debtor_id FROM mine)
    UNION ALL SELECT at, 'ledger: ' || kind || ' ' || amount_minor || ' from ' || credit_account || ' to ' || debit_account
        FROM ledger_transfer WHERE debtor_id IN (SELECT debtor_id FROM mine)
    UNION ALL SELECT at, action || ' ' || coalesce(after::text, '') FROM audit_line
        WHERE subject_id IN (SELECT id FROM mine UNION SELECT invoice_id FROM touched)
    UNION ALL SELECT now(), number || ': due ' || due_on || ', total ' || total_minor || ', open ' || open_minor || ' in the end'
        FROM invoice WHERE debtor_id IN (SELECT debtor_id FROM mine)
    ORDER BY 1"""
"""All that the books know of a debit and of its debtor, in the order in which it happened."""
AGAINST = ("contested", "promised", "declared", "contested_by_bank", "planned")
IN_FLIGHT = ("created", "submitted", "action_needed")


def read_books(database: str, at: datetime) -> Look:
    """The books as they stand, through a connection of its own."""
    url = database.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(url, row_factory=dict_row) as connection:
        rows = {name: connection.execute(query).fetchall() for name, query in QUERIES.items()}
    against: dict[str, list[tuple[str, int, str]]] = defaultdict(list)
    for rule in AGAINST:
        for row in rows[rule]:
            if row["amount_minor"] > 0:
                against[row["invoice"]].append((rule, int(row["amount_minor"]), row["what"]))
    parts: dict[str, dict[str, int]] = defaultdict(dict)
    for row in rows["parts"]:
        parts[row["payment"]][row["invoice"]] = int(row["amount_minor"])
    look = Look(
        at=at,
        invoices={row["id"]: row for row in rows["invoices"]},
        debtors={row["id"]: row for row in rows["debtors"]},
        payments={row["id"]: row for row in rows["payments"]},
        parts=parts,
        against=against,
        plans={row["id"]: row for row in rows["plans"]},
        refunded=frozenset(row["invoice"] for row in rows["refunded"]),
    )
    for row in rows["invoices"]:
        if row["kind"] == "credit_note" and row["open_minor"] > 0:
            look.notes[row["debtor"]].append(row)
    return look


def story(database: str, debit: str) -> Iterator[str]:
    """What became of a debit, line by line: for whoever has to find out why it left."""
    url = database.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(url, row_factory=dict_row) as connection:
        for row in connection.execute(STORY, {"debit": debit}):
            yield f"{row['at']:%Y-%m-%d %H:%M:%S}  {row['words']}"


# Mails ----------------------------------------------------------------------------------------------------------------

MONTHS = {
    name: month
    for names in (
        "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
        "January February March April May June July August September October November December",
    )
    for month, name in enumerate(names.split(), start=1)
}
DAY = rf"(\d{{1,2}})(?:er)? ({'|'.join(MONTHS)}) (\d{{4}})"
AMOUNT = r"(?:€([\d,]+\.\d\d)|([\d ]+,\d\d) €)"
ON_DAY = re.compile(rf"{AMOUNT} \((?:le|on) {DAY}\)")
RUM = re.compile(r"\(RUM\) ?: ([A-Z0-9-]+)")
ITEM = re.compile(rf"- ([^,]+), [^:]+? ?: {AMOUNT}")
INSTALMENT = re.compile(rf"- \d+\. {DAY} ?: {AMOUNT} \((?:prélevée le|debited on|collected on) {DAY}\)")
PLAN = re.compile(r"Plan ?: (PLN-[A-Z0-9-]+)")


def read_notices(mails: Sequence[Row]) -> list[Notice]:
    """Every notice among the mails that were received: of debits for a day, and of the whole schedule of a plan."""
    found: list[Notice] = []
    for mail in mails:
        text = re.sub(r"\s+", " ", str(mail["text"] or "").replace("\u202f", " ").replace("\u00a0", " "))
        received_at = datetime.fromtimestamp(mail["received_at"], UTC)
        mandate = RUM.search(text)
        if mandate is None:
            continue
        if plan := PLAN.search(text):
            found += [
                Notice(received_at, mandate[1], _day(*item.groups()[5:8]), {plan[1]: _minor(item[4], item[5])})
                for item in INSTALMENT.finditer(text)
            ]
        elif said := ON_DAY.search(text):
            amounts = {item[1]: _minor(item[2], item[3]) for item in ITEM.finditer(text)}
            found.append(Notice(received_at, mandate[1], _day(*said.groups()[2:5]), amounts))
    return found


def _day(day: str, month: str, year: str) -> date:
    return date(int(year), MONTHS[month], int(day))


def _minor(english: str | None, french: str | None) -> int:
    return int(re.sub(r"\D", "", english or french or "0"))


# Debits ---------------------------------------------------------------------------------------------------------------


def read_debits(twins: Twins) -> list[Debit]:
    """Every debit at the provider, with the moment at which it left."""
    left: dict[str, datetime] = {}
    for event in twins.objects("gocardless", "events"):
        if event["resource_type"] == "payments" and event["action"] == "submitted":
            left.setdefault(event["links"]["payment"], datetime.fromisoformat(event["created_at"]))
    return [
        Debit(
            id=one["id"],
            payment=one["metadata"]["payment_id"],
            mandate=one["links"]["mandate"],
            minor=one["amount"],
            charge_on=date.fromisoformat(one["charge_date"]),
            created_at=datetime.fromisoformat(one["created_at"]),
            left_at=left.get(one["id"]),
        )
        for one in twins.objects("gocardless", "payments")
    ]


def read_ends(twins: Twins) -> dict[str, list[tuple[datetime, bool]]]:
    """Mandate → (moment, whether it could be used from then on)."""
    told: dict[str, list[tuple[datetime, bool]]] = defaultdict(list)
    for event in twins.objects("gocardless", "events"):
        if event["resource_type"] == "mandates":
            is_usable = event["action"] not in {"cancelled", "failed", "expired", "blocked"}
            told[event["links"]["mandate"]].append((datetime.fromisoformat(event["created_at"]), is_usable))
    return told


@lru_cache(maxsize=8)
def _closed(year: int) -> frozenset[date]:
    return frozenset(holidays.financial_holidays("XECB", years=year))


def is_bank_day(day: date) -> bool:
    """Whether euros move between banks on a day (TARGET2)."""
    return day.weekday() < 5 and day not in _closed(day.year)


# The judgement --------------------------------------------------------------------------------------------------------


class Referee:
    """Keeps looks while a story runs, and judges at its end."""

    def __init__(self, database: str, twins: Twins) -> None:
        self.database = database
        self.twins = twins
        self.looks: list[Look] = []
        self.checked: Counter[str] = Counter()

    def look(self, at: datetime) -> None:
        """Keep the books as they stand: everything was done, and time passes next."""
        self.looks.append(read_books(self.database, at))

    def judge(self) -> list[Violation]:
        """Every debit that should not have been taken, and why."""
        debits = read_debits(self.twins)
        notices = read_notices(self.twins.mails())
        ends = read_ends(self.twins)
        rums = {one["id"]: one["reference"] for one in self.twins.objects("gocardless", "mandates")}
        left = {one.payment: one.left_at for one in debits}
        self.checked = Counter(debits=len(debits), mails=len(notices), looks=len(self.looks))
        found = list(self._made_twice(debits))
        for debit in debits:
            if debit.left_at is None:
                self.checked["never left"] += 1
                continue
            look = self._before(debit)
            if look is None:
                self.checked["left before any look"] += 1
                continue
            self.checked["left"] += 1
            found += _Case(debit, look, left).judge(notices, rums, ends)
        return found

    def _before(self, debit: Debit) -> Look | None:
        """The last look before it left at which it was with the provider."""
        fitting = [one for one in self.looks if debit.created_at <= one.at and debit.left_at and one.at < debit.left_at]
        return fitting[-1] if fitting else None

    def _made_twice(self, debits: Sequence[Debit]) -> Iterator[Violation]:
        pages = [one["metadata"]["payment_id"] for one in self.twins.objects("stripe", "checkout.session")]
        counts = Counter([*pages, *(one.payment for one in debits)])
        for debit in debits:
            if counts.pop(debit.payment, 0) > 1:
                yield Violation(debit.id, "made_twice", debit.minor, debit.left_at, None, f"payment {debit.payment}")
        for payment, count in counts.items():
            if count > 1:
                yield Violation(payment, "made_twice", 0, None, None, f"{count} pages of one payment")


class _Case:
    """One debit that left, against the last look before."""

    def __init__(self, debit: Debit, look: Look, left: Mapping[str, datetime | None]) -> None:
        self.debit = debit
        self.look = look
        self.left = left
        self.payment = look.payments.get(debit.payment, {})
        self.debtor = look.debtors.get(self.payment.get("debtor", ""), {})
        self.parts = look.parts.get(debit.payment, {})

    def judge(
        self,
        notices: Sequence[Notice],
        rums: Mapping[str, str],
        ends: Mapping[str, Sequence[tuple[datetime, bool]]],
    ) -> Iterator[Violation]:
        if not self.parts or not self.debtor:
            yield self._no("unknown", "no payment in the books stands behind it")
            return
        known = [
            usable for at, usable in ends.get(self.debit.mandate, ()) if self.debit.left_at and at <= self.debit.left_at
        ]
        if not known or not known[-1]:
            yield self._no("mandate", f"{self.debit.mandate} could not be used when it left")
        if not is_bank_day(self.debit.charge_on):
            yield self._no("closed_day", f"banks are closed on {self.debit.charge_on}")
        yield from self._twice()
        attempt = str(self.payment["attempt"])
        is_automatic = attempt.startswith("collection:") or ":instalment:" in attempt
        if is_automatic and not self.debtor["by_itself"]:
            yield self._no("company_stopped", "the company had switched its debits off")
        if attempt.startswith("collection:"):
            yield from self._of_invoice(notices, rums)
        elif attempt.startswith("plan:") and ":instalment:" in attempt:
            yield from self._of_plan(attempt.split(":")[1], notices, rums)

    def _no(self, rule: str, words: str) -> Violation:
        return Violation(self.debit.id, rule, self.debit.minor, self.debit.left_at, self.look.at, words)

    # What every debit owes

    def _twice(self) -> Iterator[Violation]:
        """Together with what else is on its way, it must not take more than is open."""
        for invoice, minor in self.parts.items():
            row = self.look.invoices[invoice]
            asked_for_first = minor + self._others(invoice)
            if asked_for_first > row["open_minor"] and not self._lowered(row):
                words = f"{row['number']}: {asked_for_first} on their way, {row['open_minor']} open"
                yield self._no("twice", words)

    def _lowered(self, row: Row) -> bool:
        """The books show less than before: that is another rule's matter."""
        return bool(row["elsewhere_minor"])

    def _others(self, invoice: str, *, only_left: bool = False) -> int:
        """What other payments in flight are to take of an invoice."""
        return sum(
            self.look.parts[one["id"]].get(invoice, 0)
            for one in self.look.payments.values()
            if one["id"] != self.debit.payment
            and one["status"] in IN_FLIGHT
            and invoice in self.look.parts[one["id"]]
            and (not only_left or self._is_firm(one))
        )

    def _is_firm(self, payment: Row) -> bool:
        """Whether it can no longer be taken back by us: what a person began, and what the bank has."""
        if not str(payment["attempt"]).startswith(("collection:", "plan:")):
            return True
        left_at = self.left.get(payment["id"])
        return left_at is not None and left_at <= self.look.at

    # Automatic debits of invoices

    def _of_invoice(self, notices: Sequence[Notice], rums: Mapping[str, str]) -> Iterator[Violation]:
        invoice = next(iter(self.parts))
        row = self.look.invoices[invoice]
        yield from self._announced(row["number"], notices, rums)
        if not self.debtor["autopay"]:
            yield self._no("autopay_off", f"{row['number']}: the debtor had switched automatic payment off")
        if row["autopay_excluded_at"] is not None:
            yield self._no("left_out", f"{row['number']}: left out at {row['autopay_excluded_at']}")
        maximum = self.debtor["maximum"]
        if maximum is not None and self.debit.minor > maximum:
            yield self._no("above_maximum", f"{row['number']}: the debtor's maximum was {maximum}")
        if self.debit.charge_on < row["due_on"]:
            yield self._no(
                "before_due", f"{row['number']}: due on {row['due_on']} only, charged {self.debit.charge_on}"
            )
        if invoice in self.look.refunded:
            yield self._no("refunded", f"{row['number']}: money of it was given back")
        yield from self._amount(invoice, row)

    def _amount(self, invoice: str, row: Row) -> Iterator[Violation]:
        """Never more than what is open, less what anybody said about it, less what is ours to give."""
        left = row["open_minor"] - row["elsewhere_minor"]
        steps = [("more_than_open", 0, "")]
        steps += [("twice", self._others(invoice), "other payments on their way")]
        steps += self.look.against.get(invoice, [])
        steps += [("credit", self._credit(invoice), "unapplied money and unused credit notes")]
        for rule, minor, what in steps:
            left -= minor
            if self.debit.minor > left:
                if rule != "twice" or not self._lowered(row):
                    yield self._no(rule, f"{row['number']}: {max(left, 0)} could be asked for ({what or 'open'})")
                return

    def _credit(self, invoice: str) -> int:
        """What credit stands against an invoice: a note against what it corrects, all else against the oldest due."""
        debtor = self.payment["debtor"]
        owed = sorted(
            (one for one in self.look.invoices.values() if one["debtor"] == debtor and one["kind"] == "invoice"),
            key=lambda one: (one["due_on"], one["id"]),
        )
        free = {one["id"]: self._collectable(one) for one in owed}
        covered: Counter[str] = Counter()
        pool = self.debtor["credit_minor"]
        for note in self.look.notes[debtor]:
            corrected = note["corrects"]
            used = min(note["open_minor"], free.get(corrected, 0))
            if used:
                covered[corrected] += used
                free[corrected] -= used
            pool += note["open_minor"] - used
        for one in owed:
            used = min(pool, free[one["id"]])
            covered[one["id"]] += used
            pool -= used
        return covered[invoice]

    def _collectable(self, row: Row) -> int:
        covered = sum(minor for _rule, minor, _what in self.look.against.get(row["id"], ()))
        return max(0, row["open_minor"] - row["elsewhere_minor"] - covered - self._others(row["id"], only_left=True))

    # Automatic debits of instalments

    def _of_plan(self, plan: str, notices: Sequence[Notice], rums: Mapping[str, str]) -> Iterator[Violation]:
        row = self.look.plans[plan]
        yield from self._announced(row["reference"], notices, rums)
        if row["status"] != "active" or not row["by_mandate"]:
            yield self._no("plan_not_running", f"{row['reference']} was {row['status']}")
        for invoice, minor in self.parts.items():
            found = self.look.invoices[invoice]
            contested = sum(each for rule, each, _what in self.look.against.get(invoice, ()) if rule == "contested")
            left = found["open_minor"] - found["elsewhere_minor"] - contested - self._others(invoice)
            if minor > left and not self._lowered(found):
                yield self._no(
                    "contested" if contested else "more_than_open", f"{found['number']}: {max(left, 0)} left"
                )

    def _announced(self, name: str, notices: Sequence[Notice], rums: Mapping[str, str]) -> Iterator[Violation]:
        """A mail that named it, under this mandate, with at least this amount, so many days before the day it named."""
        notice_days = timedelta(days=self.debtor["notice_days"])
        rum = rums.get(self.debit.mandate, "")
        about = [
            (one, minor)
            for one in notices
            for called, minor in one.amounts.items()
            if called == name or called.startswith(f"{name} ")  # "PLN-7F3K-2M9Q-4 2/6"
        ]
        fits = [
            one
            for one, minor in about
            if one.mandate == rum
            and one.day <= self.debit.charge_on <= one.day + MOVES_AT_MOST
            and minor >= self.debit.minor
            and one.received_at.astimezone(ZONE).date() + notice_days <= one.day
        ]
        if not fits:
            last = max((one.received_at for one, _minor in about), default=None)
            said = f"the last of {len(about)} mails about it came {last:%Y-%m-%d %H:%M}" if last else "no mail named it"
            yield self._no("notice", f"{name} on {self.debit.charge_on} under {rum}: {said}")
