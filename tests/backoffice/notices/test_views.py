"""The list of news, the way to what it speaks of, and what to hear of."""

from __future__ import annotations

import re

from sqlalchemy import select

from backoffice.access.permissions import Role
from backoffice.notices.models import StaffNotice, StaffNoticePreference
from shared.kit.db import reading


def notice_ids() -> list:
    with reading() as session:
        return list(session.scalars(select(StaffNotice.id).order_by(StaffNotice.id)))


def enter(desk, office, name="ines", role=Role.ADMIN):
    office.people[name] = desk.add(f"{name}@guichet.example", role, name)
    desk.sign_in(f"{name}@guichet.example")


def test_the_list_shows_ones_own_news_and_the_rail_counts_what_is_new(desk, office) -> None:
    enter(desk, office)
    office.happen("dispute.raised", to="anna")
    office.happen("plan.asked", to="ines")

    page = desk.get("/notices").text

    assert "Dora Durand SARL asks for a payment plan: please decide" in page
    assert "disputes an invoice" not in page
    assert re.search(r'News</span><span class="rail-count[^"]*">1<', page)


def test_ticking_off_takes_what_was_shown_and_not_what_came_after(desk, office) -> None:
    enter(desk, office)
    office.happen("dispute.raised", to="ines")
    shown = re.search(r'name="until"\s+value="([^"]+)"', desk.get("/notices").text)
    assert shown
    office.happen("promise.broken", by="clock", to="ines")

    assert desk.post("/notices", {"until": shown[1]}).status_code == 303

    with reading() as session:
        read = session.scalars(select(StaffNotice.read_at.is_not(None)).order_by(StaffNotice.id)).all()
    assert read == [True, False]
    assert "broke a promise" in desk.get("/notices?state=new").text
    assert "disputes an invoice" not in desk.get("/notices?state=new").text
    assert desk.post("/notices", {"until": "rubbish"}).status_code == 422


def test_news_can_be_narrowed_to_one_kind(desk, office) -> None:
    enter(desk, office)
    office.happen("dispute.raised", to="ines")
    office.happen("promise.broken", by="clock", to="ines")

    page = desk.get("/notices?group=promises").text

    assert "broke a promise" in page
    assert "disputes an invoice" not in page
    assert "No news is like that" in desk.get("/notices?group=plans").text
    assert "broke a promise" in desk.get("/notices?q=dora").text
    assert "No news is like that" in desk.get("/notices?q=octave").text


def test_a_notice_leads_to_what_it_speaks_of(desk, office, world) -> None:
    enter(desk, office)
    office.happen("dispute.raised", to="ines")

    (identity,) = notice_ids()
    there = desk.get(f"/notices/{identity}")

    assert there.status_code == 303
    assert there.location.startswith(("/disputes/", f"/debtors/{world.dora}"))


def test_nobody_follows_the_notice_of_a_colleague(desk, office) -> None:
    enter(desk, office)
    office.happen("dispute.raised", to="anna")

    assert desk.get(f"/notices/{notice_ids()[0]}").status_code == 404


def test_a_member_chooses_what_to_hear_of(desk, office) -> None:
    enter(desk, office)
    assert "What I hear of" in desk.get("/me").text
    page = desk.get("/me/notices").text
    assert re.search(r'name="disputes-delivery"\s+value="immediate"\s+checked', page)

    wanted = {f"{group}-scope": "all" for group in ("disputes", "plans", "promises", "declarations", "payments")}
    wanted |= {f"{group}-delivery": "none" for group in ("disputes", "plans", "promises", "declarations", "payments")}
    assert desk.post("/me/notices", wanted).status_code == 303

    page = desk.get("/me/notices").text
    assert re.search(r'name="disputes-delivery"\s+value="none"\s+checked', page)
    assert re.search(r'name="declarations-scope"\s+value="all"\s+checked', page)
    assert desk.post("/me/notices", wanted | {"plans-scope": "theirs"}).status_code == 422


def test_whoever_only_reads_has_nothing_to_choose(desk, office) -> None:
    enter(desk, office, "aude2", Role.AUDITOR)

    assert "nothing is sent to you" in desk.get("/me/notices").text
    desk.post("/me/notices", {"disputes-delivery": "immediate", "disputes-scope": "all"})
    with reading() as session:
        assert session.scalars(select(StaffNoticePreference)).all() == []
