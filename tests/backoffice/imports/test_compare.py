"""A file beside what is here: other codes, other names, what is gone, reopened or left out. Asked, shown before, certified after."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from backoffice.imports import run
from backoffice.imports.models import RunState
from shared.debtors.models import Debtor, DebtorAlias
from shared.kit.audit import AuditLine
from shared.kit.db import reading
from tests.backoffice.imports.test_books import hold, table
from tests.backoffice.imports.test_run import books_agree, everything, fec

PEOPLE = "Code client;Nom client;SIREN;Email;Adresse;CP;Ville;Facture;Date;Montant TTC\n"


def asked(outcome: run.Outcome) -> list[str]:
    assert outcome.state is RunState.ASKING
    return [question.key for question in outcome.questions if question.is_open]


def answers(**given: str) -> dict[str, object]:
    return {"answers": {key.replace("_", "-"): value for key, value in given.items()}}


def test_a_file_of_the_same_invoices_under_other_codes_does_not_double_the_debt(desk):
    desk.take("Client;Facture;Date;Montant TTC\nAlpha SA;F1;2026-01-05;100,00\n")
    before = everything()

    outcome = desk.take(fec("VE 1 20260105 C-1 F1 100,00"))

    assert asked(outcome) == ["invoice-elsewhere"]
    assert outcome.questions[0].examples == ("F1: C-1 = Alpha SA",)
    assert everything() == before

    desk.take(fec("VE 1 20260105 C-1 F1 100,00"), choices=answers(invoice_elsewhere="same"))
    assert desk.debtors() == {"Alpha SA": (10_000, 0)}
    with reading() as session:
        assert session.scalars(select(DebtorAlias.code)).all() == ["C-1"]

    again = desk.take(fec("VE 1 20260105 C-1 F1 100,00 A", "BQ 2 20260110 C-1 V1 100,00 A"))
    assert again.state is RunState.DONE  # the alias is known: nothing is asked any more
    assert desk.debtors() == {"Alpha SA": (0, 0)}
    books_agree()


def test_a_code_in_another_case_is_the_same_customer(desk):
    desk.take(table("C1 F1 100,00 100,00"))
    desk.take(table("c1 F1 100,00 40,00"))
    assert desk.debtors() == {"C1": (4_000, 0)}


def test_a_known_siren_under_a_new_code_is_asked(desk):
    desk.take(PEOPLE + "C1;Alpha;552100554;;;;;F1;2026-01-05;10,00\n")
    again = PEOPLE + "C9;Alpha;552100554;;;;;F2;2026-01-06;5,00\n"

    assert asked(desk.take(again)) == ["customer-sirens"]

    desk.take(again, choices=answers(customer_sirens="same"))
    assert desk.debtors() == {"C1": (1_500, 0)}


def test_a_name_known_with_another_siren_is_asked_and_may_be_a_second_account(desk):
    heading = "Client;SIREN;Facture;Date;Montant TTC\n"
    desk.take(heading + "Martin SARL;552100554;F1;2026-01-05;10,00\n")
    other = heading + "Martin SARL;732829320;F2;2026-01-06;5,00\n"

    assert asked(desk.take(other)) == ["customer-other"]

    desk.take(other, choices=answers(customer_other="other"))
    assert desk.debtors() == {"Martin SARL": (1_000, 0), "Martin SARL (732829320)": (500, 0)}
    desk.take(other.replace("F2", "F3"))
    assert desk.debtors() == {"Martin SARL": (1_000, 0), "Martin SARL (732829320)": (1_000, 0)}


def test_a_code_that_stands_for_another_firm_is_asked_every_time(desk):
    desk.take(PEOPLE + "C1;Alpha;552100554;;;;;F1;2026-01-05;10,00\n")
    changed = PEOPLE + "C1;Omega;732829320;;;;;F2;2026-01-06;5,00\n"

    assert asked(desk.take(changed)) == ["customer-changed"]

    desk.take(changed, choices=answers(customer_changed="update"))
    with reading() as session:
        debtor = session.scalars(select(Debtor)).one()
        assert (debtor.name, debtor.siren) == ("Omega", "732829320")
        lines = session.scalars(select(AuditLine).where(AuditLine.action == "debtor.changed")).all()
    assert [line.before["name"] for line in lines] == ["Alpha"]


@pytest.mark.parametrize(("answer", "city"), [("update", "Lille"), ("keep", "Lyon")])
def test_a_new_address_is_asked_once_and_then_follows_the_answer(desk, answer, city):
    desk.take(PEOPLE + "C1;Alpha;;;1 rue A;69001;Lyon;F1;2026-01-05;10,00\n")
    moved = PEOPLE + "C1;Alpha;;;2 rue B;59000;Lille;F1;2026-01-05;10,00\n"

    assert asked(desk.take(moved)) == ["customer-details"]
    desk.take(moved, choices=answers(customer_details=answer))

    with reading() as session:
        assert session.scalars(select(Debtor.city)).one() == city
    assert desk.take(moved).state is RunState.DONE


@pytest.mark.parametrize(("answer", "rest"), [("cancel", 0), ("keep", 5_000)])
def test_one_deleted_entry_is_named_and_does_not_block_the_whole_company(desk, answer, rest):
    desk.take(fec("VE 1 20260105 C1 F1 100,00", "VE 2 20260106 C1 F2 50,00"))
    later = fec("VE 1 20260105 C1 F1 100,00", "VE 3 20260107 C2 F3 10,00")

    outcome = desk.take(later)
    assert asked(outcome) == ["books-gone"]
    assert outcome.questions[0].examples[0].startswith("F2 (C1): ")

    done = desk.take(later, choices=answers(books_gone=answer))

    assert done.state is RunState.DONE
    assert desk.debtors() == {"C1": (10_000 + rest, 0), "C2": (1_000, 0)}
    assert (desk.invoice("F2").cancelled_on is not None) == (answer == "cancel")
    books_agree()


def test_a_complete_list_settles_what_it_leaves_out_and_spares_payments_in_flight(desk):
    rows = ["C1 F1 100,00 100,00", "C1 F2 50,00 50,00", "C2 F3 70,00 70,00", "C3 F4 9,00 9,00", "C3 F5 8,00 8,00"]
    desk.take(table(*rows))
    hold(desk, "F3", 3_000, "C2")

    remark = desk.take(table(*rows[:2], *rows[3:]))
    assert [w.code for w in remark.warnings] == ["list.left_out"]
    assert desk.debtors()["C2"] == (7_000, 0)

    done = desk.take(table(*rows[:2], *rows[3:]), choices={"complete": True})

    assert (done.state, done.result["settled_by_list"]) == (RunState.DONE, 1)
    assert desk.debtors()["C2"] == (3_000, 0)
    assert desk.invoice("F3").elsewhere_minor == 3_000
    assert desk.take(table(rows[0], *rows[3:])).result["settled_by_list"] == 2  # remembered: F2, and the rest of F3


def test_a_complete_list_that_leaves_out_most_is_asked_about_once_more(desk):
    desk.take(table("C1 F1 100,00 100,00", "C1 F2 50,00 50,00", "C2 F3 70,00 70,00"))

    outcome = desk.take(table("C1 F1 100,00 100,00"), choices={"complete": True})
    assert asked(outcome) == ["list-many"]

    desk.take(table("C1 F1 100,00 100,00"), choices={"complete": True} | answers(list_many="no"))
    assert desk.debtors() == {"C1": (15_000, 0), "C2": (7_000, 0)}


def test_yesterdays_table_does_not_reopen_what_todays_settled(desk):
    desk.take(table("C1 F1 100,00 100,00"))
    desk.take(table("C1 F1 100,00 0,00"))

    yesterday = table("C1 F1 100,00 100,00")
    assert asked(desk.take(yesterday)) == ["books-reopened"]

    desk.take(yesterday, choices=answers(books_reopened="keep"))
    assert desk.debtors() == {"C1": (0, 0)}

    desk.take(yesterday, choices=answers(books_reopened="reopen"))
    assert desk.debtors() == {"C1": (10_000, 0)}


def test_the_preview_says_what_will_be_and_writes_nothing(desk):
    desk.take(table("C1 F1 100,00 100,00", "C1 F2 50,00 50,00"))
    before = everything()
    content = PEOPLE + "C2;Beta;;b@beta.example;;;;F9;2026-01-06;5,00\n"

    outcome = desk.take(content, dry_run=True)

    forecast = outcome.facts["forecast"]
    assert (forecast["debtors_new"], forecast["invoices_new"], forecast["people"]) == (1, 1, 1)
    assert forecast["contacts"] == [
        {"debtor": "C2", "name": "Beta", "email": "b@beta.example", "person": "", "is_new": True}
    ]
    settled = desk.take(table("C1 F1 100,00 0,00", "C1 F2 50,00 20,00"), dry_run=True).facts["forecast"]
    assert (settled["settled"], settled["lowered"], settled["invoices_changed"]) == (1, 1, 2)
    assert everything() == before
