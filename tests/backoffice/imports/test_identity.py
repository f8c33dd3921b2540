"""Whose invoices are whose: what identifies a customer in a table, and what is asked because nothing does."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from backoffice.imports.invoice_rows import Choices, read_table
from backoffice.imports.models import RunState
from backoffice.imports.questions import Questions
from backoffice.imports.source import Source
from shared.debtors.models import Contact, Debtor, DebtorContact
from shared.debtors.rules import name_essence, same_name
from shared.kit.db import reading

XERO = """ContactName,EmailAddress,InvoiceNumber,InvoiceDate,DueDate,Total,AccountCode
Alpha Ltd,compta@alpha.example,XINV-1,15/06/2026,15/07/2026,120.00,200
Beta SA,compta@beta.example,XINV-2,16/06/2026,16/07/2026,200.00,200
"""
MARTIN = """Client;SIREN;Email;Facture;Date;Montant TTC
Martin SARL;552100554;lyon@martin.example;F1;15/06/2026;100,00
Martin SARL;732829320;lille@martin.example;F2;16/06/2026;50,00
Martin;552100554;lyon@martin.example;F3;17/06/2026;7,00
"""


def contacts(code: str) -> set[str]:
    with reading() as session:
        return set(
            session.scalars(
                select(Contact.email)
                .join(DebtorContact, DebtorContact.contact_id == Contact.id)
                .join(Debtor, Debtor.id == DebtorContact.debtor_id)
                .where(Debtor.account_code == code)
            )
        )


def plan(content: str, **answers: str):
    return read_table(Source(content.encode()), Choices(questions=Questions(answers)))


def test_a_ledger_account_in_every_row_does_not_make_all_customers_one(desk):
    mapping = {"mapping": {"debtor_code": "AccountCode", "debtor_name": "ContactName"}}

    outcome = desk.take(XERO, choices=mapping)

    assert outcome.state is RunState.ASKING
    assert desk.debtors() == {}
    [question] = [each for each in outcome.questions if each.is_open]
    assert question.key == "customer-codes"
    assert "200 Alpha Ltd compta@alpha.example ≠ 200 Beta SA compta@beta.example" in question.examples

    answered = desk.take(XERO, choices=mapping | {"answers": {"customer-codes": "names"}})

    assert answered.state is RunState.DONE
    assert desk.debtors() == {"Alpha Ltd": (12000, 0), "Beta SA": (20000, 0)}
    assert contacts("Alpha Ltd") == {"compta@alpha.example"}


@pytest.mark.parametrize(
    ("name", "email", "siren"),
    [
        ("Beta SA", "", ""),
        ("ALPHA S.A.S.", "other@alpha.example", ""),
        ("Alpha", "", "732829320"),
    ],
)
def test_one_code_with_another_name_address_or_siren_is_asked(name, email, siren):
    table = (
        "Code client;Nom client;Email;SIREN;Facture;Date;Montant TTC\n"
        f"C1;Alpha SAS;a@alpha.example;552100554;F1;15/06/2026;10,00\nC1;{name};{email};{siren};F2;15/06/2026;10,00\n"
    )

    assert [question.key for question in plan(table).open_questions] == ["customer-codes"]
    assert not plan(table).sound


def test_another_way_of_writing_a_name_or_a_code_is_the_same_customer():
    table = (
        "Code client;Nom client;Facture;Date;Montant TTC\n"
        "C1;Société Dupré & Fils SARL;F1;15/06/2026;10,00\nc1;DUPRE ET FILS;F2;15/06/2026;5,00\n"
    )

    read = plan(table)

    assert read.questions == ()
    assert [(debtor.key, debtor.name) for debtor in read.debtors] == [("C1", "Société Dupré & Fils SARL")]
    assert [line.balance for line in read.certificate] == [1500]


def test_two_firms_of_one_name_are_not_one_account(desk):
    assert desk.take(MARTIN).state is RunState.ASKING

    desk.take(MARTIN, choices={"answers": {"customer-names": "several"}})

    assert desk.debtors() == {"Martin SARL": (10700, 0), "Martin SARL (732829320)": (5000, 0)}
    assert contacts("Martin SARL") == {"lyon@martin.example"}
    assert contacts("Martin SARL (732829320)") == {"lille@martin.example"}


def test_an_answer_is_remembered_for_files_of_the_same_headings_and_may_be_changed(desk):
    desk.take(MARTIN, choices={"answers": {"customer-names": "several"}})

    again = desk.take(MARTIN.replace("F1", "F11").replace("F2", "F12").replace("F3", "F13"))

    assert again.state is RunState.DONE
    assert [(q.key, q.answer, q.remembered) for q in again.questions] == [("customer-names", "several", True)]


def test_every_address_of_a_cell_may_act_and_what_is_none_is_told(desk):
    outcome = desk.take(
        "Client;Email;Facture;Date;Montant TTC\n"
        "Dora;Dora <dora@dupre.example>; compta@dupre.example;F1;15/06/2026;10,00\n".replace("; compta", ", compta")
        + "Ciel;ciel@;F2;15/06/2026;10,00\n"
    )

    assert contacts("Dora") == {"dora@dupre.example", "compta@dupre.example"}
    assert "email.unreadable" in [fault.code for fault in outcome.warnings]


def test_a_siren_is_checked_and_a_country_is_read_by_its_name(desk):
    outcome = desk.take(
        "Client;SIREN;Pays;Facture;Date;Montant TTC\n"
        "Un;552100555;;F1;15/06/2026;10,00\nDeux;1234567;France;F2;15/06/2026;10,00\n"
        "Trois;552 100 554 00013;France;F3;15/06/2026;10,00\nQuatre;0123456749;Belgique;F4;15/06/2026;10,00\n"
    )

    with reading() as session:
        found = {d.name: (d.siren, d.country) for d in session.scalars(select(Debtor))}
    assert found["Un"] == found["Deux"] == (None, "FR")
    assert found["Trois"] == ("552100554", "FR")
    assert found["Quatre"] == (None, "BE")
    assert len([w for w in outcome.warnings if w.code != "day.to_come"]) == 2


def test_names_are_compared_without_legal_form():
    assert name_essence("S.A.R.L. Dupré & Fils") == "dupre fils"
    assert same_name("Martin Paul", "PAUL MARTIN")
    assert not same_name("Martin Lyon", "Martin Lille")
    assert not same_name("SAS", "SARL")
