"""The entrance."""

from __future__ import annotations

from tests.portal.conftest import Dora, prove


def test_people_are_shown_after_a_code(enter, dora: Dora, mail) -> None:
    page = prove(enter(dora).open("/access"), mail)

    assert page.heading == "Who has access"
    assert "411dora@client.example" in page.text
