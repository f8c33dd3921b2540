"""Addresses of people who asked to be erased: known by a digest alone, so that they do not come back unasked."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from shared.debtors.models import ErasedAddress
from shared.kit import clock
from shared.kit.ids import new_id

DOMAIN = "erased.invalid"
"""Where no mail can go (RFC 2606): the domain of what stands instead of an erased address."""


def digest(company_id: uuid.UUID, address: str) -> str:
    """What a tombstone knows of an address (in lower case)."""
    return hashlib.sha256(f"{company_id}|{address}".encode()).hexdigest()


def bury(session: Session, company_id: uuid.UUID, address: str) -> None:
    """Remember that a person with this address asked to be erased. Twice is once, from the later moment on."""
    row = {"id": new_id(), "company_id": company_id, "digest": digest(company_id, address), "erased_at": clock.now()}
    statement = insert(ErasedAddress).values(row)
    session.execute(
        statement.on_conflict_do_update(index_elements=["company_id", "digest"], set_={"erased_at": row["erased_at"]})
    )


def found_among(session: Session, company_id: uuid.UUID, addresses: Iterable[str]) -> set[str]:
    """Which of these addresses (in lower case) belong to people who were erased."""
    by_digest = {digest(company_id, address): address for address in addresses}
    known = session.scalars(
        select(ErasedAddress.digest).where(
            ErasedAddress.company_id == company_id, ErasedAddress.digest.in_(list(by_digest))
        )
    )
    return {by_digest[each] for each in known}


def welcome_back(session: Session, company_id: uuid.UUID, address: str) -> None:
    """The person wants to be known again."""
    session.execute(
        delete(ErasedAddress).where(
            ErasedAddress.company_id == company_id, ErasedAddress.digest == digest(company_id, address)
        )
    )


def is_erased(address: str) -> bool:
    """Whether this stands instead of an address that was erased."""
    return address.endswith(f"@{DOMAIN}")
