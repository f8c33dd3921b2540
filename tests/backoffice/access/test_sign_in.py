"""Who gets in at the back-office, and who does not."""

from __future__ import annotations

import re

import pyotp
import pytest
from sqlalchemy import func, select

from backoffice.access import second_factor, service
from backoffice.access.models import StaffMember, StaffSession
from backoffice.access.permissions import Role
from shared.kit.audit import AuditLine
from shared.kit.db import reading, transaction
from shared.kit.settings import use_settings
from tests.support.people import SYSTEM


def code(member_id, frozen) -> str:
    with reading() as session:
        salt = session.get_one(StaffMember, member_id).totp_salt
    return pyotp.TOTP(second_factor.secret_of(salt)).at(frozen.now())


def code_of(page: str, frozen) -> str:
    """What the authenticator shows for the key on a page."""
    return pyotp.TOTP(re.search(r"\b[A-Z2-7]{32}\b", page)[0]).at(frozen.now())


def enrol(member_id, frozen) -> list[str]:
    salt = second_factor.new_salt()
    first = pyotp.TOTP(second_factor.secret_of(salt)).at(frozen.now())
    with transaction() as session:
        codes = service.confirm_enrolment(session, member_id, salt=salt, code=first, by=SYSTEM)
    frozen.advance(seconds=60)
    return codes


@pytest.fixture
def strict(settings):
    """An installation that asks everybody for a second factor."""
    use_settings(settings.model_copy(update={"staff_totp": "required"}))
    yield
    use_settings(settings)


def test_a_stranger_is_sent_to_the_door(desk):
    answer = desk.get("/debtors?state=late")

    assert answer.status_code == 303
    assert answer.location == "/sign-in?next=/debtors?state%3Dlate"


def test_the_right_pair_opens_and_leads_where_one_wanted_to_go(desk, world):
    desk.add()

    answer = desk.sign_in(next="/debtors")

    assert (answer.status_code, answer.location) == (303, "/debtors")
    assert "Dora Durand" in desk.get("/debtors").text


def test_nobody_is_led_to_another_site(desk, world):
    desk.add()

    assert desk.sign_in(next="https://evil.example/").location == "/"
    assert desk.other().sign_in(next="//evil.example/").location == "/"


def test_a_wrong_password_an_unknown_and_a_disabled_person_get_one_answer(desk, world):
    desk.add()
    disabled = desk.add("charles@guichet.example", Role.AGENT)
    with transaction() as session:
        service.disable(session, disabled, by=SYSTEM)

    said = {
        re.sub(r'(name="email"|csrf_token).*?>', "", desk.sign_in(email, password).text)
        for email, password in (
            ("ines@guichet.example", "wrong-password-here"),
            ("nobody@guichet.example", "wrong-password-here"),
            ("charles@guichet.example", "a-long-enough-password"),
        )
    }

    assert len({re.sub(r"nonce=\S+|value=\S+", "", each) for each in said}) == 1
    assert "do not belong together" in said.pop()


def test_the_eleventh_try_waits_even_with_the_right_password(desk, world):
    desk.add()
    for _ in range(10):
        assert desk.sign_in(password="wrong-password-here").status_code == 422

    assert desk.sign_in().status_code == 429


def test_the_session_has_a_new_token_that_is_kept_as_a_hash(desk, world):
    desk.add()
    desk.sign_in()

    with reading() as session:
        live = session.scalars(select(StaffSession)).one()
    cookie = desk.client.get_cookie("guichet_desk").value
    assert live.token_hash.hex() not in cookie
    assert "ines" not in cookie


def test_where_it_is_required_the_first_sign_in_sets_up_the_second_factor(desk, world, strict, frozen):
    member_id = desk.add()

    assert desk.sign_in().location == "/sign-in/set-up"
    assert desk.get("/debtors").location.startswith("/sign-in")
    page = desk.get("/sign-in/set-up")
    assert "<svg" in page.text
    with reading() as session:
        assert session.get_one(StaffMember, member_id).totp_salt is None, "looking writes nothing"
    done = desk.post("/sign-in/set-up", {"code": code_of(page.text, frozen)}, page="/sign-in/set-up")

    assert len(re.findall(r"<code>[A-Z2-9-]{19}</code>", done.text)) == second_factor.RECOVERY_CODES
    assert desk.get("/debtors").status_code == 200


def test_a_wrong_first_code_sets_nothing_up(desk, world, strict):
    desk.add()
    desk.sign_in()

    assert desk.post("/sign-in/set-up", {"code": "000000"}, page="/sign-in/set-up").status_code == 422
    assert desk.get("/debtors").status_code == 303


def test_the_key_on_the_page_stays_the_same_until_it_is_confirmed_and_is_another_in_another_browser(
    desk, world, strict, frozen
):
    desk.add()
    desk.sign_in()
    first, second = desk.get("/sign-in/set-up").text, desk.get("/sign-in/set-up").text
    other = desk.other()
    other.sign_in()

    assert code_of(first, frozen) == code_of(second, frozen)
    assert code_of(first, frozen) != code_of(other.get("/sign-in/set-up").text, frozen)


def test_nobody_sets_up_a_second_factor_over_another(desk, world, strict, frozen):
    desk.add()
    desk.sign_in()
    late = desk.other()
    late.sign_in()
    page = late.get("/sign-in/set-up").text
    late.known_token = late.token("/sign-in/set-up")
    desk.post("/sign-in/set-up", {"code": code_of(desk.get("/sign-in/set-up").text, frozen)}, page="/sign-in/set-up")

    assert late.post("/sign-in/set-up", {"code": code_of(page, frozen)}).status_code == 409
    assert late.get("/debtors").status_code == 303


def test_the_password_alone_does_not_open_once_a_second_factor_is_set(desk, world, frozen):
    member_id = desk.add()
    enrol(member_id, frozen)

    assert desk.sign_in().location == "/sign-in/code"
    assert desk.get("/debtors").status_code == 303
    assert desk.post("/sign-in/code", {"code": "123456"}, page="/sign-in/code").status_code == 422
    assert desk.post("/sign-in/code", {"code": code(member_id, frozen)}).status_code == 303
    assert desk.get("/debtors").status_code == 200


def test_a_code_passes_once(desk, world, frozen):
    member_id = desk.add()
    enrol(member_id, frozen)
    used = code(member_id, frozen)
    desk.sign_in()
    desk.post("/sign-in/code", {"code": used}, page="/sign-in/code")
    thief = desk.other()
    thief.sign_in()

    assert thief.post("/sign-in/code", {"code": used}, page="/sign-in/code").status_code == 422


def test_codes_cannot_be_tried_out(desk, world, frozen):
    member_id = desk.add()
    enrol(member_id, frozen)
    desk.sign_in()
    for _ in range(6):
        assert desk.post("/sign-in/code", {"code": "000000"}, page="/sign-in/code").status_code == 422

    assert desk.post("/sign-in/code", {"code": code(member_id, frozen)}).status_code == 429


def test_a_recovery_code_opens_once(desk, world, frozen):
    spare = enrol(desk.add(), frozen)[0]
    desk.sign_in()

    assert desk.post("/sign-in/code", {"code": spare.lower()}, page="/sign-in/code").status_code == 303
    again = desk.other()
    again.sign_in()
    assert again.post("/sign-in/code", {"code": spare}, page="/sign-in/code").status_code == 422
    with reading() as session:
        assert session.scalar(select(func.count()).where(AuditLine.action == "staff.recovery_code_used")) == 1


def test_the_half_way_point_lasts_ten_minutes(desk, world, frozen):
    member_id = desk.add()
    enrol(member_id, frozen)
    desk.sign_in()
    desk.token("/sign-in/code")
    frozen.advance(minutes=11)

    answer = desk.post("/sign-in/code", {"code": code(member_id, frozen)}, page="/sign-in")

    assert answer.location == "/sign-in"


@pytest.mark.parametrize("pause", [{"hours": 2, "minutes": 1}])
def test_an_idle_session_ends(ines, frozen, pause):
    frozen.advance(**pause)

    assert ines.get("/debtors").status_code == 303


def test_a_busy_session_ends_after_twelve_hours(ines, frozen):
    for _ in range(11):
        frozen.advance(hours=1)
        assert ines.get("/debtors").status_code == 200
    frozen.advance(hours=1)

    assert ines.get("/debtors").status_code == 303


def test_signing_out_ends_the_session_on_the_server(ines):
    stolen = ines.client.get_cookie("guichet_desk").value
    ines.post("/sign-out")
    thief = ines.app.test_client()
    thief.set_cookie("guichet_desk", stolen, domain="localhost")

    assert thief.get("/debtors").status_code == 303


def test_another_session_can_be_ended_from_here(ines):
    elsewhere = ines.other()
    elsewhere.sign_in()
    ending = re.findall(r"/me/sessions/([0-9a-f-]{36})/end", ines.get("/me").text)

    assert len(ending) == 1
    ines.post(f"/me/sessions/{ending[0]}/end")

    assert elsewhere.get("/debtors").status_code == 303
    assert ines.get("/debtors").status_code == 200


def test_another_password_ends_the_other_sessions(ines):
    elsewhere = ines.other()
    elsewhere.sign_in()
    form = {"present": "a-long-enough-password", "new": "another-long-password", "again": "another-long-password"}

    assert ines.post("/me/password", form).status_code == 303

    assert elsewhere.get("/debtors").status_code == 303
    assert ines.get("/debtors").status_code == 200
    assert ines.other().sign_in(password="another-long-password").status_code == 303


def test_the_present_password_is_asked_for_a_new_one(ines):
    form = {"present": "wrong-password-here", "new": "another-long-password", "again": "another-long-password"}

    assert ines.post("/me/password", form).status_code == 422
    assert ines.other().sign_in().status_code == 303


def test_a_dangerous_act_asks_for_the_password_anew_after_a_quarter_of_an_hour(ines, frozen):
    assert ines.get("/setup/bank").status_code == 200
    frozen.advance(minutes=16)

    assert ines.get("/setup/bank").location == "/confirm?next=/setup/bank"
    assert ines.post("/confirm", {"password": "wrong-password-here", "next": "/setup/bank"}).status_code == 422
    assert (
        ines.post("/confirm", {"password": "a-long-enough-password", "next": "/setup/bank"}).location == "/setup/bank"
    )
    assert ines.get("/setup/bank").status_code == 200


def test_a_form_without_its_token_is_refused(ines, world):
    answer = ines.client.post(f"/debtors/{world.dora}/notes", data={"text": "forged"})

    assert answer.status_code == 400


def test_another_language_stays(ines):
    ines.post("/language", {"language": "fr"})

    assert "Débiteurs" in ines.client.get("/debtors", headers={"Accept-Language": "en"}).text
