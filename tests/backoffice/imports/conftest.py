from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from sqlalchemy import select

from backoffice.imports import jobs, run
from shared.company.models import Company
from shared.debtors.models import Debtor
from shared.invoices.models import Invoice
from shared.kit.actors import Actor
from shared.kit.db import reading, transaction
from shared.messages import jobs as message_jobs
from tests.support.people import a_company

FILES = Path(__file__).resolve().parents[2] / "data" / "imports"
BY = Actor.system("test")
JOBS = (jobs, message_jobs)  # importing them makes their jobs known


class Desk:
    """A company, and what its staff do with files."""

    files = FILES

    def __init__(self, company: Company) -> None:
        self.company = company

    def take(self, content: bytes | str | Path, **options: object) -> run.Outcome:
        name = content.name if isinstance(content, Path) else "file.csv"
        data = content.read_bytes() if isinstance(content, Path) else content
        data = data.encode() if isinstance(data, str) else data
        return run.import_file(data, company_id=self.company.id, name=name, by=BY, **options)

    def debtors(self) -> dict[str, tuple[int, int]]:
        with reading() as session:
            rows = session.scalars(select(Debtor).where(Debtor.company_id == self.company.id))
            return {row.account_code: (row.open_minor, row.credit_minor) for row in rows}

    def invoices(self) -> dict[str, tuple[int, int]]:
        with reading() as session:
            rows = session.scalars(select(Invoice).where(Invoice.company_id == self.company.id))
            return {row.number: (row.total_minor, row.open_minor) for row in rows}

    def invoice(self, number: str) -> Invoice:
        with reading() as session:
            return session.scalars(select(Invoice).where(Invoice.number == number)).one()

    def debtor_id(self, code: str) -> uuid.UUID:
        with reading() as session:
            return session.scalars(select(Debtor.id).where(Debtor.account_code == code)).one()


@pytest.fixture
def desk(database, settings, frozen) -> Desk:
    with transaction() as session:
        company = a_company(session)
    return Desk(company)
