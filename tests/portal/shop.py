"""The portal with real providers' twins behind it: what a person does in a browser, down to the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from flask import Flask

import wsgi
from shared.access.models import LinkPurpose
from shared.access.service import make_link
from shared.debtors.models import Contact
from shared.kit.db import transaction
from shared.kit.settings import get_settings
from tests.support.browser import Browser
from tests.support.counter import Counter, Door, together
from tests.support.doors import portal_door
from tests.support.people import SYSTEM
from tests.support.twins import TwinsProcess


@dataclass
class Shop:
    """Dora's account, the twins, the portal."""

    counter: Counter
    app: Flask
    email: str = "411dora@client.example"

    def enter(self, *, is_verified: bool = False) -> Browser:
        """Come in by a fresh link; `is_verified` stands for the code, which has its own tests."""
        from sqlalchemy import update

        from shared.access.models import PortalSession
        from shared.kit import clock

        with transaction() as session:
            contact = session.query(Contact).filter_by(email=self.email).one()
            contact.language = "en"
            token = make_link(
                session, debtor_id=self.counter.debtor_id, contact_id=contact.id, purpose=LinkPurpose.REMINDER
            )
        browser = Browser(self.app)
        browser.open(f"/l/{token}").submit("Open my account")
        if is_verified:
            with transaction() as session:
                session.execute(update(PortalSession).values(verified_at=clock.now()))
        return browser


@contextmanager
def open_shop(twins: TwinsProcess, door: Door, var_dir: Path, amounts: tuple[int, ...]) -> Iterator[Shop]:
    """An account that owes these amounts, and the whole portal before it."""
    wsgi.import_jobs()
    with together(twins, door, var_dir) as counter:
        counter.open_account(amounts)
        app = portal_door(get_settings())
        door.app = app
        counter.by = SYSTEM
        yield Shop(counter, app)
