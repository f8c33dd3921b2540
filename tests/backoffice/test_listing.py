"""A large selection is added up apart from its page."""

from __future__ import annotations

import pytest

from backoffice import listing


@pytest.fixture
def narrow(monkeypatch):
    monkeypatch.setattr(listing, "ADDED_UP_AT_ONCE", 1)


@pytest.mark.parametrize("path", ["/invoices"])
def test_the_page_of_a_large_selection_does_not_wait_for_its_totals(ines, world, narrow, path):
    page = ines.get(path).text

    assert "Add up all of them" in page
    assert "Total of" not in page


def test_the_totals_come_when_they_are_asked_for(ines, world, narrow):
    whole = ines.get("/invoices?totals=all").text
    alone = ines.client.get("/invoices?totals=all", headers={"X-Fragment": "1", "Accept-Language": "en"})

    assert "Total of 2 invoices" in whole
    assert alone.text == "Total of 2 invoices: Total €200.00 · Open €200.00"
    assert alone.mimetype == "text/plain"
