"""Addresses of people who asked to be erased: known by a digest alone, so that they do not come back unasked."""

from __future__ import annotations

import hashlib
import uuid
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from shared.company.models import Company
from shared.debtors.models import Debtor, DebtorAlias, ErasedAddress
from shared.debtors.rules import code_essence
from shared.kit import audit, clock, templating
from shared.kit.actors import Actor
from shared.kit.errors import Invalid
from shared.kit.ids import new_id
from shared.kit.words import gettext as _

DOMAIN = "erased.invalid"
"""Where no mail can go (RFC 2606): the domain of what stands instead of an erased address."""

CODE = "ERASED-"
"""How a customer's code begins that stands instead of one made of a name or an address."""


def digest(company_id: uuid.UUID, address: str) -> str:
    """What a tombstone knows of an address (in lower case). `backoffice.imports.who` says the same in SQL."""
    return hashlib.sha256(f"{company_id}|{address}".encode()).hexdigest()


def bury(session: Session, company_id: uuid.UUID, address: str) -> None:
    """Remember that a person with this address asked to be erased. Twice is once, from the later moment on."""
    row = {"id": new_id(), "company_id": company_id, "digest": digest(company_id, address), "erased_at": clock.now()}
    statement = insert(ErasedAddress).values(row)
    session.execute(
        statement.on_conflict_do_update(index_elements=["company_id", "digest"], set_={"erased_at": row["erased_at"]})
    )


class AskedToBeErased(Invalid):
    """Whoever has this address asked to be erased: it is added again with a reason, or not at all."""


def erased_at(session: Session, company_id: uuid.UUID, address: str) -> datetime | None:
    """When the person with this address (in lower case) was erased; None for anybody else."""
    return session.scalar(
        select(ErasedAddress.erased_at).where(
            ErasedAddress.company_id == company_id, ErasedAddress.digest == digest(company_id, address)
        )
    )


def welcome_back(session: Session, debtor: Debtor, address: str, *, why: str, by: Actor) -> None:
    """Let an address act for a debtor although its owner was erased, for a reason that is written down; nothing for any other.

    Raises AskedToBeErased without a reason.
    """
    at = erased_at(session, debtor.company_id, address)
    if at is None:
        return
    if not why.strip():
        zone = ZoneInfo(session.get_one(Company, debtor.company_id).zone)
        raise AskedToBeErased(
            "contact.erased",
            _(
                "This address was erased on %(day)s at its owner’s wish; adding it again needs a reason.",
                day=templating.day(at.astimezone(zone).date()),
            ),
        )
    session.execute(
        delete(ErasedAddress).where(
            ErasedAddress.company_id == debtor.company_id,
            ErasedAddress.digest == digest(debtor.company_id, address),
        )
    )
    audit.record(
        session,
        by,
        "contact.welcomed_back",
        subject_type="debtor",
        subject_id=debtor.id,
        company_id=debtor.company_id,
        debtor_id=debtor.id,
        after={"erased_at": at.isoformat(), "reason": why.strip()},
    )


def forget_code(row: Debtor | DebtorAlias) -> None:
    """Put a neutral code, which is nobody's, instead of one that was made of a name or an address."""
    neutral = f"{CODE}{row.id.hex[-12:].upper()}"
    if isinstance(row, Debtor):
        row.account_code = neutral
    else:
        row.code, row.essence = neutral, code_essence(neutral)
    row.code_says_who = False


def is_erased(address: str) -> bool:
    """Whether this stands instead of an address that was erased."""
    return address.endswith(f"@{DOMAIN}")
