"""The desk: the back-office as a browser sees it, with people who work there."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from importlib import import_module

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

import wsgi
from backoffice.access import service
from backoffice.access.permissions import Role
from shared.kit import words
from shared.kit.db import transaction
from tests.support.doors import desk_door
from tests.support.people import SYSTEM, a_company, a_debtor, an_invoice

PASSWORD = "a-long-enough-password"


@pytest.fixture(scope="session")
def hashed() -> str:
    """PASSWORD, hashed at the least cost: nearly every test of the desk signs in; the true cost has its own tests."""
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


@dataclass
class Desk:
    """A browser at the back-office's door."""

    app: Flask
    client: FlaskClient
    hashed: str
    known_token: str = ""

    def add(self, email: str = "ines@guichet.example", role: Role = Role.ADMIN, name: str = "Inès Morel") -> uuid.UUID:
        with transaction() as session:
            return service.add_member(
                session, email=email, name=name, role=role, password_hash=self.hashed, language="en", by=SYSTEM
            ).id

    def get(self, path: str, **options: object) -> TestResponse:
        with words.speaking("en"):
            return self.client.get(path, headers={"Accept-Language": "en"}, **options)

    def post(self, path: str, data: dict[str, object] | None = None, *, page: str | None = None) -> TestResponse:
        """Send a form with the token of a page that was shown before."""
        with words.speaking("en"):
            self.known_token = self.known_token or self.token(page or "/me")
            form = {"csrf_token": self.known_token, **(data or {})}
            return self.client.post(path, data=form, headers={"Accept-Language": "en"})

    def token(self, page: str) -> str:
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self.get(page).text)
        assert found, f"no form on {page}"
        return found[1]

    def sign_in(self, email: str = "ines@guichet.example", password: str = PASSWORD, **more: str) -> TestResponse:
        self.known_token = self.token("/sign-in")
        answer = self.post("/sign-in", {"email": email, "password": password, **more})
        self.known_token = ""  # a new session brings a new token
        return answer

    def other(self) -> Desk:
        """Another browser at the same door."""
        return Desk(self.app, self.app.test_client(), self.hashed)


@pytest.fixture
def desk(database, frozen, settings, hashed) -> Desk:
    for name in wsgi.JOBS:
        import_module(name)
    app = desk_door(settings)
    return Desk(app, app.test_client(), hashed)


@dataclass
class World:
    """Atelier des Lices with Dora, who owes two invoices, and a foreign company with Octave."""

    company: uuid.UUID
    dora: uuid.UUID
    late: uuid.UUID
    coming: uuid.UUID
    foreign_debtor: uuid.UUID
    foreign_invoice: uuid.UUID


@pytest.fixture
def world(database, frozen, settings) -> World:
    with transaction() as session:
        company = a_company(session)
        dora = a_debtor(session, company)
        late = an_invoice(session, dora, "F-2026-001", 12_000, due_in=-10)
        coming = an_invoice(session, dora, "F-2026-002", 8_000, due_in=5)
    frozen.advance(seconds=1)
    with transaction() as session:
        foreign = a_company(session, "other", trade_name="Other house")
        octave = a_debtor(session, foreign, "411OCTAVE", "Octave SA")
        theirs = an_invoice(session, octave, "X-1", 5_000, due_in=-3)
        return World(company.id, dora.id, late.id, coming.id, octave.id, theirs.id)


@pytest.fixture
def ines(desk: Desk, world: World) -> Desk:
    """The desk with Inès, an administrator, signed in."""
    desk.add()
    assert desk.sign_in().status_code == 303
    return desk
