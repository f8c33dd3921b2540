"""Who gets in at the back-office, and who does not."""

from __future__ import annotations


def test_a_stranger_is_sent_to_the_door(desk):
    answer = desk.get("/debtors?state=late")

    assert answer.status_code == 303
    assert answer.location == "/sign-in?next=/debtors?state%3Dlate"


def test_the_right_pair_opens_and_leads_where_one_wanted_to_go(desk, world):
    desk.add()

    answer = desk.sign_in(next="/debtors")

    assert (answer.status_code, answer.location) == (303, "/debtors")
    assert "Dora Durand" in desk.get("/debtors").text
