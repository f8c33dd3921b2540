"""Two people with the same form: the second sees both, and reverts nothing without knowing."""

from __future__ import annotations

from sqlalchemy import select

from shared.company.models import Company
from shared.kit.db import reading
from tests.backoffice.setup.test_views import form_of


def stored(world) -> Company:
    with reading() as session:
        return session.scalars(select(Company).where(Company.id == world.company)).one()


def test_the_second_of_two_who_edit_the_settings_reverts_nothing(ines, world):
    first, second = form_of(ines), form_of(ines)
    assert ines.post("/setup", {**first, "phone": "01 11", "terms_days": "45"}).status_code == 303

    assert ines.post("/setup", {**second, "city": "Rouen"}).status_code == 303, "what only one changed is kept"
    assert (stored(world).phone, stored(world).terms_days, stored(world).city) == ("01 11", 45, "Rouen")

    third = form_of(ines)
    ines.post("/setup", {**form_of(ines), "phone": "02 22"})
    answer = ines.post("/setup", {**third, "phone": "03 33"})
    assert answer.status_code == 422
    assert "A colleague has saved meanwhile: 02 22." in answer.text
    assert 'value="03 33"' in answer.text
    assert stored(world).phone == "02 22"
