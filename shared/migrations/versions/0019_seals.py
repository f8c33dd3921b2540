"""seals of what is only ever added to.

Revision: 0019
Revises: 0018
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

COLUMNS = {
    "audit_line": (
        "t.id",
        "extract(epoch FROM t.at)",
        "t.actor_kind",
        "t.actor_id",
        "t.actor_name",
        "t.action",
        "t.subject_type",
        "t.subject_id",
        "t.company_id",
        "t.debtor_id",
        "t.before",
        "t.after",
    ),
    "ledger_transfer": (
        "t.company_id",
        "t.debtor_id",
        "t.movement_id",
        "t.leg",
        "t.kind",
        "t.phase",
        "t.pending_id",
        "t.debit_account",
        "t.debit_owner",
        "t.credit_account",
        "t.credit_owner",
        "t.amount_minor",
        "t.currency",
        "t.value_on - DATE '2000-01-01'",
        "extract(epoch FROM t.at)",
        "t.payment_id",
        "t.provider",
        "t.provider_reference",
        "t.id",
    ),
    "payment_transition": (
        "t.payment_id",
        "t.before",
        "t.after",
        "t.step",
        "extract(epoch FROM t.at)",
        "t.actor_kind",
        "t.actor_name",
        "t.cause",
        "t.id",
    ),
    "mandate_transition": (
        "t.mandate_id",
        "t.before",
        "t.after",
        "t.step",
        "extract(epoch FROM t.at)",
        "t.actor_kind",
        "t.actor_name",
        "t.cause",
        "t.id",
    ),
    "dispute_transition": (
        "t.dispute_id",
        "t.before",
        "t.after",
        "t.actor_id",
        "t.step",
        "extract(epoch FROM t.at)",
        "t.actor_kind",
        "t.actor_name",
        "t.cause",
        "t.id",
    ),
    "promise_transition": (
        "t.promise_id",
        "t.before",
        "t.after",
        "t.kept_minor",
        "t.step",
        "extract(epoch FROM t.at)",
        "t.actor_kind",
        "t.actor_name",
        "t.cause",
        "t.id",
    ),
    "plan_transition": (
        "t.plan_id",
        "t.before",
        "t.after",
        "t.step",
        "extract(epoch FROM t.at)",
        "t.actor_kind",
        "t.actor_name",
        "t.cause",
        "t.id",
    ),
    "declaration_transition": (
        "t.declaration_id",
        "t.before",
        "t.after",
        "t.step",
        "extract(epoch FROM t.at)",
        "t.actor_kind",
        "t.actor_name",
        "t.cause",
        "t.id",
    ),
    "chargeback_transition": (
        "t.chargeback_id",
        "t.before",
        "t.after",
        "t.step",
        "extract(epoch FROM t.at)",
        "t.actor_kind",
        "t.actor_name",
        "t.cause",
        "t.id",
    ),
}
"""What a seal covers, written so that neither time zone nor date style of a session changes it."""

A_THOUSAND = 1000


def upgrade() -> None:
    """Seal what stands, and from now on every row as it is written: some ten seconds for a million rows.

    Whoever is writing is waited for, and whoever comes meanwhile waits: a row between the two would have no seal.
    """
    op.execute(f"LOCK TABLE {', '.join(COLUMNS)} IN SHARE ROW EXCLUSIVE MODE")
    op.create_table(
        "seal",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("of", sa.String(length=32), nullable=False),
        sa.Column("keys", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("digests", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seal")),
    )
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON seal FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    for table, columns in COLUMNS.items():
        key = "lpad(to_hex(t.id), 32, '0')::uuid" if table == "audit_line" else "t.id"
        op.execute(f"CREATE FUNCTION seal_key(t {table}) RETURNS uuid LANGUAGE sql STABLE AS $$ SELECT {key} $$")
        op.execute(
            f"""
            CREATE FUNCTION seal_digest(t {table}) RETURNS uuid LANGUAGE sql STABLE AS $$
                SELECT left(encode(sha256(convert_to(ROW({", ".join(columns)})::text, 'UTF8')), 'hex'), 32)::uuid
            $$
            """
        )
        op.execute(
            f"""
            CREATE FUNCTION seal_{table}() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                {_sealing(table, "fresh")};
                RETURN NULL;
            END $$
            """
        )
        op.execute(
            f"""
            CREATE TRIGGER sealed AFTER INSERT ON {table} REFERENCING NEW TABLE AS fresh
            FOR EACH STATEMENT EXECUTE FUNCTION seal_{table}()
            """
        )
        op.execute(_sealing(table, table))


def downgrade() -> None:
    """Seals say nothing that the rows do not say: they are made anew when this schema comes back."""
    for table in COLUMNS:
        op.execute(f"DROP TRIGGER sealed ON {table}")
        op.execute(f"DROP FUNCTION seal_{table}()")
        op.execute(f"DROP FUNCTION seal_digest({table})")
        op.execute(f"DROP FUNCTION seal_key({table})")
    op.drop_table("seal")


def _sealing(table: str, source: str) -> str:
    return f"""
        INSERT INTO seal (of, keys, digests)
        SELECT '{table}', array_agg(seal_key(r) ORDER BY n), array_agg(seal_digest(r) ORDER BY n)
        FROM (SELECT ROW(f.*)::{table} AS r, row_number() OVER (ORDER BY f.id) AS n FROM {source} f) AS numbered
        GROUP BY (n - 1) / {A_THOUSAND} ORDER BY min(n)
    """
