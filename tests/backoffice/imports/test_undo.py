"""An import is taken back as long as nothing was built on it: nothing of it is left, and nothing else moves."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text

import wsgi
from backoffice.imports import standing, undo, undo_words
from backoffice.imports.models import ImportRun, RunState
from payments.reconcile.verify import verify
from shared.debtors.models import Debtor
from shared.invoices.models import FreezeKind
from shared.invoices.service import freeze
from shared.kit.actors import Actor
from shared.kit.audit import AuditLine
from shared.kit.db import reading, transaction
from shared.kit.errors import Conflict
from tests.backoffice.imports.test_run import books_agree, fec, receive
from tests.support.counting import counted

BY = Actor("staff", None, "Inès Morel")
HEADINGS = "Code client;Nom;E-mail;Ville;Facture;Date;Échéance;Montant TTC;Reste dû\n"
FIRST = HEADINGS + (
    "C1;Alpha SARL;a@alpha.example;;F-1;15/06/2026;15/07/2026;120,00;120,00\n"
    "C1;Alpha SARL;a@alpha.example;;F-2;16/06/2026;16/07/2026;60,00;0,00\n"
    "C2;Beta SA;b@beta.example;Lyon;F-3;17/06/2026;17/07/2026;240,00;240,00\n"
)
SECOND = HEADINGS + (
    "C1;Alpha SARL;new@alpha.example;Lille;F-1;15/06/2026;31/07/2026;100,00;30,00\n"
    "C3;Gamma SAS;c@gamma.example;;F-4;18/06/2026;18/07/2026;80,00;50,00\n"
    "C1;Alpha SARL;;Lille;AV-1;18/06/2026;18/07/2026;-10,00;-10,00\n"
)
TABLES = ("debtor", "debtor_alias", "contact", "debtor_contact", "invoice", "import_position")


def rows(table: str) -> list[dict[str, object]]:
    """All rows of a table but for the marks of the import that is looked at."""
    with reading() as session:
        found = session.execute(text(f"SELECT * FROM {table} ORDER BY {table}::text")).mappings()
        return [dict(row) for row in found]


def standing_rows() -> dict[str, list[dict[str, object]]]:
    return {table: rows(table) for table in TABLES}


def take_back(run_id) -> dict[str, object]:
    undo.ask(run_id, reason="the wrong file", by=BY)
    return undo.undo(run_id)


def stands(run_id) -> dict[str, tuple[str, ...]]:
    with reading() as session:
        found = standing.obstacles(session, session.get_one(ImportRun, run_id))
    return {each.what: each.subjects for each in found}


def later(frozen) -> None:
    frozen.advance(minutes=1)


def test_the_first_import_leaves_nothing_and_comes_again_as_it_was(desk, frozen):
    before = standing_rows()
    outcome = desk.take(FIRST)
    there = {table: rows(table) for table in ("invoice", "contact")}

    done = take_back(outcome.run_id)

    assert (done["invoices"], done["debtors"], done["people"], done["minor"]) == (3, 2, 2, 36000)
    after = standing_rows()
    assert {table: after[table] for table in TABLES if table != "debtor"} == {
        table: before[table] for table in TABLES if table != "debtor"
    }
    assert [(d["account_code"], d["name"], d["city"], d["open_minor"]) for d in after["debtor"]] == [
        ("C1", "C1", "", 0),
        ("C2", "C2", "", 0),
    ]
    assert [w["number"] for w in rows("invoice_withdrawn")] == ["F-1", "F-2", "F-3"]
    assert verify(with_providers=False).differences == []

    later(frozen)
    again = desk.take(FIRST)

    assert again.state is RunState.DONE, again.questions
    assert again.result["debtors_added"], again.result["invoices_added"] == (2, 3)
    assert desk.debtors() == {"C1": (12000, 0), "C2": (24000, 0)}
    assert [i["number"] for i in rows("invoice")] == [i["number"] for i in there["invoice"]]
    assert len(rows("contact")) == len(there["contact"]) == 2
    assert [(d["name"], d["city"], d["withdrawn_at"]) for d in rows("debtor")] == [
        ("Alpha SARL", "", None),
        ("Beta SA", "Lyon", None),
    ]
    assert verify(with_providers=False).differences == []
    books_agree()


def test_a_later_import_gives_back_what_it_changed_to_the_cent(desk, frozen):
    desk.take(FIRST)
    before = standing_rows()
    later(frozen)
    second = desk.take(SECOND)
    assert desk.debtors() == {"C1": (2000, 0), "C2": (24000, 0), "C3": (5000, 0)}

    done = take_back(second.run_id)

    after = standing_rows()
    gone = [row for row in after["debtor"] if row["account_code"] == "C3"]
    after["debtor"] = [row for row in after["debtor"] if row["account_code"] != "C3"]
    assert after == before
    assert [row["open_minor"] for row in gone] == [0]
    assert done["restored_invoices"] == 1
    assert done["restored_debtors"] == 1
    assert done["minor"] == -9000 - 1000 + 5000
    assert verify(with_providers=False).differences == []
    with reading() as session:
        line = session.scalars(select(AuditLine).where(AuditLine.action == "import.undone")).one()
        assert (line.actor_name, line.after["reason"]) == ("Inès Morel", "the wrong file")

    later(frozen)
    assert desk.take(SECOND).state is RunState.DONE
    assert desk.debtors() == {"C1": (2000, 0), "C2": (24000, 0), "C3": (5000, 0)}
    assert verify(with_providers=False).differences == []


def test_a_complete_list_taken_back_reopens_what_it_had_settled(desk, frozen):
    desk.take(FIRST)
    later(frozen)
    listed = desk.take(
        HEADINGS + "C1;Alpha SARL;;;F-1;15/06/2026;15/07/2026;120,00;120,00\n", choices={"complete": True}
    )
    assert desk.invoices()["F-3"] == (24000, 0)

    take_back(listed.run_id)

    assert desk.invoices() == {"F-1": (12000, 12000), "F-2": (6000, 0), "F-3": (24000, 24000)}
    assert verify(with_providers=False).differences == []


def test_ledgers_credit_and_lumps_go_back_as_well(desk, frozen):
    desk.take(desk.files / "123456782FEC20261231.txt")
    before, money = standing_rows(), desk.debtors()
    later(frozen)
    content = (desk.files / "123456782FEC20261231.txt").read_text().replace("20261231", "20261231")
    again = desk.take(content)
    take_back(again.run_id)
    assert standing_rows() == before

    with reading() as session:
        first = undo.last_run(session, desk.company.id).id
    take_back(first)

    assert set(desk.debtors().values()) == {(0, 0)}
    assert rows("import_position") == []
    assert verify(with_providers=False).differences == []
    assert desk.take(desk.files / "123456782FEC20261231.txt").state is RunState.DONE
    assert desk.debtors() == money
    assert verify(with_providers=False).differences == []


def test_what_was_built_on_it_is_named_and_stops_it(desk, frozen):
    first = desk.take(FIRST)
    assert stands(first.run_id) == {}
    later(frozen)
    receive(desk, "F-1", 2000, "C1")
    with transaction() as session:
        freeze(session, invoice_id=desk.invoice("F-3").id, kind=FreezeKind.LEGAL_HOLD, reason="a judge asked", by=BY)

    found = stands(first.run_id)

    assert found["payment"] == ("F-1",)
    assert found["freeze_legal_hold"] == ("F-3",)
    assert found["edited"] == ("invoice.held|F-3",)
    with pytest.raises(Conflict):
        undo.ask(first.run_id, reason="", by=BY)
    assert desk.invoices()["F-1"] == (12000, 10000)


def test_an_import_under_a_later_one_waits_for_it(desk, frozen):
    first = desk.take(FIRST)
    later(frozen)
    second = desk.take(SECOND)

    assert stands(first.run_id)["later_import"] == ("file.csv",)

    take_back(second.run_id)
    assert stands(first.run_id) == {}
    take_back(first.run_id)
    assert rows("invoice") == []
    assert verify(with_providers=False).differences == []


def test_what_happens_between_the_wish_and_the_work_leaves_the_import_as_it_is(desk, frozen):
    first = desk.take(FIRST)
    undo.ask(first.run_id, reason="", by=BY)
    later(frozen)
    receive(desk, "F-1", 2000, "C1")

    assert undo.undo(first.run_id) == {}

    with reading() as session:
        assert session.get_one(ImportRun, first.run_id).state is RunState.DONE
    assert desk.invoices()["F-1"] == (12000, 10000)


def test_twice_is_once(desk):
    first = desk.take(FIRST)
    done = take_back(first.run_id)

    assert undo.undo(first.run_id) == done
    assert len(rows("invoice_withdrawn")) == 3


def test_a_settlement_without_a_day_stays_without_one(desk, frozen):
    desk.take(HEADINGS + "C1;Alpha;;;F-2;16/06/2026;16/07/2026;60,00;0,00\n")
    later(frozen)
    second = desk.take(
        HEADINGS + "C1;Alpha;;;F-2;16/06/2026;16/07/2026;60,00;25,00\n",
        choices={"answers": {"books-reopened": "reopen"}},
    )
    assert desk.invoices()["F-2"] == (6000, 2500)

    take_back(second.run_id)

    assert (desk.invoice("F-2").open_minor, desk.invoice("F-2").settled_on) == (0, None)
    assert verify(with_providers=False).differences == []


def test_a_cancellation_by_an_import_is_no_gift_any_more(desk, frozen):
    desk.take(fec("VE 1 20260105 C1 F1 100,00", "VE 2 20260106 C1 F2 50,00"))
    later(frozen)
    gone = desk.take(
        fec("VE 1 20260105 C1 F1 100,00", "VE 3 20260107 C2 F3 10,00"),
        choices={"answers": {"books-gone": "cancel", "books-gone-why": "deleted"}},
    )
    assert [row["state"] for row in rows("gift")] == ["alone"]

    take_back(gone.run_id)

    assert [row["state"] for row in rows("gift")] == ["undone"]
    assert (desk.invoice("F2").open_minor, desk.invoice("F2").cancelled_on) == (5000, None)
    assert verify(with_providers=False).differences == []


def test_every_table_that_names_an_invoice_or_an_account_is_asked_or_known(database):
    named = {t.name for to in ("invoice", "debtor") for t, _c in standing.referring(to)}

    assert wsgi
    assert {what for what, _query in standing.asked()} | {"unknown", "holds_shrunk"} == undo_words.codes()
    assert {"payment_allocation", "promise_part", "plan_item", "dispute_part", "message"} <= named
    assert named >= standing.LOGS | (standing.OWN - {"invoice_line"}) | (standing.ASIDE - {"invoice_withdrawn"})


def test_ten_times_as_many_rows_are_taken_back_in_the_same_number_of_statements(desk, frozen):
    taken = []
    for size in (10, 100):
        lines = (f"C{each};Client {each};;;N{size}-{each};15/06/2026;15/07/2026;12,00;12,00\n" for each in range(size))
        outcome = desk.take(HEADINGS + "".join(lines))
        with counted() as statements:
            assert take_back(outcome.run_id)["invoices"] == size
        taken.append(len(statements))
        later(frozen)

    assert taken[1] <= taken[0] + 2
    assert verify(with_providers=False).differences == []


def test_a_code_made_of_a_name_is_not_left_behind_and_brings_the_account_again(desk):
    content = "Client;Facture;Date;Montant TTC\nJean Martin;F1;2026-01-05;100,00\n"
    first = desk.take(content)
    with reading() as session:
        debtor_id = session.scalars(select(Debtor.id)).one()
    undo.ask(first.run_id, reason="the wrong file", by=Actor.system("test"))
    undo.undo(first.run_id)
    with reading() as session:
        left = session.get_one(Debtor, debtor_id)
        assert left.withdrawn_at is not None
        assert left.name == left.account_code
        assert left.account_code.startswith("ERASED-")

    desk.take(content)

    with reading() as session:
        again = session.scalars(select(Debtor)).one()
        assert (again.id, again.account_code, again.name) == (debtor_id, "Jean Martin", "Jean Martin")
        assert (again.withdrawn_at, again.open_minor) == (None, 10_000)
