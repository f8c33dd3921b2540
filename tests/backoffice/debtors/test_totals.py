"""The sums under the list of debtors: with the page for a small selection, apart from it for a large one."""

from __future__ import annotations

import pytest

from backoffice import listing
from shared.debtors.models import Contact
from shared.kit.db import transaction
from tests.support.people import a_debtor, an_invoice


@pytest.fixture
def street(ines, world):
    """Five more debtors: two late, two with nothing late, one who cannot be written to."""
    from shared.company.models import Company

    with transaction() as session:
        company = session.get_one(Company, world.company)
        for number, due_in in enumerate((-5, -4, 3, 4, -3)):
            debtor = a_debtor(session, company, f"411S{number}", f"Street {number}")
            an_invoice(session, debtor, f"S-{number}", 1_000, due_in=due_in)
        session.query(Contact).filter(Contact.id.in_(_people(session, debtor.id))).update(
            {"bounced_at": company.created_at}
        )
    return ines


def _people(session, debtor_id):
    from shared.debtors.models import DebtorContact

    return [row.contact_id for row in session.query(DebtorContact).filter(DebtorContact.debtor_id == debtor_id)]


def names(page) -> set[str]:
    return {name for name in ("Dora", "Street 0", "Street 1", "Street 2", "Street 3", "Street 4") if name in page.text}


@pytest.mark.parametrize(
    ("state", "expected"),
    [("late", {"Street 0", "Street 1", "Street 4"}), ("unreachable", {"Street 4"})],
)
def test_page_and_sums_agree_on_who_is_meant(street, state, expected) -> None:
    page = street.get(f"/debtors?state={state}&q=street")

    assert names(page) == expected
    assert f"Total of {len(expected)} debtor" in page.text


@pytest.mark.parametrize("state", ["", "late", "unreachable"])
def test_a_large_selection_is_added_up_apart(street, monkeypatch, state) -> None:
    monkeypatch.setattr(listing, "ADDED_UP_AT_ONCE", 2)
    page = street.get(f"/debtors?state={state}")
    assert "Total of" not in page.text
    assert "totals=all" in page.text

    with_totals = street.get(f"/debtors?state={state}&totals=all")
    assert "Total of" in with_totals.text
    told = street.client.get(f"/debtors?state={state}&totals=all", headers={"X-Fragment": "1"})
    assert told.content_type.startswith("text/plain")
    assert "Total of" in told.text
