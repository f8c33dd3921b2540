"""Who owes: the debtors of a file, recognised, completed, corrected, added; and who acts for them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from backoffice.imports.faults import Findings
from backoffice.imports.statements import CAUGHT_UP, Statements, digest_of
from shared.debtors.service import TRUST_AFTER


class Who(Statements):
    """Steps about debtors and contacts."""

    unknown: Sequence[tuple[uuid.UUID, uuid.UUID]] = ()
    """Debtor and person: whom the file brought to an account that others acted for."""

    def leave_out_erased(self, warnings: Findings) -> None:
        """Whoever asked to be erased does not come back by a file (`debtors.erased`): staff may add the address, with a reason."""
        for code, day in self.rows("""WITH left_out AS (DELETE FROM stage_contact s USING erased_address e
                WHERE e.company_id = %(company)s AND e.digest
                    = encode(sha256(convert_to(%(company)s::text || '|' || s.email, 'UTF8')), 'hex')
                RETURNING s.debtor, e.erased_at) SELECT l.debtor, (l.erased_at AT TIME ZONE c.zone)::date
                FROM left_out l JOIN company c ON c.id = %(company)s ORDER BY 1, 2"""):
            warnings.add("contact.erased", value=code, on=day.isoformat())

    def find_debtors(self, faults: Findings) -> None:
        """Recognise the known debtors by their code, whatever its case, or by another code that is known for them."""
        self.do("CREATE INDEX ON stage_debtor (key)")
        self.do("ANALYZE stage_item")
        self.do("ANALYZE stage_debtor")
        self.do(
            """UPDATE stage_debtor s SET id = d.id, is_new = false, matched = 'code' FROM debtor d
                   WHERE d.company_id = %(company)s AND d.merged_into_id IS NULL AND d.withdrawn_at IS NULL AND d.account_code = CASE WHEN s.named
                       AND EXISTS (SELECT FROM debtor x WHERE x.company_id = %(company)s AND x.account_code = (mark)
                           AND x.withdrawn_at IS NULL) THEN (mark)
                       ELSE s.key END""".replace("(mark)", _MARKED)
        )
        self.do("""UPDATE stage_debtor s SET id = d.id, is_new = false, matched = 'code' FROM (
                       SELECT min(id::text)::uuid AS id, lower(account_code) AS code FROM debtor
                       WHERE company_id = %(company)s AND merged_into_id IS NULL AND withdrawn_at IS NULL GROUP BY 2 HAVING count(*) = 1) d
                   WHERE s.is_new AND lower(s.key) = d.code
                   AND NOT EXISTS (SELECT FROM stage_debtor o WHERE o.id = d.id AND NOT o.is_new)""")
        self.do("""UPDATE stage_debtor s SET id = a.debtor_id, is_new = false, matched = 'alias' FROM debtor_alias a
                   WHERE s.is_new AND a.company_id = %(company)s AND a.essence = lower(s.key)""")
        for code, currency in self.rows("""SELECT d.account_code, d.currency FROM debtor d
                JOIN stage_debtor s ON s.id = d.id WHERE d.currency <> %(currency)s ORDER BY 1"""):
            faults.add("debtor.other_currency", value=code, expected=currency)

    def is_known_as(self, key: str, debtor_id: uuid.UUID) -> None:
        """A debtor of the file is this known one under another code; the code is remembered when the import is written."""
        self.do(
            "UPDATE stage_debtor SET id = %(debtor)s, is_new = false, matched = 'new alias' WHERE key = %(key)s",
            debtor=debtor_id,
            key=key,
        )

    def is_another(self, key: str) -> None:
        """A debtor of the file has the name of a known one and is not the same: it gets an account beside it."""
        self.do(
            "UPDATE stage_debtor s SET id = new_id(), is_new = true, matched = '', code = (mark) WHERE key = %(key)s".replace(
                "(mark)", _MARKED
            ),
            key=key,
        )
        self.do("UPDATE stage_item SET old_id = NULL WHERE debtor = %(key)s", key=key)

    def lock_debtors(self, *, whole_accounts: bool, locking: bool = True) -> None:
        """Lock, in the order of their ids, the known debtors whose affairs the file changes; the others go on undisturbed.

        A debtor of whom the file says just what is here was seen to agree and needs no lock. Of whole accounts (FEC) more
        is compared than single invoices, so all of them are locked.
        """
        self.do(CAUGHT_UP)
        self.do(
            """UPDATE stage_debtor d SET locked = true WHERE NOT d.is_new AND (%(whole)s OR d.id IN (SELECT debtor_id FROM stage_caught)
                OR d.key IN (
                SELECT s.debtor FROM stage_item s LEFT JOIN invoice i ON i.id = s.old_id
                WHERE i.id IS NULL OR i.open_minor <> s.open OR i.total_minor <> s.total
                OR (i.due_on <> s.due_on AND NOT s.derived AND i.source = 'import')))""",
            whole=whole_accounts,
        )
        if locking:
            self.do("""SELECT count(*) FROM (SELECT 1 FROM debtor WHERE id IN (SELECT id FROM stage_debtor WHERE locked
                           UNION SELECT i.debtor_id FROM stage_gone g JOIN invoice i ON i.id = g.id)
                       ORDER BY id FOR UPDATE) AS rows""")

    def add_debtors(self) -> int:
        """Write the new debtors with what they will owe; complete the known ones where they are blank, correct them where told.

        A code whose account was taken back with its import is that account again.
        """
        self.remember_debtors()
        self._correct_debtors()
        code = "coalesce(s.code, s.key)"
        self.do(f"""UPDATE stage_debtor s SET id = d.id FROM debtor d WHERE s.is_new AND d.company_id = %(company)s
                   AND d.account_code IN ({code}, {digest_of(code, "%(company)s")}) AND d.withdrawn_at IS NOT NULL""")  # noqa: S608 - our words
        self.do("""UPDATE debtor d SET siren = coalesce(d.siren, s.siren),
                       vat_number = coalesce(d.vat_number, s.vat_number)
                   FROM stage_debtor s WHERE d.id = s.id AND NOT s.is_new
                   AND (d.siren IS NULL AND s.siren IS NOT NULL OR d.vat_number IS NULL AND s.vat_number IS NOT NULL)""")
        return self.do(
            """INSERT INTO debtor (id, company_id, account_code, name, kind, siren, vat_number, street,
                street_more, postcode, city, country, language, currency, autopay, reminders_pause_reason, open_minor,
                held_minor, credit_minor, search_text, code_says_who, import_run_id, created_at)
            SELECT id, %(company)s, coalesce(code, key), name, coalesce(kind, 'business'), siren, vat_number, street, '', postcode, city,
                coalesce(country, 'FR'), coalesce(language, %(language)s), %(currency)s, false, '', coalesce(owed, 0), 0,
                coalesce(credit, 0), search_text, (says_who), %(run)s, %(at)s
            FROM stage_debtor s LEFT JOIN (
                SELECT debtor, sum(CASE kind WHEN 'credit' THEN open ELSE 0 END) AS credit,
                    sum(CASE kind WHEN 'credit' THEN 0 WHEN 'credit_note' THEN -open ELSE open END) AS owed
                FROM stage_item GROUP BY debtor) AS x ON x.debtor = key
            WHERE is_new
            ON CONFLICT (id) DO UPDATE SET account_code = excluded.account_code, name = excluded.name, kind = excluded.kind, siren = excluded.siren,
                vat_number = excluded.vat_number, street = excluded.street, postcode = excluded.postcode, city = excluded.city,
                country = excluded.country, language = excluded.language, currency = excluded.currency,
                open_minor = excluded.open_minor, credit_minor = excluded.credit_minor, search_text = excluded.search_text,
                code_says_who = excluded.code_says_who, import_run_id = excluded.import_run_id,
                withdrawn_at = NULL""".replace("(says_who)", _SAYS_WHO)
        )

    def _correct_debtors(self) -> None:
        """Take the file's names and addresses for known debtors where a person said so, each with its audit line."""
        self.do("""INSERT INTO audit_line (at, actor_kind, actor_name, action, subject_type, subject_id, company_id, debtor_id, before,
                after)
            SELECT %(at)s, 'system', 'import', 'debtor.changed', 'debtor', d.id, %(company)s, d.id,
                jsonb_build_object('name', d.name, 'siren', d.siren, 'vat_number', d.vat_number, 'street', d.street,
                    'postcode', d.postcode, 'city', d.city, 'country', d.country),
                jsonb_build_object('name', s.name, 'siren', s.siren, 'vat_number', s.vat_number, 'street', s.street,
                    'postcode', s.postcode, 'city', s.city, 'country', s.country, 'import', %(run)s::text)
            FROM stage_debtor s JOIN debtor d ON d.id = s.id
            WHERE s.renamed OR s.corrected AND (d.street, d.postcode, d.city) IS DISTINCT FROM (s.street, s.postcode, s.city)
            ORDER BY d.id""")
        self.do("""INSERT INTO audit_line (at, actor_kind, actor_name, action, subject_type, subject_id, company_id, debtor_id, before,
                after)
            SELECT %(at)s, 'system', 'import', 'debtor.changed', 'debtor', d.id, %(company)s, d.id, jsonb_build_object('kind', d.kind),
                jsonb_build_object('kind', s.kind, 'import', %(run)s::text)
            FROM stage_debtor s JOIN debtor d ON d.id = s.id WHERE s.rekinded ORDER BY d.id""")
        self.do("UPDATE debtor d SET kind = s.kind FROM stage_debtor s WHERE d.id = s.id AND s.rekinded")
        self.do("""UPDATE debtor d SET name = CASE WHEN s.renamed OR s.corrected AND s.name <> s.key THEN s.name ELSE d.name END,
                siren = CASE WHEN s.renamed THEN coalesce(s.siren, d.siren) ELSE d.siren END,
                vat_number = CASE WHEN s.renamed THEN coalesce(s.vat_number, d.vat_number) ELSE d.vat_number END,
                street = coalesce(nullif(s.street, ''), d.street), postcode = coalesce(nullif(s.postcode, ''), d.postcode),
                city = coalesce(nullif(s.city, ''), d.city), country = coalesce(s.country, d.country),
                search_text = CASE WHEN s.name <> s.key THEN s.search_text || coalesce((SELECT string_agg('  ' || o.search_text, ''
                    ORDER BY o.id) FROM debtor o WHERE o.merged_into_id = d.id), '') ELSE d.search_text END
            FROM stage_debtor s WHERE d.id = s.id AND (s.renamed OR s.corrected)""")
        self.do("""UPDATE debtor d SET street = CASE d.street WHEN '' THEN s.street ELSE d.street END,
                postcode = CASE d.postcode WHEN '' THEN s.postcode ELSE d.postcode END,
                city = CASE d.city WHEN '' THEN s.city ELSE d.city END
            FROM stage_debtor s WHERE d.id = s.id AND NOT s.is_new AND (d.street = '' AND s.street <> ''
                OR d.postcode = '' AND s.postcode <> '' OR d.city = '' AND s.city <> '')""")
        self.do(
            """INSERT INTO debtor_alias (id, company_id, debtor_id, code, essence, code_says_who, import_run_id, created_at)
            SELECT new_id(), %(company)s, id, key, lower(key), (says_who), %(run)s, %(at)s FROM stage_debtor s
            WHERE matched = 'new alias' ON CONFLICT DO NOTHING""".replace("(says_who)", _SAYS_WHO)
        )

    def add_contacts(self) -> int:
        """Let the addresses of the file act for their debtors; a person who was removed stays removed.

        Where somebody acts, or ever acted, for a debtor already, whom the file brings is as unknown as one whom staff add.
        """
        self.do("""INSERT INTO contact (id, company_id, email, name, language, phone, wants_digest, bounce_answer, import_run_id, created_at)
            SELECT DISTINCT ON (email COLLATE "C") new_id(), %(company)s, email, name, coalesce(language, %(language)s),
                phone, false, '', %(run)s, %(at)s FROM stage_contact ORDER BY email COLLATE "C", place
            ON CONFLICT (company_id, email) DO NOTHING""")
        added = self.rows(
            """WITH added AS (INSERT INTO debtor_contact
                (id, debtor_id, contact_id, role, is_reminded, import_run_id, created_at, trusted_from, added_by_id)
            SELECT DISTINCT ON (s.id, c.id) new_id(), s.id, c.id, 'owner', true, %(run)s, %(at)s,
                CASE WHEN EXISTS (SELECT FROM debtor_contact x WHERE x.debtor_id = s.id) THEN %(trusted)s::timestamptz END,
                (SELECT started_by_id FROM import_run WHERE id = %(run)s)
            FROM stage_contact a JOIN stage_debtor s ON s.key = a.debtor
                JOIN contact c ON c.company_id = %(company)s AND c.email = a.email
            WHERE NOT EXISTS (SELECT FROM debtor_contact x WHERE x.debtor_id = s.id AND x.contact_id = c.id)
            RETURNING debtor_id, contact_id, trusted_from) SELECT debtor_id, contact_id, trusted_from FROM added ORDER BY 1, 2""",
            trusted=self._books.at + TRUST_AFTER,
        )
        self.unknown = [(debtor, contact) for debtor, contact, trusted in added if trusted is not None]
        return len(added)

    def join_codes(self, faults: Findings, warnings: Findings) -> None:
        """Codes of the file that are one debtor here become one row: its documents, its people and its balance together.

        A document that stands under several of them is one: as it stands under the account's own code.
        """
        if not self.rows("SELECT FROM stage_debtor WHERE NOT is_new GROUP BY id HAVING count(*) > 1 LIMIT 1"):
            return
        self.do("""CREATE TEMP TABLE stage_join ON COMMIT DROP AS SELECT key, balance, first_value(key) OVER (PARTITION BY id
                ORDER BY matched = 'code' DESC, key) AS into_key FROM stage_debtor WHERE NOT is_new""")
        self._drop_doubles(faults, warnings)
        self.do("DELETE FROM stage_join WHERE key = into_key")
        for table, column in (("stage_item", "debtor"), ("stage_contact", "debtor")):
            self.do(f"UPDATE {table} s SET {column} = j.into_key FROM stage_join j WHERE s.{column} = j.key")  # noqa: S608 - our words
        self.do("""UPDATE stage_debtor s SET balance = s.balance + j.balance FROM (SELECT into_key, sum(balance)::bigint AS balance
                FROM stage_join GROUP BY 1) j WHERE s.key = j.into_key""")
        self.do(
            """INSERT INTO debtor_alias (id, company_id, debtor_id, code, essence, code_says_who, import_run_id, created_at)
            SELECT new_id(), %(company)s, s.id, s.key, lower(s.key), (says_who), %(run)s, %(at)s
            FROM stage_debtor s JOIN stage_join j ON j.key = s.key
            WHERE s.matched = 'new alias' ON CONFLICT DO NOTHING""".replace("(says_who)", _SAYS_WHO)
        )
        self.do("DELETE FROM stage_debtor s USING stage_join j WHERE s.key = j.key")
        self.do("DROP TABLE stage_join")

    def _drop_doubles(self, faults: Findings, warnings: Findings) -> None:
        self.do("""CREATE TEMP TABLE stage_double ON COMMIT DROP AS SELECT id, debtor, number, same,
                CASE kind WHEN 'credit_note' THEN -open ELSE open END AS open FROM (
                    SELECT s.*, row_number() OVER w AS place, (s.issued_on, s.total) = (first_value(s.issued_on) OVER w,
                        first_value(s.total) OVER w) AS same
                    FROM stage_item s JOIN stage_join j ON j.key = s.debtor WHERE s.kind <> 'credit'
                        AND j.into_key IN (SELECT into_key FROM stage_join WHERE key <> into_key)
                    WINDOW w AS (PARTITION BY j.into_key, s.kind = 'credit_note', s.number ORDER BY s.debtor <> j.into_key, s.line)
                ) AS x WHERE place > 1""")
        for number, same in self.rows("SELECT number, same FROM stage_double ORDER BY number"):
            if same:
                warnings.add("invoice.under_two_codes", value=number)
            else:
                faults.add("invoice.two_documents", value=number)
        self.do("""UPDATE stage_join j SET balance = j.balance - d.open FROM (SELECT debtor, sum(open)::bigint AS open
                FROM stage_double GROUP BY 1) d WHERE d.debtor = j.key""")
        self.do("DELETE FROM stage_item s USING stage_double d WHERE d.id = s.id")
        self.do("DROP TABLE stage_double")


_MARKED = "left(s.key, 21) || ' (' || left(coalesce(s.siren, s.vat_number, (SELECT c.email FROM stage_contact c WHERE c.debtor = s.key AND c.place = 0), nullif(s.postcode, ''), ''), 40) || ')'"
"""The code of a customer who has the name of another one."""

_SAYS_WHO = """(s.named OR strpos(coalesce(s.code, s.key), '@') > 0
    OR s.name <> s.key AND strpos(lower(coalesce(s.code, s.key)), lower(s.name)) > 0)"""
"""Whether the code of a debtor of the file is made of its name or an address (`debtors.rules.says_who`)."""
