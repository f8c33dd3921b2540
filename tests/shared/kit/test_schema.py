"""The schema's history on a database in use: upgraded it keeps everything, and taken back it loses nothing or refuses."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from threading import Thread

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

import wsgi
from shared.debtors.service import searchable
from shared.kit import schema
from shared.kit.seals import SEALED, broken
from tests.support.former import Former, Row, catalogue, fill, rows, scratch

FIRST = "0001"

TURNED = {"reminder_decision": {"step_position"}, "reminder_invoice": {"position"}}
"""Columns of 0001 that became others: a step is named by its days, not by its place."""

NEW = {
    "collection": {"instalment_id": None},
    "collection_decision": {"instalment_id": None},
    "contact": {"wants_digest": False},
    "invoice": {"paused_minor": 0, "autopay_excluded_at": None},
    "message": {"decision": None, "digest_id": None},
    "scenario": {"retired_at": None},
}
"""What every former row says in the columns that are new with 0002."""


@dataclass(frozen=True)
class FormerWorld:
    """A database at 0001 with rows in it."""

    engine: Engine
    named: dict[str, Row]
    rows: dict[str, dict[str, Row]]
    catalogue: dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def former(server_url: str) -> Iterator[FormerWorld]:
    """The database at 0001 that the tests of this file copy."""
    with scratch(server_url) as engine:
        schema.upgrade(wsgi.metadata(), FIRST)
        empty = catalogue(engine)
        with engine.begin() as connection:
            named = fill(connection)
        kept = rows(engine)
        engine.dispose()
        yield FormerWorld(engine, named, kept, empty)


@pytest.fixture
def copied(server_url: str, former: FormerWorld) -> Iterator[Engine]:
    """A copy of it for one test, in charge of this process."""
    with scratch(server_url, like=former.engine) as engine:
        yield engine


@pytest.fixture(scope="module")
def modelled(server_url: str) -> dict[str, dict[str, str]]:
    """What the models alone make of an empty database."""
    with scratch(server_url) as engine:
        with engine.begin() as connection:
            connection.execute(text("CREATE EXTENSION pg_trgm"))
            wsgi.metadata().create_all(connection)
        return catalogue(engine)


def test_the_former_world_has_a_row_in_every_table(former: FormerWorld) -> None:
    assert [name for name, all_of in former.rows.items() if not all_of] == []
    assert len(former.rows) > 40


def test_an_upgrade_keeps_every_row_and_every_value(former: FormerWorld, copied: Engine) -> None:
    schema.upgrade(wsgi.metadata())

    kept = rows(copied)
    for table, before in former.rows.items():
        assert kept[table].keys() == before.keys(), table
        for key, row in before.items():
            still = {column: value for column, value in row.items() if column not in TURNED.get(table, ())}
            assert kept[table][key] | still == kept[table][key], table
            assert TURNED.get(table, set()).isdisjoint(kept[table][key]), table
            assert kept[table][key] | NEW.get(table, {}) == kept[table][key], table


def test_an_upgrade_names_steps_by_their_days(former: FormerWorld, copied: Engine) -> None:
    schema.upgrade(wsgi.metadata())

    with copied.connect() as connection:
        invoices = dict(connection.execute(text("SELECT id, offset_days FROM reminder_invoice")).all())
        decisions = dict(connection.execute(text("SELECT id, step_offset FROM reminder_decision")).all())
    said = {name: row["id"] for name, row in former.named.items()}
    assert [
        (invoices[said[f"{who} reminded {day}"]], decisions[said[f"{who} decided {day}"]])
        for who in ("baker", "atelier")
        for day in ("2026-01-20", "2026-02-20")
    ] == [(-5, -5), (8, 8), (3, 3), (30, 30)]
    assert decisions[said["baker left alone"]] is None
    assert decisions[said["atelier left alone"]] is None


def test_an_upgrade_labels_collections_with_their_invoices(former: FormerWorld, copied: Engine) -> None:
    schema.upgrade(wsgi.metadata())

    with copied.connect() as connection:
        labels = dict(connection.execute(text("SELECT id, label FROM collection")).all())
        decided = {
            row.id: (row.label, str(row.due_on))
            for row in connection.execute(text("SELECT id, label, due_on FROM collection_decision"))
        }
    said = {name: row["id"] for name, row in former.named.items()}
    assert {who: (labels[said[f"{who} collected"]], labels[said[f"{who} announced"]]) for who in ("baker", "atelier")} == {
        "baker": ("baker paid", "baker late"),
        "atelier": ("atelier paid", "atelier late"),
    }  # fmt: skip
    assert decided[said["baker decision announced"]] == ("baker late", "2026-01-15")
    assert decided[said["atelier decision collected"]] == ("atelier paid", "2026-02-03")


def test_an_upgrade_finds_known_names_without_their_ligatures(copied: Engine) -> None:
    with copied.begin() as connection:
        at = connection.execute(text("SELECT min(id::text)::uuid FROM debtor")).scalar_one()
        connection.execute(
            text(
                "UPDATE debtor SET name = 'Cœur & Élan', account_code = 'C1', siren = NULL, search_text = :text WHERE id = :at"
            ),
            {"at": at, "text": "cœur & elan c1 œuf c2"},
        )

    schema.upgrade(wsgi.metadata())

    with copied.connect() as connection:
        found = connection.execute(text("SELECT search_text FROM debtor WHERE id = :at"), {"at": at}).scalar_one()
    assert found == f"{searchable('Cœur & Élan', 'C1')} oeuf c2" == "coeur & elan  c1 oeuf c2"


def test_an_upgraded_database_takes_the_new_words(former: FormerWorld, copied: Engine) -> None:
    schema.upgrade(wsgi.metadata())

    with copied.begin() as connection:
        for statement in (
            "UPDATE message SET status = 'gathered' WHERE status = 'waiting'",
            "UPDATE message SET status = 'told' WHERE status = 'sent'",
            "UPDATE document SET kind = 'plan' WHERE kind = 'mandate'",
            "UPDATE invoice_freeze SET kind = 'declaration' WHERE kind = 'promise'",
            "UPDATE invoice_freeze SET kind = 'respite' WHERE kind = 'plan'",
        ):
            assert connection.execute(text(statement)).rowcount == 2, statement


@pytest.mark.parametrize("sort", ["column", "constraint", "index"])
def test_a_migrated_schema_is_what_the_models_make(
    sort: str, copied: Engine, modelled: dict[str, dict[str, str]]
) -> None:
    """Types, CHECKs, foreign keys, conditions and included columns of indexes: as PostgreSQL writes them."""
    schema.upgrade(wsgi.metadata())

    assert catalogue(copied)[sort] == modelled[sort]


def test_what_is_only_ever_added_to_is_guarded(copied: Engine) -> None:
    schema.upgrade(wsgi.metadata())

    found = catalogue(copied)
    tables = {name.partition(".")[0] for name in found["column"]}
    transitions = {name for name in tables if name.endswith("_transition")}
    guarded = {name.removesuffix(".append_only") for name in found["trigger"] if name.endswith(".append_only")}
    assert guarded == transitions | {"audit_line", "ledger_transfer", "dispute_entry", "plan_consent", "seal"}
    lenient = {name for name, what in found["trigger"].items() if "refuse_change_of_money" in what}
    assert lenient == {"ledger_transfer.append_only"}, "what may change only while two accounts are made one"
    sealed = {name.removesuffix(".sealed") for name in found["trigger"] if name.endswith(".sealed")}
    assert sealed == transitions | {"audit_line", "ledger_transfer"} == set(SEALED)
    refusals = {"refuse_change", "refuse_change_of_money", "refuse_change_of_words"}
    assert set(found["function"]) == refusals | {"seal_key", "seal_digest"} | {f"seal_{name}" for name in sealed}


def test_an_empty_database_goes_back_to_the_first_schema_and_up_again(server_url: str, former: FormerWorld) -> None:
    with scratch(server_url) as engine:
        schema.upgrade(wsgi.metadata())
        head = catalogue(engine)

        schema.downgrade(wsgi.metadata(), FIRST)
        assert catalogue(engine) == former.catalogue

        schema.upgrade(wsgi.metadata())
        assert catalogue(engine) == head

        schema.downgrade(wsgi.metadata(), "base")
        assert catalogue(engine) == {sort: {} for sort in head}


def test_a_database_in_use_goes_back_with_every_row_and_up_again(former: FormerWorld, copied: Engine) -> None:
    schema.upgrade(wsgi.metadata())
    head, at_head = catalogue(copied), rows(copied)

    schema.downgrade(wsgi.metadata(), FIRST)
    assert catalogue(copied) == former.catalogue
    assert rows(copied) == former.rows

    schema.upgrade(wsgi.metadata())
    assert catalogue(copied) == head
    assert rows(copied) == at_head


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("UPDATE contact SET wants_digest = true", "2 of contact"),
        ("UPDATE message SET status = 'gathered' WHERE status = 'waiting'", "2 of message"),
        ("UPDATE message SET decision = '{}' WHERE status = 'sent'", "2 of message"),
        ("UPDATE invoice SET paused_minor = 5 WHERE open_minor > 0", "2 of invoice"),
        ("UPDATE invoice SET autopay_excluded_at = now() WHERE open_minor > 0", "2 of invoice"),
        ("UPDATE document SET kind = 'plan' WHERE kind = 'mandate'", "2 of document"),
        ("UPDATE invoice_freeze SET kind = 'respite' WHERE kind = 'plan'", "2 of invoice_freeze"),
        ("UPDATE scenario SET retired_at = now()", "2 of scenario"),
        ("UPDATE reminder_decision SET step_offset = 99 WHERE step_offset = 30", "1 of reminder_decision"),
        ("UPDATE reminder_invoice SET step_id = uuidv7() WHERE offset_days = 30", "1 of reminder_invoice"),
        ("INSERT INTO dispute_policy SELECT id, 30, 30, 1 FROM company", "2 of dispute_policy"),
        (
            """
            INSERT INTO dispute_reason (id, company_id, code, label_en, label_fr, deadline_days, is_active, position)
            SELECT uuidv7(), id, 'price', 'Price', 'Prix', 10, true, 1 FROM company
            """,
            "2 of dispute_reason",
        ),
        (
            """
            INSERT INTO saved_reply (id, company_id, room, act, code, title, text_fr, text_en, asks, is_active, position)
            SELECT uuidv7(), id, 'plan', 'answer', 'ask', 'Ask', 'Bonjour', 'Hello', false, true, 1 FROM company
            """,
            "2 of saved_reply",
        ),
    ],
)
def test_what_was_said_since_is_not_lost_by_going_back(
    said: str, found: str, former: FormerWorld, copied: Engine
) -> None:
    schema.upgrade(wsgi.metadata())
    with copied.begin() as connection:
        connection.execute(text(said))
    before, schema_before = rows(copied), catalogue(copied)

    with pytest.raises(RuntimeError, match=rf"would lose what was written since.*\b{found}\b"):
        schema.downgrade(wsgi.metadata(), FIRST)

    assert rows(copied) == before
    assert catalogue(copied) == schema_before


def test_a_row_that_is_being_written_while_all_are_sealed_is_sealed_too(copied: Engine) -> None:
    schema.upgrade(wsgi.metadata(), "0018")
    waiting = text(
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    upgrading = Thread(target=schema.upgrade, args=(wsgi.metadata(), "0019"))
    with copied.begin() as writing:
        Former(writing).put("audit_line")
        upgrading.start()
        with copied.connect().execution_options(isolation_level="AUTOCOMMIT") as watching:
            while upgrading.is_alive() and not watching.scalar(waiting):
                continue
    upgrading.join()

    with Session(copied) as session:
        assert session.scalar(text("SELECT count(*) FROM audit_line")) == len(rows(copied)["audit_line"]) > 1
        assert {table: broken(session, table) for table in SEALED} == {table: [] for table in SEALED}


def test_an_upgrade_knows_of_every_debit_which_message_announced_it(server_url: str) -> None:
    day, at = date(2026, 3, 2), datetime(2026, 2, 3, 8, 30, tzinfo=UTC)

    def later(microseconds: int) -> datetime:
        return at + timedelta(microseconds=microseconds)

    with scratch(server_url) as engine:
        schema.upgrade(wsgi.metadata(), "0015")
        with engine.begin() as connection:
            put = Former(connection).put
            for table in ("company", "debtor", "contact", "mandate"):
                put(table)
            debits = {
                name: put(
                    "collection", invoice_id=put("invoice")["id"], charge_on=on, announced_at=later(moment), state=state
                )
                for moment, (name, on, state) in enumerate(
                    (("one", day, "announced"), ("two", day, "created"), ("another day", date(2026, 3, 3), "announced"))
                )
            }
            for name, first in debits.items():
                if name != "two":
                    key = f"collection:{first['id']}:{uuid.uuid4()}"
                    put("message", kind="prenotification", subject_id=first["id"], created_at=later(9), dedupe_key=key)
            plan = put("plan")
            for step, (name, kind, moment) in enumerate(
                (("agreed", "plan_accepted", 20), ("resumed", "plan_resumed", 40)), 2
            ):
                row = put("plan_instalment", credited_minor=0, settled_minor=0, position=step)
                debits[name] = put(
                    "collection", instalment_id=row["id"], charge_on=day, announced_at=later(moment), state="created"
                )
                key = f"{kind}:{plan['id']}:{step}:{uuid.uuid4()}"
                put("message", kind=kind, subject_id=plan["id"], created_at=later(moment + 5), dedupe_key=key)

        schema.upgrade(wsgi.metadata(), "0016")

        with engine.connect() as connection:
            keys = dict(connection.execute(text("SELECT id, notice_key FROM collection")).all())
    said = {name: keys[debit["id"]] for name, debit in debits.items()}
    assert said == {
        "one": f"collection:{debits['one']['id']}",
        "two": f"collection:{debits['one']['id']}",
        "another day": f"collection:{debits['another day']['id']}",
        "agreed": f"plan_accepted:{plan['id']}:2",
        "resumed": f"plan_resumed:{plan['id']}:3",
    }


def test_an_upgrade_may_take_longer_than_a_page_and_waits_for_no_lock(server_url: str) -> None:
    with scratch(server_url) as engine, engine.begin() as connection:
        connection.execute(text("SET LOCAL statement_timeout TO '60s'"))
        schema.upgrade_with(wsgi.metadata(), connection)

        assert connection.scalar(text("SHOW statement_timeout")) == "0"
        assert connection.scalar(text("SHOW lock_timeout")) == "5s"


def test_a_column_that_a_migration_adds_keeps_its_default_for_the_version_before() -> None:
    """Its worker goes on writing rows while the new version starts; those up to 0030 are older than any release."""
    added = [path for path in sorted(schema.DIRECTORY.glob("versions/*.py")) if path.name[:4] > "0030"]
    taken = [path.name for path in added if "server_default=None" in path.read_text().partition("def downgrade")[0]]

    assert taken == []
