"""Disputes at the desk: Dora contests part of her late invoice; Octave of another company contests his."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass

import pytest
from sqlalchemy import select

from shared.attachments.models import Attachment
from shared.attachments.service import Checked
from shared.debtors.models import DebtorContact
from shared.disputes import service as disputes
from shared.disputes.models import Dispute, DisputePart
from shared.disputes.service import Claim
from shared.kit.actors import Actor
from shared.kit.db import reading, transaction

PROOF = b"Two chairs of four are broken."


@dataclass
class Case:
    """What the tests speak of."""

    dispute: uuid.UUID
    part: uuid.UUID
    file: uuid.UUID
    foreign: uuid.UUID
    foreign_file: uuid.UUID

    def read(self) -> Dispute:
        with reading() as session:
            return session.get_one(Dispute, self.dispute)


def contest(
    debtor_id: uuid.UUID,
    invoice_id: uuid.UUID,
    minor: int | None,
    attempt: str,
    *,
    reason: str = "not_conform",
    by: Actor | None = None,
) -> uuid.UUID:
    """A debtor contests so much of an invoice, with a text as proof."""
    checked = [Checked("constat.txt", "text/plain", PROOF, hashlib.sha256(PROOF).hexdigest())]
    with transaction() as session:
        contact_id = session.scalars(select(DebtorContact.contact_id).where(DebtorContact.debtor_id == debtor_id)).one()
        return disputes.raise_dispute(
            session,
            debtor_id=debtor_id,
            claims=[Claim(invoice_id, minor=minor)],
            reason_code=reason,
            text="Two chairs of four arrived broken.",
            attempt=attempt,
            by=by or Actor.contact(contact_id, "Dora Durand"),
            contact_id=contact_id,
            files=checked,
        ).id


@pytest.fixture
def case(world, desk) -> Case:
    mine = contest(world.dora, world.late, 5_000, "one")
    theirs = contest(world.foreign_debtor, world.foreign_invoice, None, "two")
    with reading() as session:
        part = session.scalars(select(DisputePart.id).where(DisputePart.dispute_id == mine)).one()
        file, foreign_file = (
            session.scalars(select(Attachment.id).where(Attachment.subject_id == each)).one() for each in (mine, theirs)
        )
    return Case(mine, part, file, theirs, foreign_file)
