"""Consumers are told apart from businesses: the 40 € are not asked of them."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from backoffice.imports import undo
from backoffice.imports.models import RunState
from shared.debtors.models import Debtor, DebtorKind
from shared.kit.actors import Actor
from shared.kit.audit import AuditLine
from shared.kit.db import reading

ROWS = "C1;Alpha SARL;{};F-1;15/06/2026;120,00\nC2;Dora Petit;{};F-2;15/06/2026;60,00\n"


def table(heading: str, one: str, two: str) -> str:
    return f"Code client;Nom;{heading};Facture;Date;Montant TTC\n" + ROWS.format(one, two)


def kinds() -> dict[str, str]:
    with reading() as session:
        return {d.account_code: d.kind.value for d in session.scalars(select(Debtor))}


@pytest.mark.parametrize(
    ("heading", "one", "two"),
    [
        ("Type de client", "Professionnel", "Particulier"),
        ("Type client", "PME/PMI", "particulier"),
        ("B2B/B2C", "B2B", "B2C"),
        ("Particulier", "non", "oui"),
        ("Particulier", "", "x"),
        ("Professionnel", "Oui", "Non"),
        ("is_company", "True", "False"),
        ("Customer type", "Company", "Individual"),
        ("Kundentyp", "Geschäftskunde", "Privatkunde"),
        ("Tipo cliente", "Azienda", "Privato"),
    ],
)
def test_a_column_says_who_is_a_consumer(desk, heading, one, two):
    outcome = desk.take(table(heading, one, two))

    assert outcome.state is RunState.DONE, (outcome.faults, outcome.questions)
    assert kinds() == {"C1": "business", "C2": "consumer"}


def test_without_such_a_column_customers_are_businesses(desk):
    desk.take("Code client;Facture;Date;Montant TTC\nC1;F-1;15/06/2026;120,00\n")

    assert kinds() == {"C1": "business"}


def test_an_unknown_word_is_asked_and_remembered(desk):
    content = table("Type de client", "Adhérent", "Particulier")
    outcome = desk.take(content)
    assert [(q.key, q.code) for q in outcome.questions] == [("file-customer-kind:adherent", "file-customer-kind")]

    assert desk.take(content, choices={"answers": {"file-customer-kind:adherent": "business"}}).state is RunState.DONE
    assert kinds() == {"C1": "business", "C2": "consumer"}
    assert desk.take(content.replace("F-1", "F-3")).state is RunState.DONE


def test_one_customer_who_is_both_is_asked_about(desk):
    content = table("Type de client", "Professionnel", "Particulier").replace("C2;Dora Petit", "C1;Alpha SARL")
    outcome = desk.take(content)
    assert [q.key for q in outcome.questions if q.is_open] == ["customer-kinds"]

    desk.take(content, choices={"answers": {"customer-kinds": "consumer"}})

    assert kinds() == {"C1": "consumer"}


def test_a_known_customer_changes_its_kind_only_if_a_person_says_so_and_back_again(desk, frozen):
    desk.take("Code client;Nom;Facture;Date;Montant TTC\nC2;Dora Petit;F-2;15/06/2026;60,00\n")
    content = table("Type de client", "Professionnel", "Particulier")
    frozen.advance(minutes=1)
    asked = desk.take(content)
    assert [q.key for q in asked.questions if q.is_open] == ["customer-kind"]

    done = desk.take(content, choices={"answers": {"customer-kind": "update"}})

    assert kinds() == {"C1": "business", "C2": "consumer"}
    with reading() as session:
        line = session.scalars(select(AuditLine).where(AuditLine.action == "debtor.changed")).one()
        assert (line.before["kind"], line.after["kind"]) == ("business", DebtorKind.CONSUMER.value)
    undo.ask(done.run_id, reason="", by=Actor.system("test"))
    undo.undo(done.run_id)
    assert kinds()["C2"] == "business"
