"""The list of debtors: search, filters, order, pages, totals, files."""

from __future__ import annotations

import csv
import io
import re
from datetime import date
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select

from backoffice.debtors import browse
from backoffice.listing import Ask, one_page
from backoffice.matching import debtors_called
from shared.debtors.models import Debtor
from shared.debtors.service import DebtorDraft, add_debtor, searchable
from shared.kit import clock
from shared.kit.actors import Actor
from shared.kit.db import reading, transaction
from shared.kit.ids import new_id
from shared.web.paging import encode_key
from tests.support.people import a_company, an_invoice


@pytest.fixture
def crowd(database, frozen, settings):
    """120 debtors with two names each, of whom some owe."""
    with transaction() as session:
        company = a_company(session)
        for number in range(120):
            name = f"Maison {number % 40:02d}"
            debtor = Debtor(
                id=new_id(),
                company_id=company.id,
                account_code=f"C{number:03d}",
                name=name,
                search_text=searchable(name, f"C{number:03d}"),
                created_at=clock.now(),
            )
            session.add(debtor)
            if number % 3 == 0:
                an_invoice(session, debtor, f"F-{number}", 1_000 + number % 7, due_in=-number)
        return company.id


IN_ORDER = ["Dupont", "Dupont & Fils", "eau vive", "Élan", "Etna", "Łódź", "Œuf", "Ogre", "Orsted", "Ørsted B", "Zola"]


@pytest.fixture
def accented(database, frozen, settings):
    """Companies with names of several languages, the last one first, with codes in the order of their coming."""
    with transaction() as session:
        company = a_company(session)
        for number, name in enumerate(reversed(IN_ORDER)):
            draft = DebtorDraft(account_code=f"Z{number:02d}", name=name)
            add_debtor(session, company_id=company.id, draft=draft, by=Actor.system("test"))
        return company.id


@pytest.mark.parametrize("sort", ["name", "-name"])
def test_names_with_accents_do_not_stand_behind_z_on_any_page(accented, sort):
    seen, ask = [], Ask("/debtors", sort=sort)
    with reading() as session:
        while True:
            query = select(Debtor.name).where(Debtor.company_id == accented)
            page = one_page(session, query, browse.ORDERS, ask, size=2)
            seen += [row.name for row in page.rows]
            if page.next_key is None:
                break
            ask = Ask("/debtors", sort=sort, after=parse_qs(urlsplit(page.next_key).query)["after"][0])
        whole = [
            row.name for row in browse.everything(session, accented, Ask("/debtors", sort=sort), today=clock.today())
        ]
        picked = [debtor.name for debtor in debtors_called(session, accented, "z")]

    assert seen == whole == (IN_ORDER if sort == "name" else IN_ORDER[::-1])
    assert picked == IN_ORDER


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("oeuf", ["Œuf"]), ("ŒUF", ["Œuf"]), ("elan", ["Élan"]), ("lodz", ["Łódź"]),
        ("ØRSTED", ["Orsted", "Ørsted B"]), ("fils dupont", ["Dupont & Fils"]),
    ],
)  # fmt: skip
def test_a_name_is_found_without_its_accents_and_ligatures(accented, words, found):
    with reading() as session:
        listed = browse.browse(session, accented, Ask("/debtors", values={"q": words}), today=clock.today()).rows

        assert [row.name for row in listed] == found
        assert [debtor.name for debtor in debtors_called(session, accented, words)] == found


def names(page) -> list[str]:
    return re.findall(r"/debtors/([0-9a-f-]{36})\"", page.text)


def walk(desk, first: str, word: str) -> list[list[str]]:
    pages, address = [], first
    while address:
        page = desk.get(address)
        pages.append(names(page))
        found = re.search(rf'rel="{word}" href="([^"]+)"', page.text)
        address = found[1].replace("&amp;", "&") if found else ""
    return pages


@pytest.mark.parametrize("sort", ["name", "-name", "open", "-open", "code", "-credit"])
def test_the_pages_together_show_everybody_once_in_order(desk, crowd, sort):
    desk.add()
    desk.sign_in()

    forwards = walk(desk, f"/debtors?sort={sort}", "next")

    assert [len(page) for page in forwards] == [50, 50, 20]
    assert len({one for page in forwards for one in page}) == 120


def test_going_back_shows_the_same_pages(desk, crowd):
    desk.add()
    desk.sign_in()
    forwards = walk(desk, "/debtors?sort=-open", "next")
    third = walk_to_last(desk, "/debtors?sort=-open")

    backwards = walk(desk, third, "prev")

    assert backwards == forwards[::-1]


def walk_to_last(desk, address: str) -> str:
    while True:
        found = re.search(r'rel="next" href="([^"]+)"', desk.get(address).text)
        if not found:
            return address
        address = found[1].replace("&amp;", "&")


@pytest.mark.parametrize("key", ["rubbish", encode_key(["x"]), encode_key([1, 2]), encode_key(["a\x00b", "c"])])
def test_a_changed_key_shows_the_first_page(desk, crowd, key):
    desk.add()
    desk.sign_in()

    assert len(names(desk.get(f"/debtors?after={key}"))) == 50


def test_the_totals_are_of_the_whole_selection(desk, crowd):
    desk.add()
    desk.sign_in()

    page = desk.get("/debtors?state=late")

    assert "Total of 39 debtors" in page.text
    assert "€391.21" in page.text


@pytest.mark.parametrize(
    ("query", "count"),
    [("q=maison+c107", 1), ("q=MAÏSON", 50), ("q=C119", 1), ("q=732829320", 0), ("q=%25", 0), ("q=%27%22%3C", 0)],
)
def test_search_finds_by_words_without_accents(desk, crowd, query, count):
    desk.add()
    desk.sign_in()

    assert len(names(desk.get(f"/debtors?{query}"))) == count


def test_filters_tell_who_is_what(ines, world):
    with transaction() as session:
        dora = session.get_one(Debtor, world.dora)
        dora.autopay, dora.credit_minor = True, 5
        dora.reminders_paused_until = date(2026, 3, 20)

    for state in ("open", "late", "credit", "autopay", "paused"):
        assert names(ines.get(f"/debtors?state={state}")) == [str(world.dora)], state
    for state in ("mandate", "unreachable"):
        assert "No debtor is like that" in ines.get(f"/debtors?state={state}").text


def test_only_the_company_on_the_desk_is_shown(ines, world):
    assert names(ines.get("/debtors")) == [str(world.dora)]

    other = re.findall(r'<option value="([0-9a-f-]{36})"', ines.get("/debtors").text)[1]
    ines.post("/company", {"company": other})

    assert names(ines.get("/debtors")) == [str(world.foreign_debtor)]
    assert ines.get(f"/debtors/{world.dora}").status_code == 404
    assert ines.post("/company", {"company": world.dora}).status_code == 404


def test_the_file_holds_exactly_what_is_filtered_in_its_order(desk, crowd):
    desk.add()
    desk.sign_in()

    answer = desk.get("/debtors.csv?state=late&sort=-open")

    rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert len(rows) == 40
    amounts = [float(row[4]) for row in rows[1:]]
    assert amounts == sorted(amounts, reverse=True)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="debtors-2026-03-10.csv"'


def test_no_cell_of_a_file_is_a_formula(ines, world):
    with transaction() as session:
        session.get_one(Debtor, world.dora).name = '=HYPERLINK("http://evil.example","x")'

    text = ines.get("/debtors.csv").data.decode("utf-8-sig")
    workbook = ines.get("/debtors.xlsx").data

    assert "'=HYPERLINK" in text
    assert ",=HYPERLINK" not in text
    assert workbook[:2] == b"PK"
    assert b"<f>" not in workbook


def test_a_hostile_name_is_only_text(ines, world):
    with transaction() as session:
        session.get_one(Debtor, world.dora).name = "<script>alert(1)</script>"

    for path in ("/debtors", f"/debtors/{world.dora}", "/invoices", f"/search?q={world.late}"):
        assert "<script>alert" not in ines.get(path).text


def test_an_address_keeps_its_filters():
    ask = Ask("/debtors", {"q": "a&b", "state": "late"}, sort="-open", after="x")

    assert ask.address(state="") == "/debtors?sort=-open&q=a%26b"
    assert ask.sort_address == "/debtors?q=a%26b&state=late&"
