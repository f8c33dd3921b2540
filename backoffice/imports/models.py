"""What was imported, how, and with which certificate; and what is remembered of a file's shape."""

import enum
import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from shared.kit.columns import Currency, Minor, enum_column
from shared.kit.db import Base, HasId


class RunState(enum.Enum):
    """Where an import stands."""

    READING = "reading"
    """The file is being read; nothing is written."""
    READY = "ready"
    """It was read without faults and waits for a yes."""
    FAULTY = "faulty"
    """It has faults; other choices may mend it."""
    WAITING = "waiting"
    """Confirmed; the job will come."""
    WRITING = "writing"
    DONE = "done"
    REFUSED = "refused"
    """The certificate did not hold against the books: nothing was written."""
    CANCELLED = "cancelled"
    ASKING = "asking"
    """It was read without faults, and a question is open that only a person can answer."""
    UNDOING = "undoing"
    """It is being taken back; the job will come."""
    UNDONE = "undone"
    """It was taken back: what it made is gone, what it changed is as it was before."""


class ImportRun(HasId, Base):
    """One file offered for import. The file itself is kept by its SHA-256."""

    __tablename__ = "import_run"
    __table_args__ = (Index("ix_import_run_company", "company_id", "id"),)

    company_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    state: Mapped[RunState] = mapped_column(enum_column(RunState))
    form: Mapped[str] = mapped_column(String(16), default="")
    """"csv", "xlsx", "fec", or "" until it is found out."""
    file_name: Mapped[str] = mapped_column(String(200))
    file_sha256: Mapped[str] = mapped_column(String(64))
    file_size: Mapped[int] = mapped_column(BigInteger)
    choices: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    """What a person said: mapping, order of days, decimal mark, terms, `answers` to questions."""
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    counts: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    faults: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    fault_counts: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    warnings: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    warning_counts: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    questions: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    """What is asked of a person, with the answers given so far (`questions.Question`)."""
    certificate: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    """Totals, and the lines of the debtors with something open (the first thousand)."""
    result: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    """What was written: how many debtors, invoices, settlements."""
    done_count: Mapped[int] = mapped_column(default=0)
    total_count: Mapped[int] = mapped_column(default=0)
    """Progress, in lines of the file."""
    currency: Mapped[Currency] = mapped_column(default="EUR")
    error: Mapped[str] = mapped_column(Text, default="")
    started_by_id: Mapped[uuid.UUID | None]
    started_by: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    reading_at: Mapped[datetime | None]
    """When its reading, or reading anew, was asked for, and then when it began."""
    finished_at: Mapped[datetime | None]
    file_gone_at: Mapped[datetime | None]
    """When the kept file was let go of, with what was quoted from it: its time was over."""
    undone_at: Mapped[datetime | None]
    undone_by_id: Mapped[uuid.UUID | None]
    undone_by: Mapped[str] = mapped_column(default="", server_default="")
    undo_reason: Mapped[str] = mapped_column(Text, default="", server_default="")
    """Why it was taken back, in the words of whoever asked for it."""


class ImportChange(HasId, Base):
    """One row of the books that an import changed, before and after: what an undo puts back, and how it sees later edits.

    What an import *made* needs no such row: it names its run itself.
    """

    __tablename__ = "import_change"
    __table_args__ = (UniqueConstraint("run_id", "kind", "subject_id"),)

    run_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("import_run.id"))
    kind: Mapped[str] = mapped_column(String(16))
    """"invoice", "debtor", "position" (what the books showed as a debtor's unapplied credit), or "gift" (what it cancelled, as a gift)."""
    subject_id: Mapped[uuid.UUID]
    before: Mapped[dict[str, Any]] = mapped_column(JSONB)
    after: Mapped[dict[str, Any]] = mapped_column(JSONB)


class ImportLeg(Base):
    """That a movement on what was known already was written by an import; those of new invoices are told by the invoice."""

    __tablename__ = "import_leg"
    __table_args__ = (Index(None, "run_id"),)

    transfer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("ledger_transfer.id"), primary_key=True)
    run_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("import_run.id"))


class ImportMapping(HasId, Base):
    """How a person read a table: offered again for every file with the same headings."""

    __tablename__ = "import_mapping"
    __table_args__ = (UniqueConstraint("company_id", "signature"),)

    company_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    signature: Mapped[str] = mapped_column(String(64))
    choices: Mapped[dict[str, Any]] = mapped_column(JSONB)
    used_at: Mapped[datetime]


class ImportPosition(Base):
    """The unapplied credit that the accounting file last showed for a debtor: a later file is compared with it."""

    __tablename__ = "import_position"

    debtor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("debtor.id"), primary_key=True)
    credit_minor: Mapped[Minor]
    import_run_id: Mapped[uuid.UUID]
