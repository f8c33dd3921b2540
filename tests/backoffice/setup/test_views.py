"""The company's settings."""

from __future__ import annotations

import re
from datetime import time

import pytest
from lxml import html
from sqlalchemy import select

from shared.company.models import Company
from shared.kit.audit import AuditLine
from shared.kit.db import reading


def form_of(desk, path="/setup") -> dict[str, str]:
    """What stands in the page's fields."""
    tree = html.fromstring(desk.get(path).text)
    form = next(each for each in tree.forms if each.method == "POST" and len(each.fields) > 2)
    return {name: value for name, value in form.fields.items() if value is not None and name != "csrf_token"}


def test_saving_without_a_change_changes_nothing(ines, world):
    answer = ines.post("/setup", form_of(ines))

    assert answer.status_code == 303
    with reading() as session:
        assert session.scalars(select(AuditLine).where(AuditLine.action.startswith("company."))).all() == []


def test_a_change_is_saved_with_before_and_after(ines, world):
    ines.post(
        "/setup", form_of(ines) | {"terms_days": "45", "sends_from": "9h30", "accent": "#8A3B12", "four_eyes": "250"}
    )

    with reading() as session:
        company = session.get_one(Company, world.company)
        line = session.scalars(select(AuditLine).where(AuditLine.action == "company.changed")).one()
    assert (company.terms_days, company.sends_from, company.accent) == (45, time(9, 30), "#8a3b12")
    assert company.four_eyes_minor == 25_000
    assert (line.before["terms_days"], line.after["terms_days"]) == (30, 45)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("siren", "123456789"),
        ("terms_days", "400"),
        ("notice_days", "0"),
        ("sends_from", "25:00"),
        ("sends_until", "7"),
        ("accent", "red; } body { display: none"),
        ("vat_number", "FR00"),
        ("website", "javascript:alert(1)"),
        ("four_eyes", "-1"),
        ("trade_name", ""),
        ("email", "Compta <compta@atelier.example>"),
        ("email", "compta@atelier"),
    ],
)
def test_nonsense_is_refused_beside_its_field(ines, world, field, value):
    page = ines.post("/setup", form_of(ines) | {field: value})

    assert page.status_code == 422
    assert re.search(rf'id="{field}-error"', page.text)


def test_other_bank_details_are_checked_and_written_down(ines, world):
    assert ines.post("/setup/bank", {"iban": "FR76 3000 6000 0112 3456 7890 188"}).status_code == 422

    ines.post("/setup/bank", {"iban": "DE89 3704 0044 0532 0130 00", "bic": "", "ics": "FR72ZZZ123456"})

    with reading() as session:
        assert session.get_one(Company, world.company).iban == "DE89370400440532013000"
        line = session.scalars(select(AuditLine).where(AuditLine.action == "company.bank_changed")).one()
    assert (line.actor_name, line.before["iban"]) == ("Inès Morel", "FR7630006000011234567890189")


def test_the_first_company_is_set_up_at_the_desk(desk):
    desk.add()
    desk.sign_in()

    assert desk.get("/").location == "/setup"
    assert desk.get("/setup").location == "/setup/new"
    form = form_of(desk, "/setup/new") | {
        "code": "atelier",
        "trade_name": "Atelier",
        "legal_name": "Atelier SAS",
        "siren": "732 829 320",
        "street": "1 rue",
        "postcode": "35000",
        "city": "Rennes",
        "email": "a@b.example",
        "iban": "FR7630006000011234567890189",
    }
    assert desk.post("/setup/new", form).status_code == 303

    assert "Atelier" in desk.get("/").text
    assert desk.post("/setup/new", form).status_code == 422
