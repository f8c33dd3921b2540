"""personal data: how long it is kept, sweeps, erasures.

Revision: 0022
Revises: 0021
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Each company's terms, the yes of two people, runs, wishes and tombstones; messages and imports that lost their words."""
    op.create_table(
        "retention_term",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("set_by", sa.String(), nullable=False),
        sa.Column("set_by_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("length > 0", name=op.f("ck_retention_term_length_above_zero")),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_retention_term_company_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retention_term")),
    )
    op.create_index(op.f("ix_retention_term_company_id_kind_from_on"), "retention_term", ["company_id", "kind", "from_on"])
    op.create_table(
        "retention_release",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("state", _one_of("asked", "agreed", "declined", name="releasestate"), nullable=False),
        sa.Column("kinds", postgresql.JSONB(), nullable=False),
        sa.Column("counts", postgresql.JSONB(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_by_id", sa.Uuid(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=False),
        sa.Column("decided_by_id", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_retention_release_company_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retention_release")),
    )
    op.create_index(op.f("ix_retention_release_company_id_id"), "retention_release", ["company_id", "id"])
    op.create_index(
        "uq_retention_release_asked",
        "retention_release",
        ["company_id"],
        unique=True,
        postgresql_where=sa.text("state = 'asked'"),
    )
    op.create_table(
        "retention_run",
        sa.Column("company_id", sa.Uuid(), nullable=True),
        sa.Column("counts", postgresql.JSONB(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_retention_run_company_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retention_run")),
    )
    op.create_index(op.f("ix_retention_run_company_id_id"), "retention_run", ["company_id", "id"])
    op.create_index(
        "uq_retention_run_unfinished",
        "retention_run",
        ["company_id"],
        unique=True,
        postgresql_where=sa.text("finished_at IS NULL"),
        postgresql_nulls_not_distinct=True,
    )
    op.create_table(
        "erasure_request",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("state", _one_of("asked", "done", "declined", name="erasurestate"), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("counts", postgresql.JSONB(), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=False),
        sa.Column("decided_by_id", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_erasure_request_company_id")),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_erasure_request_contact_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasure_request")),
    )
    op.create_index(
        "uq_erasure_request_asked",
        "erasure_request",
        ["contact_id"],
        unique=True,
        postgresql_where=sa.text("state = 'asked'"),
    )
    op.create_index(
        "ix_erasure_request_open",
        "erasure_request",
        ["company_id", "due_on"],
        postgresql_where=sa.text("state = 'asked'"),
    )
    op.create_table(
        "erased_address",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_erased_address_company_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erased_address")),
        sa.UniqueConstraint("company_id", "digest", name=op.f("uq_erased_address_company_id_digest")),
    )
    op.create_index(op.f("ix_erased_address_erased_at"), "erased_address", ["erased_at"])
    op.create_table(
        "discarded_file",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("discarded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(sha256) = 64", name=op.f("ck_discarded_file_sha256_length")),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_discarded_file")),
    )
    op.add_column("message", sa.Column("forgotten_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("message", sa.Column("text_sha256", sa.String(length=64), nullable=True))
    op.create_index(
        "ix_message_kept", "message", ["company_id", "created_at"], postgresql_where=sa.text("forgotten_at IS NULL")
    )
    op.add_column("import_run", sa.Column("file_gone_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """What was removed stays removed; that it was, is told by the audit trail alone."""
    op.drop_column("import_run", "file_gone_at")
    op.drop_index("ix_message_kept", table_name="message")
    op.drop_column("message", "text_sha256")
    op.drop_column("message", "forgotten_at")
    for table in (
        "discarded_file",
        "erased_address",
        "erasure_request",
        "retention_run",
        "retention_release",
        "retention_term",
    ):
        op.drop_table(table)


def _one_of(*words: str, name: str) -> sa.Enum:
    return sa.Enum(*words, name=name, native_enum=False, create_constraint=True, length=32)
