"""Mandates at the desk: the paper that was signed."""

from __future__ import annotations

import uuid

import pytest

from payments.models import Mandate
from payments.status import MandateStatus
from shared.kit import clock, ids
from shared.kit.db import transaction
from tests.backoffice.conftest import World


def a_mandate(company_id: uuid.UUID, debtor_id: uuid.UUID, **facts: object) -> uuid.UUID:
    with transaction() as session:
        mandate = Mandate(
            id=ids.new_id(),
            company_id=company_id,
            debtor_id=debtor_id,
            reference=f"MDT-{debtor_id}"[:24],
            attempt=str(debtor_id),
            idempotency_key=str(debtor_id),
            status=MandateStatus.ACTIVE,
            scheme_reference="RUM-7",
            holder_name="Dora Durand",
            iban_ending="0189",
            iban_country="FR",
            created_at=clock.now(),
            **facts,
        )
        session.add(mandate)
        return mandate.id


def test_the_mandate_that_was_signed_is_a_pdf(ines, world: World) -> None:
    identity = a_mandate(world.company, world.dora, given_at=clock.now())
    page = ines.get(f"/mandates/{identity}").text
    assert f"/mandates/{identity}/mandate.pdf" in page

    paper = ines.get(f"/mandates/{identity}/mandate.pdf")

    assert paper.mimetype == "application/pdf"
    assert paper.data.startswith(b"%PDF-")
    assert paper.headers["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize("whose", ["unsigned", "foreign"])
def test_what_is_not_signed_or_not_of_this_company_is_not_found(ines, world: World, whose: str) -> None:
    if whose == "unsigned":
        identity = a_mandate(world.company, world.dora)
        assert "mandate.pdf" not in ines.get(f"/mandates/{identity}").text
    else:
        with transaction() as session:
            from shared.debtors.models import Debtor

            company = session.get_one(Debtor, world.foreign_debtor).company_id
        identity = a_mandate(company, world.foreign_debtor, given_at=clock.now())

    assert ines.get(f"/mandates/{identity}/mandate.pdf").status_code == 404
