"""the words of a dispute may go, and nothing else of its conversation.

Revision: 0027
Revises: 0026
"""

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A change that empties the text of an entry passes; every other one is refused as before."""
    op.execute(
        """
        CREATE FUNCTION refuse_change_of_words() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'UPDATE' AND NEW.text = '' AND to_jsonb(NEW) - 'text' = to_jsonb(OLD) - 'text'
            THEN RETURN NEW; END IF;
            RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
        END $$
        """
    )
    op.execute("DROP TRIGGER append_only ON dispute_entry")
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON dispute_entry FOR EACH ROW "
        "EXECUTE FUNCTION refuse_change_of_words()"
    )


def downgrade() -> None:
    """Words that went stay gone."""
    op.execute("DROP TRIGGER append_only ON dispute_entry")
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON dispute_entry FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.execute("DROP FUNCTION refuse_change_of_words()")
