"""Whatever colour a company chooses, its pages can be read."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.kit import colours

ANY = st.tuples(*[st.integers(0, 255)] * 3)


def _values(css: str) -> tuple[dict[str, colours.Colour], dict[str, colours.Colour]]:
    light, dark = css.split("@media")
    found = []
    for part in (light, dark):
        pairs = re.findall(r"--([\w-]+):(#[0-9a-f]{6})", part)
        found.append({name: colours.hex_colour(value) for name, value in pairs})
    return found[0], found[1]


@given(ANY)
def test_every_accent_reads_as_button_as_link_and_on_its_tint(accent):
    light, dark = _values(colours.stylesheet(accent))
    for values, grounds in ((light, colours.LIGHT_GROUNDS), (dark, colours.DARK_GROUNDS)):
        assert colours.contrast(values["on-accent"], values["accent"]) >= 4.5
        assert colours.contrast(values["on-accent"], values["accent-hover"]) >= 4.5
        for ground in (*grounds, values["accent-soft"]):
            assert colours.contrast(values["accent-text"], ground) >= 4.5


@given(ANY)
def test_a_mails_button_reads(accent):
    ground, ink = (colours.hex_colour(value) for value in colours.button(colours.to_hex(accent)))
    assert ground is not None
    assert ink is not None
    assert colours.contrast(ground, ink) >= 4.5


def test_an_accent_that_reads_already_is_left_as_it_is():
    light, _dark = _values(colours.stylesheet((11, 107, 93)))
    assert light["accent"] == (11, 107, 93)
    assert light["accent-text"] == (11, 107, 93)


def test_contrast_is_that_of_the_standard():
    assert colours.contrast((255, 255, 255), (0, 0, 0)) == pytest.approx(21)
    assert colours.contrast((118, 118, 118), (255, 255, 255)) == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("text", ["", "red", "#12345", "#1234567", "#12345g", "url(x)"])
def test_what_is_not_a_colour_is_none(text):
    assert colours.hex_colour(text) is None


def test_a_company_without_a_colour_gets_ours():
    assert colours.button(None) == ("#34509e", "#ffffff")
