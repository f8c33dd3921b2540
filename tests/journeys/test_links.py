"""The way in: links that end, links for whoever asks, sessions that end with them."""

from __future__ import annotations

import re

import pytest

from tests.support.browser_chromium import DESKTOP

pytestmark = pytest.mark.browser


def test_a_revoked_link_opens_nothing_and_says_nothing(family, visits, phone, desk):
    account = family.open_account("Serrurerie Close", [(-7, "512.00")])
    link = family.link(account)
    phone.enter(link)
    phone.until("€512.00")
    desk.go(f"{family.desk}/debtors/{account.id}/links")
    desk.until(account.name, "live")
    desk.shot("links")
    desk.page.locator("main summary", has_text="Close all").click()
    desk.shot("confirm")
    desk.press("Close all links")
    desk.until("closed by Anne")
    desk.shot("revoked")

    phone.page.reload()
    said = phone.text()
    assert "512" not in said
    phone.shot("session-over")
    phone.go(link)
    said = phone.until("opens nothing")
    assert "512" not in said
    assert account.name not in said
    phone.shot("neutral")
    stranger = visits("stranger", size=DESKTOP)
    stranger.go(re.sub("/l/.*", "/l/" + "x" * 43, link))
    assert stranger.until("opens nothing") == said, "a link that never was looks the same"


def test_whoever_asks_for_a_new_link_gets_one_and_a_stranger_learns_nothing(family, phone):
    account = family.open_account("Oubli Express", [(-7, "77.00")])
    answers = []
    for address in ("nobody@nowhere.example", account.email):
        phone.go(f"{family.url}/new-link")
        phone.page.locator("input[name=email]").fill(address)
        phone.shot("ask")
        phone.page.locator("main form button[type=submit]").first.click()
        phone.page.wait_for_url("**/sent")
        answers.append(phone.text())
    phone.shot("sent")
    assert answers[0] == answers[1]
    mail = family.mail(account.email, "")
    found = re.search(r"http://\S+/l/[\w-]+", mail["text"])
    assert found, mail["text"]
    phone.enter(found[0])
    phone.until("€77.00")
    assert family.twins.inbox("nobody@nowhere.example") == []


def test_somebody_who_left_is_out(family, phone):
    account = family.open_account("Départ SA", [(-7, "61.00")])
    phone.enter(family.link(account))
    phone.page.locator(".portal-leave").click()
    phone.page.wait_for_url("**/new-link*")
    phone.shot("left")
    phone.page.go_back()
    phone.page.reload()
    assert "€61.00" not in phone.text()
