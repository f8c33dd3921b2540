"""A form is saved into the company that stood on its page, or not at all; looking at something changes no desk."""

from __future__ import annotations

import re
import uuid
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from backoffice.access import service as desk
from backoffice.access.models import StaffSession
from backoffice.access.permissions import Role
from backoffice.notices.models import Delivery, StaffNotice
from backoffice.urls import ROUTES
from shared.company.models import Company
from shared.kit import clock, ids
from shared.kit.db import reading, transaction
from shared.kit.drafts import KeptDraft
from tests.security.conftest import Town, changed, fill, fingerprint, holding, sit
from tests.support.browser import Browser

OTHER_IBAN = "DE89370400440532013000"

OF_NO_COMPANY = {
    "backoffice.access.sign_out",
    "backoffice.access.confirm",
    "backoffice.access.choose_company",
    "backoffice.access.choose_language",
    "backoffice.access.change_password",
    "backoffice.access.set_up_second_factor",
    "backoffice.access.end_session",
    "backoffice.access.add_staff",
    "backoffice.access.change_staff",
    "backoffice.access.act_on_staff",
    "backoffice.access.end_staff_session",
    "backoffice.handover.give",
    "backoffice.notices.choose",
    "backoffice.setup.add_company",
    "backoffice.system.dispatch_again",
    "backoffice.system.handle_again",
}
"""Forms about oneself, the staff or the installation: named here on purpose."""


def browser_of(backoffice: Flask, town: Town, role: Role = Role.ADMIN) -> Browser:
    browser = Browser(backoffice, base_url="http://localhost")
    browser.client = sit(backoffice, town, role)
    del browser.client.environ_base["HTTP_X_CSRFTOKEN"]  # its forms bring their own
    return browser


def put_on_desk(browser: Browser, company_id: uuid.UUID) -> None:
    """What another window does meanwhile."""
    form = next(form for form in browser.open("/me").forms() if form.action.endswith("/company"))
    assert browser.send(form, "/me", follow=False, company=str(company_id)).status == 303


def ibans() -> dict[uuid.UUID, str]:
    with reading() as session:
        return dict(session.execute(select(Company.id, Company.iban)).all())


def test_bank_details_typed_for_one_company_are_not_saved_into_another(backoffice: Flask, town: Town) -> None:
    before = ibans()
    browser = browser_of(backoffice, town)
    page = browser.open("/setup/bank")
    put_on_desk(browser, town.octave.company_id)

    answer = page.submit("Change the bank details", iban=OTHER_IBAN)

    assert answer.status == 409
    assert ibans() == before
    assert OTHER_IBAN in answer.text, "what was typed is shown"

    back = answer.submit("go back to the form")
    assert back.address.startswith("/setup/bank")
    assert back.form_of("Change the bank details").fields["iban"] == OTHER_IBAN
    assert "has not been sent yet" in back.text
    assert ibans() == before
    back.submit("Change the bank details")
    assert ibans() == before | {town.dora.company_id: OTHER_IBAN}


def test_a_file_uploaded_from_an_old_window_is_not_an_import_of_the_other_company(
    backoffice: Flask, town: Town
) -> None:
    browser = browser_of(backoffice, town)
    page = browser.open("/imports")
    token = page.tree.xpath("//form[@enctype='multipart/form-data']//input[@name='csrf_token']/@value")[0]
    put_on_desk(browser, town.octave.company_id)
    data: dict[str, Any] = {"csrf_token": token, "file": (BytesIO(b"code;name\n"), "open.csv")}
    answer = browser.client.post("/imports", data=data, headers=browser.headers, base_url=browser.base_url)

    assert answer.status_code == 409


def test_every_form_of_a_company_is_refused_at_the_desk_of_another(database, backoffice: Flask, town: Town) -> None:
    client = sit(backoffice, town, Role.ADMIN)
    wrong = client.environ_base["HTTP_X_CSRFTOKEN"].replace(str(town.dora.company_id), str(town.octave.company_id))
    before = fingerprint(database)
    told = {}
    for route in ROUTES:
        if "POST" not in route.methods or not route.guard.name.startswith("staff:"):
            continue
        path = fill(route.path, town.dora)
        for token in (wrong, wrong.split("~")[0]):
            answer = client.post(path, data={"name": "x", "text": "x"}, headers={"X-CSRFToken": token})
            answer.close()
            if route.endpoint not in OF_NO_COMPANY:
                told[route.endpoint] = answer.status_code
        if route.endpoint == "backoffice.access.sign_out":
            client = sit(backoffice, town, Role.ADMIN)

    assert {name: status for name, status in told.items() if status != 409} == {}
    assert len(told) > 60
    assert not changed(before, fingerprint(database)) & {"company", "debtor", "invoice", "payment", "scenario"}


def test_every_form_on_every_page_says_whose_it_is(backoffice: Flask, town: Town) -> None:
    client = sit(backoffice, town, Role.ADMIN)
    bare, seen = [], 0
    for route in ROUTES:
        if "GET" not in route.methods or not route.guard.name.startswith("staff:") or "<form>" in route.path:
            continue
        answer = client.get(fill(route.path, town.dora))
        if answer.mimetype == "text/html":
            for found in re.findall(r"<form[^>]*method=\"post\".*?</form>", answer.text, re.DOTALL):
                seen += 1
                if f"~{town.dora.company_id}~" not in found:
                    bare.append((route.path, found[:80]))
        answer.close()

    assert bare == []
    assert seen > 200


def test_looking_at_news_of_another_company_leaves_the_desk_as_it_is(backoffice: Flask, town: Town) -> None:
    with transaction() as session:
        notice = StaffNotice(
            id=ids.new_id(),
            member_id=town.staff[Role.ADMIN],
            company_id=town.octave.company_id,
            debtor_id=town.octave.debtor_id,
            topic="dispute.raised",
            by_kind="contact",
            subject_id=town.octave.ids["dispute_id"],
            delivery=Delivery.NONE,
            dedupe_key="news",
            created_at=clock.now(),
        )
        session.add(notice)
        session.flush()
        notice_id = notice.id
    browser = browser_of(backoffice, town)

    page = browser.open(f"/notices/{notice_id}")

    assert "Other house" in page.text
    assert browser.open("/setup").tree.xpath("//a[@class='rail-head']")[0].text_content() != "Other house"
    opened = browser.send(page.form_of("Put Other house on the desk"), page.address, follow=False)
    assert str(town.octave.ids["dispute_id"]) in opened.response.headers["Location"]


def test_a_form_sent_after_the_session_ended_is_there_again_after_signing_in(backoffice: Flask, town: Town) -> None:
    browser = browser_of(backoffice, town)
    page = browser.open(f"/debtors/{town.dora.debtor_id}")
    with transaction() as session:
        for row in session.scalars(select(StaffSession)):
            row.ended_at = clock.now()

    answer = page.submit("Keep the note", text="Rings back on Tuesday: the cheque is in the post.")

    assert answer.address.startswith("/sign-in")
    assert "kept for two hours" in answer.text
    with transaction() as session:
        token = desk.open_session(session, town.staff[Role.ADMIN], user_agent="Firefox", address="192.0.2.2")
    with browser.client.session_transaction(base_url=browser.base_url) as cookie:
        cookie["_user_id"] = token
    again = browser.open(f"/debtors/{town.dora.debtor_id}")
    assert again.form_of("Keep the note").fields["text"] == "Rings back on Tuesday: the cheque is in the post."
    assert "Rings back on Tuesday" in again.submit("Keep the note").text
    assert "has not been sent yet" not in browser.open(f"/debtors/{town.dora.debtor_id}").text


def test_what_one_wrote_is_never_shown_to_another(backoffice: Flask, town: Town) -> None:
    browser = browser_of(backoffice, town)
    page = browser.open(f"/debtors/{town.dora.debtor_id}")
    form = page.form_of("Keep the note")
    browser.client.post("/sign-out", data={"csrf_token": form.fields["csrf_token"]}, base_url=browser.base_url)

    browser.send(form, page.address, text="between us")

    other = holding(backoffice, _token_of(town, Role.AGENT))
    with browser.client.session_transaction(base_url=browser.base_url) as cookie:
        kept = dict(cookie)
    with other.session_transaction() as cookie:
        cookie.update({name: value for name, value in kept.items() if name == "unsent"})
    assert "unsent" in kept
    assert "between us" not in other.get(f"/debtors/{town.dora.debtor_id}").text
    with reading() as session:
        assert all(b"between us" not in row.sealed for row in session.scalars(select(KeptDraft)))


def _token_of(town: Town, role: Role) -> str:
    with transaction() as session:
        return desk.open_session(session, town.staff[role], user_agent="Firefox", address="192.0.2.2")


def test_a_browser_without_cookies_is_told_so(backoffice: Flask, town: Town) -> None:
    client = backoffice.test_client(use_cookies=False)
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get("/sign-in").text)
    assert token

    answer = client.post(
        "/sign-in",
        data={"csrf_token": token[1], "email": "a@b.example", "password": "p"},
        headers={"Accept-Language": "en"},
    )

    assert answer.status_code == 400
    assert "cookie" in answer.text
    assert "too old" not in answer.text


@pytest.mark.parametrize(
    ("button", "typed", "said"),
    [
        ("Pause", {"until": "someday", "reason": "He is ill until spring."}, "This is not a day"),
        ("Keep the note", {"text": "x" * 4_001}, "longer than"),
    ],
)
def test_what_breaks_a_rule_stands_in_its_form_again(
    backoffice: Flask, town: Town, button: str, typed: dict[str, str], said: str
) -> None:
    browser = browser_of(backoffice, town)
    page = browser.open(f"/debtors/{town.dora.debtor_id}")

    answer = page.submit(button, **typed)

    assert said in answer.text
    fields = answer.form_of(button).fields
    assert {name: fields[name] for name in typed} == typed
