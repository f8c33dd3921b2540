"""The real family once for all journeys; a browser for each file of them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser
from sqlalchemy import update

from backoffice.access.models import StaffMember
from shared.kit.db import transaction
from tests.support.browser_chromium import DESKTOP, PHONE, SCREENS, Visit, chromium, open_visit
from tests.support.family import ADMIN, PASSWORD, DemoFamily

Visits = Callable[..., Visit]


@pytest.fixture(scope="session")
def family(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoFamily]:
    """`guichet demo`, seeded, at BEGIN; one virtual time for all journeys, so each brings accounts of its own."""
    family = DemoFamily(tmp_path_factory.mktemp("family") / "var")
    try:
        family.start()
        with family.inside(), transaction() as session:
            session.execute(update(StaffMember).values(language="en"))
        yield family
    finally:
        family.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def visits(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Visits]:
    """Opens visits; after the journey every one of them must have been without complaint of the browser."""
    name = re.sub(r"^test_", "", request.node.name).replace("_", "-")
    shutil.rmtree(SCREENS / name, ignore_errors=True)
    opened: list[Visit] = []

    def visit(part: str = "", **options: object) -> Visit:
        opened.append(open_visit(browser, f"{name}/{part}" if part else name, **options))  # type: ignore[arg-type]
        return opened[-1]

    yield visit
    for one in opened:
        one.context.close()
    assert [complaint for one in opened for complaint in one.complaints] == []


@pytest.fixture
def phone(visits: Visits, family: DemoFamily) -> Visit:
    """A debtor's phone."""
    return visits(size=PHONE)


@pytest.fixture
def desk(visits: Visits, family: DemoFamily) -> Visit:
    """A member of the staff, signed in on a desktop."""
    visit = visits(size=DESKTOP)
    sign_in(visit, family)
    return visit


def sign_in(visit: Visit, family: DemoFamily, email: str = ADMIN) -> None:
    """Through the front door, with the password that the demo prints."""
    page = visit.go(f"{family.desk}/sign-in")
    page.locator("input[name=email]").fill(email)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_url(lambda url: "/sign-in" not in url)
