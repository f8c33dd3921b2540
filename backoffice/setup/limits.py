"""What one person may give away alone: raised by two administrators, or after a day of which everybody who leads is told."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from sqlalchemy.orm import Session

from backoffice.access.member import Desk
from backoffice.access.permissions import Role
from backoffice.access.second_person import has_independent, witness
from backoffice.access.tell import tell_administrators, tell_leaders
from shared.company.models import Company
from shared.giving import limit
from shared.giving.models import LimitRaise
from shared.kit import templating
from shared.kit.actors import Actor
from shared.kit.db import reading, transaction
from shared.kit.each import act_on_each
from shared.kit.money import Money, format_money
from shared.kit.words import current_language
from shared.kit.words import gettext as _

BY = Actor.system("limits")


def ask(session: Session, desk: Desk, wanted: Money, *, by: Actor) -> None:
    """Ask for a higher limit: all administrators are told, and everybody who leads where nobody can agree to it."""
    is_shared = has_independent(session, by, role=Role.ADMIN)
    row = limit.ask(session, desk.id, wanted.minor, by=by, has_second=is_shared)
    facts = _facts(row, desk.name, desk.currency)
    if row.ripe_at is None:
        tell_administrators(
            session,
            lambda: _(
                "%(company)s: what one person may give away alone is to be %(after)s instead of %(before)s. A second administrator must "
                "agree.",
                **facts(),
            ),
            by=by,
            company_id=desk.id,
        )
        return
    moment = row.ripe_at
    tell_leaders(
        session,
        lambda: _(
            "%(company)s: what one person may give away alone is to be %(after)s instead of %(before)s from %(moment)s on. Until then "
            "every manager and administrator may decline it.",
            moment=templating.moment(moment, desk.zone),
            **facts(),
        ),
        by=by,
        company_id=desk.id,
    )


def agree(session: Session, desk: Desk, raise_id: uuid.UUID, *, by: Actor) -> None:
    """A second administrator agrees to a higher limit; raises what `limit.agree` raises."""
    row = limit.agree(session, raise_id, company_id=desk.id, by=witness(session, by))
    _tell_raised(session, row, desk.name, desk.currency, by=by)


def decline(session: Session, desk: Desk, raise_id: uuid.UUID, *, by: Actor) -> None:
    """The limit stays as it is; raises what `limit.decline` raises."""
    row = limit.decline(session, raise_id, company_id=desk.id, by=by)
    facts = _facts(row, desk.name, desk.currency)
    tell_leaders(
        session,
        lambda: _("%(company)s: what one person may give away alone stays %(before)s.", **facts()),
        by=by,
        company_id=desk.id,
    )


def lowered(session: Session, desk: Desk, *, by: Actor) -> None:
    """The limit was lowered: a higher one that waits is not meant any more."""
    row = limit.waiting(session, desk.id)
    if row is not None:
        limit.decline(session, row.id, company_id=desk.id, by=by)


def ripen() -> int:
    """Put into force what nobody has stopped in its waiting time; gives how many."""
    with reading() as session:
        found = limit.ripe(session)
    act_on_each(found, _ripen)
    return len(found)


def _ripen(found: tuple[uuid.UUID, uuid.UUID]) -> None:
    raise_id, company_id = found
    with transaction() as session:
        company = session.get_one(Company, company_id)
        row = limit.ripen(session, raise_id, company_id=company_id, by=BY)
        _tell_raised(session, row, company.trade_name, company.currency, by=BY)


def _tell_raised(session: Session, row: LimitRaise, company: str, currency: str, *, by: Actor) -> None:
    facts = _facts(row, company, currency)
    tell_leaders(
        session,
        lambda: _("%(company)s: what one person may give away alone was %(before)s and is now %(after)s.", **facts()),
        by=by,
        company_id=row.company_id,
    )


def _facts(row: LimitRaise, company: str, currency: str) -> Callable[[], dict[str, str]]:
    """What the sentences say, in the language of the moment."""
    before, after = Money(row.before_minor, currency), Money(row.after_minor, currency)
    return lambda: {
        "company": company,
        "before": format_money(before, current_language()),
        "after": format_money(after, current_language()),
    }
