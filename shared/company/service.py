"""Verbs on companies."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.company.models import Company
from shared.kit.errors import NotFound
from shared.kit.words import gettext as _


def get_company(session: Session, code: str) -> Company:
    """The company of that short name; raises NotFound that lists the names there are."""
    company = session.scalar(select(Company).where(Company.code == code))
    if company is None:
        known = ", ".join(session.scalars(select(Company.code).order_by(Company.code))) or "–"
        raise NotFound("company.missing", _("There is no company %(code)s. Known: %(known)s.", code=code, known=known))
    return company
