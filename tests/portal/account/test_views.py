"""The account page: what is owed, in true words."""

from __future__ import annotations

from tests.portal.conftest import Dora


def test_the_amount_to_pay_is_large_and_what_is_late_is_said(enter, dora: Dora) -> None:
    page = enter(dora).open("/")

    assert page.heading == "Your account"
    assert "€1,234.50" in page.text
    assert "including €380.00 that is late" in page.text
    assert page.form_of("Pay €1,234.50").fields["what"] == "all"
    assert page.form_of("Pay what is late: €380.00").fields["what"] == "late"
