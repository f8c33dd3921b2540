"""The principal of the back-office: who is at the desk, for which company, and what that person may do."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime

from backoffice.access import permissions
from backoffice.access.permissions import Role
from shared.kit import clock
from shared.kit.actors import Actor


@dataclass(frozen=True, slots=True)
class Desk:
    """The company whose affairs are on the desk, as pages need it."""

    id: uuid.UUID
    code: str
    name: str
    accent: str
    zone: str
    currency: str

    @property
    def today(self) -> date:
        """The legal day of this company."""
        return clock.today(self.zone)


@dataclass(frozen=True, slots=True)
class Member:
    """A member of staff with a live session."""

    id: uuid.UUID
    email: str
    name: str
    role: Role
    language: str
    session_id: uuid.UUID
    token: str
    confirmed_at: datetime
    has_second_factor: bool
    companies: tuple[Desk, ...]
    company: Desk | None

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def get_id(self) -> str:
        """What Flask-Login keeps in the cookie: the session's token, never a person's id."""
        return self.token

    def may(self, permission: str) -> bool:
        return permissions.may(self.role, permission)

    def as_actor(self) -> Actor:
        return Actor.staff(self.id, self.name)

    @property
    def desk(self) -> Desk:
        """The company at hand; guards let nobody pass without one."""
        if self.company is None:
            raise LookupError("no company yet")
        return self.company

    @property
    def company_id(self) -> uuid.UUID:
        return self.desk.id

    @property
    def today(self) -> date:
        return self.desk.today
