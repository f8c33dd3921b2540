"""A file beside what is here: other codes, other names, what is gone, reopened or left out. Asked, shown before, certified after."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from backoffice.imports import run
from backoffice.imports.models import RunState
from shared.company.models import Company
from shared.debtors.models import Debtor, DebtorAlias
from shared.giving import service as giving
from shared.giving.models import Gift, GiftKind, GiftState
from shared.giving.service import Wish
from shared.kit.actors import Actor
from shared.kit.audit import AuditLine
from shared.kit.db import reading, transaction
from shared.kit.ids import new_id
from shared.kit.words import speaking
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


@pytest.mark.parametrize(("answer", "rest"), [("cancel", 0), ("settle", 0), ("keep", 5_000)])
def test_one_deleted_entry_is_named_and_does_not_block_the_whole_company(desk, answer, rest):
    desk.take(fec("VE 1 20260105 C1 F1 100,00", "VE 2 20260106 C1 F2 50,00"))
    later = fec("VE 1 20260105 C1 F1 100,00", "VE 3 20260107 C2 F3 10,00")

    outcome = desk.take(later)
    assert asked(outcome) == ["books-gone"]
    assert outcome.questions[0].examples[0].startswith("F2 (C1): ")

    done = desk.take(later, choices=answers(books_gone=answer, books_gone_why="deleted"))

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


def gone_ledger(desk, *open_: str) -> str:
    """Seven invoices of one account are here; of F2, F3 and F4 only those named stand in the file that it gives."""
    rows = {n: f"VE {n[1]} 2026010{n[1]} C1 {n} {n[1]}0,00" for n in ("F1", "F2", "F3", "F4", "F5", "F6", "F7")}
    desk.take(fec(*rows.values()))
    return fec(*(rows[n] for n in ("F1", "F5", "F6", "F7", *open_)))


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_amounts_of_what_is_gone_are_shown_as_people_write_them(desk, language):
    desk.take(fec("VE 1 20260105 C1 F1 100,00", "VE 2 20260106 C1 F2 1234,50"))
    with speaking(language):
        [question] = desk.take(fec("VE 1 20260105 C1 F1 100,00", "VE 3 20260107 C2 F3 10,00")).questions

    assert question.examples == (
        ("F2 (C1): €1,234.50",) if language == "en" else ("F2 (C1)\u00a0: 1\u202f234,50\u00a0€",)
    )


def test_each_invoice_that_is_gone_from_the_books_has_its_own_fate_with_a_reason(desk):
    later = gone_ledger(desk)
    assert "each" in desk.take(later).questions[0].options
    asked_ = desk.take(later, choices=answers(books_gone="each"))
    assert asked(asked_) == ["books-gone:F2", "books-gone:F3", "books-gone:F4"]

    fates = {"books-gone": "each", "books-gone:F2": "settle", "books-gone:F3": "cancel", "books-gone:F4": "keep"}
    assert asked(desk.take(later, choices={"answers": fates})) == ["books-gone-why"]
    done = desk.take(later, choices={"answers": fates | {"books-gone-why": "twice"}})

    assert (done.result["settled_by_list"], done.result["cancelled"]) == (1, 1)
    assert {n: desk.invoice(n).open_minor for n in ("F2", "F3", "F4")} == {"F2": 0, "F3": 0, "F4": 4_000}
    assert [desk.invoice(n).cancelled_on is not None for n in ("F2", "F3")] == [False, True]
    with reading() as session:
        line = session.scalars(select(AuditLine).where(AuditLine.action == "invoice.cancelled")).one()
        assert (line.after["number"], line.after["reason"]) == ("F3", "They stood in the books twice")
        gift = session.scalars(select(Gift)).one()
        assert (gift.minor, gift.kind, gift.state) == (3_000, "cancellation", GiftState.ALONE)
    books_agree()


def test_what_stays_here_although_the_books_do_not_know_it_is_remembered_and_nothing_else(desk):
    later = gone_ledger(desk, "F3", "F4")
    assert desk.take(later, choices=answers(books_gone="keep")).state is RunState.DONE
    assert desk.take(later).state is RunState.DONE

    gone = desk.take(later, choices=answers(books_gone="cancel", books_gone_why="deleted"))
    assert gone.result["cancelled"] == 1
    assert desk.take(later).state is RunState.DONE


def test_what_one_person_may_not_cancel_alone_is_left_to_the_desk(desk):
    later = gone_ledger(desk, "F4")
    with transaction() as session:
        session.get_one(Company, desk.company.id).four_eyes_minor = 4_999

    done = desk.take(later, choices=answers(books_gone="cancel", books_gone_why="deleted"))

    assert done.result["cancelled"] == 0
    assert [w.value for w in done.warnings if w.code == "invoice.cancel_two"] == ["F2", "F3"]
    assert [desk.invoice(n).open_minor for n in ("F2", "F3")] == [2_000, 3_000]


def test_more_than_half_of_what_is_open_is_not_taken_off_without_a_second_question(desk):
    desk.take(fec(*(f"VE {n} 2026010{n} C1 F{n} 10,00" for n in range(1, 5))))
    later = fec("VE 1 20260101 C1 F1 10,00", "VE 9 20260109 C2 F9 1,00")

    assert asked(desk.take(later, choices=answers(books_gone="settle"))) == ["books-many"]
    assert desk.take(later, choices=answers(books_gone="settle", books_many="no")).state is RunState.DONE
    assert desk.debtors()["C1"] == (4_000, 0)
    assert desk.take(later, choices=answers(books_gone="settle", books_many="yes")).state is RunState.DONE
    assert desk.debtors()["C1"] == (1_000, 0)


def test_what_was_given_of_an_invoice_long_ago_counts_when_a_file_cancels_it(desk, frozen):
    """Of F2 a credit of 60 was declined 40 days ago; a file without F2 and F3 (50 in all) cancels no more than 100 alone."""
    later = gone_ledger(desk, "F4")
    with transaction() as session:
        session.get_one(Company, desk.company.id).four_eyes_minor = 10_000
        debtor = session.get_one(Debtor, desk.invoice("F2").debtor_id)
        wish = Wish(GiftKind.CREDIT, new_id(), 6_000, invoices={desk.invoice("F2").id: 6_000})
        giving.note(session, debtor, wish, state=GiftState.DECLINED, by=Actor.system("test"))
    frozen.advance(days=40)

    done = desk.take(later, choices=answers(books_gone="cancel", books_gone_why="deleted"))

    assert done.result["cancelled"] == 0
    assert [w.value for w in done.warnings if w.code == "invoice.cancel_two"] == ["F2", "F3"]


def test_numbers_that_look_alike_in_an_answer_are_answered_each_for_itself(desk):
    lines = ("C1 A/12 100,00 100,00", "C2 A-12 90,00 90,00", "C1 F7 80,00 80,00", "C2 F7 70,00 70,00")
    desk.take(table(*lines, "C3 F9 900,00 900,00"))
    later = table("C3 F9 900,00 900,00")

    each = desk.take(later, choices={"complete": True} | answers(list_gone="each"))

    questions = {(q.facts["debtor"], q.facts["number"]): q.key for q in each.questions if q.is_open}
    assert set(questions) == {("C1", "A/12"), ("C2", "A-12"), ("C1", "F7"), ("C2", "F7")}
    assert len(set(questions.values())) == 4
    assert questions["C2", "A-12"] == "list-gone:A-12"
    fates = {"list-gone": "each"} | dict.fromkeys(questions.values(), "keep")
    fates[questions["C1", "A/12"]] = fates[questions["C2", "F7"]] = "settle"
    desk.take(later, choices={"complete": True, "answers": fates})
    assert desk.debtors() == {"C1": (8_000, 0), "C2": (9_000, 0), "C3": (90_000, 0)}


def test_of_a_code_is_known_whether_a_name_or_an_address_made_it(desk):
    desk.take("Client;Facture;Date;Montant TTC\nJean Martin;F1;2026-01-05;100,00\n")
    desk.take(PEOPLE + "C1;Alpha;552100554;;;;;F2;2026-01-05;10,00\nanna@x.example;Anna;;;;;;F3;2026-01-05;10,00\n")
    desk.take(fec("VE 1 20260105 411C F4 100,00"))

    with reading() as session:
        found = {row.account_code: row.code_says_who for row in session.scalars(select(Debtor))}
    assert found == {"Jean Martin": True, "C1": False, "anna@x.example": True, "411C": False}
