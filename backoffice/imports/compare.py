"""What a file means for what is here: who is who, what is doubled, gone, reopened or left out, and what of that is asked.

Everything stands in temporary tables; nothing that others see is written. The preview compares without a lock and drops it all; the
writing compares again under the locks, with the same questions: what came up in between is asked then, and nothing is written.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backoffice.imports.faults import Findings
from backoffice.imports.plan import ImportPlan
from backoffice.imports.question_words import worded
from backoffice.imports.questions import Questions, Scope
from backoffice.imports.write import Writer
from shared.debtors.rules import same_name
from shared.kit.money import Money, format_money
from shared.kit.words import current_language
from shared.kit.words import gettext as _

MANY = 0.5
"""A complete list that leaves out more than this share of what is open is asked about once more."""
SHOWN_PEOPLE = 200
FATES = ("settle", "cancel", "keep")
"""What may become of an invoice that is no longer in the books."""
ONE_BY_ONE = 20
"""So many of them may be decided one by one."""


@dataclass(slots=True)
class Comparison:
    """One file against the books of one company."""

    writer: Writer
    plan: ImportPlan
    choices: Mapping[str, Any]
    faults: Findings
    warnings: Findings
    questions: Questions

    @property
    def is_fec(self) -> bool:
        """Whether the file holds whole accounts with their balances."""
        return bool(self.plan.facts.get("first_day"))

    def run(self, *, locking: bool) -> None:
        """Recognise, ask and weigh; the caller looks at the faults and the open questions afterwards."""
        writer = self.writer
        writer.leave_out_erased(self.warnings)
        writer.find_debtors(self.faults)
        self._by_siren()
        writer.join_codes(self.faults, self.warnings)
        writer.match_invoices()
        self._under_other_codes()
        self._contradictions()
        self._details()
        self._kinds()
        if self.is_fec:
            self._gone()
        else:
            self._left_out()
        writer.lock_debtors(whole_accounts=self.is_fec, locking=locking)
        writer.weigh()
        if not self.is_fec:
            self._reopened()
        writer.decide()
        writer.remark(self.faults, self.warnings)

    # Who is who

    def _by_siren(self) -> None:
        """A new code with the SIREN of a known customer is that customer, or another account of the same firm: asked."""
        found = self.writer.rows("""SELECT s.key, s.name, d.id, d.account_code, d.name FROM stage_debtor s JOIN debtor d
            ON d.company_id = %(company)s AND d.siren = s.siren AND d.merged_into_id IS NULL
            WHERE s.is_new ORDER BY s.key, d.account_code""")
        answer = None
        for key, name, _id, code, known in found:
            answer = self.questions.ask(
                "customer-sirens", ("same", "other"), example=f"{key} {name} = {code} {known}", scope=Scope.FILE
            )
        if answer == "same":
            for key, _name, debtor_id, _code, _known in reversed(found):
                self.writer.is_known_as(key, debtor_id)

    def _under_other_codes(self) -> None:
        """Documents with the number, day and amount of one that is here under another code would be owed twice: asked."""
        found = self.writer.rows("""SELECT s.key, d.id, d.account_code, min(i.number), count(*) FROM stage_debtor s
            JOIN stage_item t ON t.debtor = s.key AND t.kind IN ('invoice', 'credit_note')
            JOIN invoice i ON i.company_id = %(company)s AND i.number = t.number AND i.issued_on = t.issued_on
                AND i.total_minor = t.total AND i.source = 'import'
            JOIN debtor d ON d.id = i.debtor_id AND d.merged_into_id IS NULL
            WHERE s.is_new GROUP BY s.key, d.id, d.account_code ORDER BY s.key, count(*), d.account_code""")
        answer = None
        for key, _id, code, number, count in found:
            more = f" (+ {count - 1})" if count > 1 else ""
            answer = self.questions.ask(
                "invoice-elsewhere", ("same", "other"), example=f"{number}{more}: {key} = {code}", scope=Scope.FILE
            )
        if answer == "same":
            for key, debtor_id, *_rest in found:
                self.writer.is_known_as(key, debtor_id)
            self.writer.join_codes(self.faults, self.warnings)
            self.writer.match_invoices()

    def _contradictions(self) -> None:
        """A known customer who has another name, SIREN or address in the file may be somebody else."""
        for (
            key,
            name,
            siren,
            vat,
            email,
            place,
            named,
            known,
            known_siren,
            known_vat,
            known_place,
            strangers,
        ) in self.writer.rows("""
                SELECT s.key, s.name, s.siren, s.vat_number, a.email, s.postcode, s.named, d.name, d.siren, d.vat_number, d.postcode,
                    a.email IS NOT NULL AND s.named AND EXISTS (SELECT FROM debtor_contact x WHERE x.debtor_id = d.id)
                        AND NOT EXISTS (SELECT FROM debtor_contact x JOIN contact c ON c.id = x.contact_id
                            JOIN stage_contact b ON b.email = c.email WHERE x.debtor_id = d.id AND b.debtor = s.key)
                FROM stage_debtor s JOIN debtor d ON d.id = s.id LEFT JOIN stage_contact a ON a.debtor = s.key AND a.place = 0
                WHERE NOT s.is_new AND s.matched = 'code' AND (d.name <> s.name AND s.name <> s.key OR d.siren <> s.siren
                    OR d.vat_number <> s.vat_number OR s.named) ORDER BY 1"""):
            other_number = bool(
                (siren and known_siren and siren != known_siren) or (vat and known_vat and vat != known_vat)
            )
            agrees = bool((siren and siren == known_siren) or (vat and vat == known_vat) or (email and not strangers))
            elsewhere = bool(place and known_place and place != known_place and not agrees)
            mark = siren or vat or email or place or ""
            if named and (other_number or strangers or elsewhere):
                example = f"{name} {mark} ≠ {known} {known_siren or known_vat or known_place or ''}".strip()
                if (
                    self.questions.ask("customer-other", ("same", "other"), example=example, scope=Scope.FILE)
                    == "other"
                ):
                    self.writer.is_another(key)
            elif not named and (other_number or not same_name(name, known)):
                example = f"{key}: {known} {known_siren or ''} → {name} {siren or ''}"
                answer = self.questions.ask("customer-changed", ("update", "keep"), example=example, scope=Scope.FILE)
                if answer == "update":
                    self.writer.do("UPDATE stage_debtor SET renamed = true WHERE key = %(key)s", key=key)

    def _details(self) -> None:
        """Another way of writing the name, another address: the books' or ours, asked once for files of this shape."""
        answer = None
        for key, before, after in self.writer.rows("""SELECT s.key,
                    concat_ws(', ', d.name, nullif(d.street, ''), nullif(d.postcode, ''), nullif(d.city, '')),
                    concat_ws(', ', s.name, nullif(s.street, ''), nullif(s.postcode, ''), nullif(s.city, ''))
                FROM stage_debtor s JOIN debtor d ON d.id = s.id WHERE NOT s.is_new AND s.matched = 'code' AND NOT s.renamed
                AND (s.street <> '' AND d.street <> '' AND s.street <> d.street
                    OR s.postcode <> '' AND d.postcode <> '' AND s.postcode <> d.postcode
                    OR s.city <> '' AND d.city <> '' AND s.city <> d.city) ORDER BY 1"""):
            answer = self.questions.ask("customer-details", ("update", "keep"), example=f"{key}: {before} → {after}")
        if answer == "update":
            self.writer.do("UPDATE stage_debtor SET corrected = true WHERE NOT is_new AND matched = 'code'")

    def _kinds(self) -> None:
        """A known customer is a consumer in the file and a business here, or the other way round: what the law asks depends on it."""
        answer = None
        for key, name, before, after in self.writer.rows("""SELECT s.key, d.name, d.kind, s.kind FROM stage_debtor s
                JOIN debtor d ON d.id = s.id WHERE NOT s.is_new AND s.kind <> d.kind ORDER BY 1"""):
            answer = self.questions.ask(
                "customer-kind", ("update", "keep"), example=f"{key} {name}: {before} → {after}"
            )
        if answer == "update":
            self.writer.do("""UPDATE stage_debtor s SET rekinded = true FROM debtor d
                WHERE d.id = s.id AND NOT s.is_new AND s.kind <> d.kind""")

    # What is no longer there

    def _gone(self) -> None:
        """Invoices of the file's own time and accounts that it does not hold any more."""
        found = self.writer.rows(
            """SELECT i.id, i.number, d.key, i.open_minor FROM stage_debtor d JOIN invoice i ON i.debtor_id = d.id
            WHERE NOT d.is_new AND i.open_minor > 0 AND i.source = 'import' AND i.issued_on >= %(first)s
            AND NOT EXISTS (SELECT FROM stage_item s WHERE s.old_id = i.id) ORDER BY i.issued_on, i.number""",
            first=self.plan.facts["first_day"],
        )
        if not found:
            return
        fates = self._fates("books-gone", found, lasting=("keep",))
        taken = {fate: [row[0] for row in fates if row[2] == fate] for fate in ("settle", "cancel")}
        if sum(map(len, taken.values())) > self._open_invoices() * MANY and self._stop_many(fates, found):
            return
        if taken["cancel"]:
            self._cancel([(identity, number) for identity, number, fate in fates if fate == "cancel"])
        self.writer.note_gone("paid", taken["settle"])

    def _fates(
        self, key: str, found: Sequence[tuple[Any, ...]], *, lasting: Sequence[str] = (), otherwise: str | None = None
    ) -> list[tuple[uuid.UUID, str, str | None]]:
        """What becomes of each invoice that the file does not hold: the same of all, or decided one by one."""
        may_choose = (*FATES, "each") if 1 < len(found) <= ONE_BY_ONE else FATES
        answer = None
        for _id, number, debtor, minor in found:
            example = f"{number} ({debtor}){_(':')} {self._money(minor)}"
            answer = self.questions.ask(
                key, may_choose, example=example, scope=Scope.FILE, lasting=lasting, otherwise=otherwise
            )
        if answer != "each":
            return [(identity, number, answer) for identity, number, _debtor, _minor in found]
        names = self._names([(row[0], row[1]) for row in found])
        return [
            (identity, number, self._fate_of(f"{key}:{names[identity]}", number, debtor, minor, lasting))
            for identity, number, debtor, minor in found
        ]

    def _names(self, invoices: Sequence[tuple[uuid.UUID, str]]) -> dict[uuid.UUID, str]:
        """What each of some invoices is called in answers: by its number, and by more where that is not its own alone.

        "A/12" and "A-12" would be one name, and so would a number that two debtors' documents bear: each is answered for itself.
        """
        shared = self.writer.rows(
            """SELECT number FROM invoice WHERE company_id = %(company)s AND number = ANY(%(numbers)s)
            GROUP BY number HAVING count(*) > 1""",
            numbers=[number for _id, number in invoices],
        )
        taken = {number for (number,) in shared}
        names = {}
        for identity, number in invoices:
            plain = re.sub(r"[^A-Za-z0-9._-]+", "-", number)
            is_own = plain == number and number not in taken
            names[identity] = number if is_own else f"{plain}.{identity.hex[-8:]}"
        return names

    def _fate_of(self, key: str, number: str, debtor: str, minor: int, lasting: Sequence[str]) -> str | None:
        """What becomes of one invoice."""
        facts: dict[str, Any] = {"number": number, "debtor": debtor, "open": int(minor)}
        return self.questions.ask(
            key, FATES, code=f"{key.split(':', maxsplit=1)[0]}-one", scope=Scope.FILE, lasting=lasting, **facts
        )

    def _stop_many(self, fates: list[tuple[uuid.UUID, str, str | None]], found: list[tuple[Any, ...]]) -> bool:
        """More than half of what is open would go: asked once more."""
        going = {identity for identity, _number, fate in fates if fate in ("settle", "cancel")}
        total = int(sum(row[3] for row in found if row[0] in going))
        return (
            self.questions.ask(
                "books-many",
                ("yes", "no"),
                scope=Scope.FILE,
                invoices=len(going),
                every=self._open_invoices(),
                total=total,
            )
            != "yes"
        )

    def _cancel(self, chosen: list[tuple[uuid.UUID, str]]) -> None:
        """What is cancelled has a reason, and what one person may not give alone is left to the desk, where two do."""
        why = self.questions.ask("books-gone-why", ("deleted", "renumbered", "twice"), scope=Scope.FILE)
        for (_identity, number), is_alone in zip(chosen, alone := self.writer.may_go(chosen), strict=True):
            if not is_alone:
                self.warnings.add("invoice.cancel_two", value=number)
        if why:
            self.writer.note_gone(
                "gone", [identity for (identity, _n), is_alone in zip(chosen, alone, strict=True) if is_alone]
            )
            self.writer.reason = worded("books-gone-why", why)

    def _open_invoices(self) -> int:
        [(every,)] = self.writer.rows("""SELECT count(*) FROM invoice
            WHERE company_id = %(company)s AND open_minor > 0 AND source = 'import'""")
        return int(every)

    def _reopened(self) -> None:
        """A table shows as open what an earlier one showed as settled: taken back in the books, or an older file."""
        answer = None
        for number, debtor, minor in self.writer.rows("""SELECT number, debtor, least(-news, imported) FROM stage_shown
                WHERE news < 0 AND imported > 0 ORDER BY number"""):
            example = f"{number} ({debtor}){_(':')} {self._money(minor)}"
            answer = self.questions.ask("books-reopened", ("reopen", "keep"), example=example, scope=Scope.FILE)
        if answer == "keep":
            self.writer.do("UPDATE stage_shown SET news = 0 WHERE news < 0")

    def _left_out(self) -> None:
        """What is open here and not in a table: remarked, unless the table is the complete list of what is open.

        Then it is settled, which is what "complete" says, or what somebody decides otherwise, for all or one by one.
        """
        found = self.writer.rows("""SELECT i.id, i.number, d.account_code, i.open_minor FROM invoice i JOIN debtor d ON d.id = i.debtor_id
            WHERE i.company_id = %(company)s AND i.open_minor > 0 AND i.source = 'import' AND d.merged_into_id IS NULL
            AND NOT EXISTS (SELECT FROM stage_item s WHERE s.old_id = i.id) ORDER BY i.issued_on, i.number, i.id""")
        if not found:
            return
        total = int(sum(row[3] for row in found))
        if not self.choices.get("complete"):
            self.warnings.add("list.left_out", invoices=len(found), total=total)
            return
        fates = {row[0]: row[2] for row in self._fates("list-gone", found, otherwise="settle")}
        going = [row for row in found if fates[row[0]] in {"settle", "cancel"}]
        every = self._open_invoices()
        if len(going) > every * MANY:
            total = int(sum(row[3] for row in going))
            many: dict[str, Any] = {"invoices": len(going), "every": every, "total": total}
            if self.questions.ask("list-many", ("yes", "no"), scope=Scope.FILE, **many) != "yes":
                return
        if cancelled := [(row[0], row[1]) for row in going if fates[row[0]] == "cancel"]:
            self._cancel(cancelled)
        settled = [row for row in going if fates[row[0]] == "settle"]
        self.writer.note_gone("settled", [row[0] for row in settled])
        if settled:
            self.warnings.add("list.settled", invoices=len(settled), total=int(sum(row[3] for row in settled)))

    def _money(self, minor: int) -> str:
        return format_money(Money(int(minor), self.writer.currency), current_language())

    # What will be

    def forecast(self) -> dict[str, Any]:
        """What the import will do, in figures, and who will be able to act: for the preview."""
        [(new, people)] = self.writer.rows("""SELECT count(*) FILTER (WHERE is_new),
            (SELECT count(DISTINCT (debtor, email)) FROM stage_contact) FROM stage_debtor""")
        [(added,)] = self.writer.rows("SELECT count(*) FROM stage_item WHERE old_id IS NULL AND kind <> 'credit'")
        [(changed, settled, lowered, raised)] = self.writer.rows("""SELECT count(*), count(*) FILTER (WHERE new_open = 0
                AND old_open > 0), count(*) FILTER (WHERE new_open < old_open AND new_open > 0),
                count(*) FILTER (WHERE new_open > old_open) FROM stage_change""")
        gone = self.writer.gone()
        [(consumers,)] = self.writer.rows("SELECT count(*) FROM stage_debtor WHERE is_new AND kind = 'consumer'")
        return {
            "debtors_new": new,
            "consumers": consumers,
            "people": people,
            "invoices_new": added,
            "invoices_changed": changed,
            "settled": settled,
            "lowered": lowered,
            "raised": raised,
            "cancelled": gone.get("gone", 0),
            "settled_by_list": gone.get("settled", 0) + gone.get("paid", 0),
            "contacts": [
                {"debtor": key, "name": name, "email": email, "person": person, "is_new": is_new}
                for key, name, email, person, is_new in self.writer.rows(
                    """SELECT s.key, s.name, c.email, c.name, s.is_new
                    FROM stage_contact c JOIN stage_debtor s ON s.key = c.debtor ORDER BY s.key, c.place
                    LIMIT %(most)s""",
                    most=SHOWN_PEOPLE,
                )
            ],
        }
