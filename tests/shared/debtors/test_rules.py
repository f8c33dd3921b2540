"""When two writings are one customer."""

from __future__ import annotations

import pytest

from shared.debtors.rules import code_essence, name_essence, same_name

FORMS = """
sa sas sasu sarl eurl ei eirl sci scp scop snc sca gie selarl selas ste societe ets etablissements association asso
ltd limited plc llc llp inc corp co company gmbh ag kg ohg ug bv nv srl spa sl slu sprl bvba se cie et and the
le la les m mme mr mrs ms monsieur madame
"""


@pytest.mark.parametrize("form", FORMS.split())
def test_a_legal_form_a_title_or_an_article_makes_no_other_customer(form):
    assert name_essence(f"Dupré {form}") == name_essence(f"{form.upper()} Dupré") == "dupre"


@pytest.mark.parametrize(
    ("name", "essence"),
    [
        ("S.A.R.L. Dupré & Fils", "dupre fils"),
        ("DUPRÉ  &  FILS S.A.", "dupre fils"),
        ("d.u.p. Fils", "dup fils"),
        ("A. Martin", "a martin"),
        ("S.A.R.L.Dupré", "dupre"),
        ("Straße 7", "strasse 7"),
        ("La Société", "la societe"),
        ("Œuvre-2000", "uvre 2000"),
        ("", ""),
    ],
)
def test_what_is_left_of_a_name(name, essence):
    assert name_essence(name) == essence


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Dupré SARL", "SARL DUPRE", True),
        ("Jean Martin", "Martin, Jean", True),
        ("Jean Martin", "Jean Martin", True),
        ("Jean Martin", "Jeanne Martin", False),
        ("Martin Martin Jean", "Martin Jean", False),
        ("", "", True),
        ("-", "!", True),
    ],
)
def test_which_names_are_one(one, other, same):
    assert same_name(one, other) is same_name(other, one) is same


def test_a_code_has_no_case_and_no_blanks_around_it():
    assert code_essence(" C1 ") == code_essence("c1") == "c1"
    assert code_essence("c 1") != code_essence("c1")
