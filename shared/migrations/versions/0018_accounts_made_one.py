"""accounts made one.

Revision: 0018
Revises: 0017
"""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A movement may change the account on which it stands when two accounts are made one, and nothing else of it ever.

    The transaction names the two debtors (`guichet.merging`); the amount, the accounts, the days and the invoice stay as they are.
    """
    op.execute(
        """
        CREATE FUNCTION refuse_change_of_money() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'UPDATE'
                AND current_setting('guichet.merging', true) = OLD.debtor_id::text || '>' || NEW.debtor_id::text
                AND to_jsonb(NEW) - '{debtor_id,debit_owner,credit_owner}'::text[]
                    = to_jsonb(OLD) - '{debtor_id,debit_owner,credit_owner}'::text[]
                AND (NEW.debit_owner IS NOT DISTINCT FROM OLD.debit_owner OR (OLD.debit_account = 'credit'
                    AND OLD.debit_owner = OLD.debtor_id AND NEW.debit_owner = NEW.debtor_id))
                AND (NEW.credit_owner IS NOT DISTINCT FROM OLD.credit_owner OR (OLD.credit_account = 'credit'
                    AND OLD.credit_owner = OLD.debtor_id AND NEW.credit_owner = NEW.debtor_id))
            THEN RETURN NEW; END IF;
            RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
        END $$
        """
    )
    op.execute("DROP TRIGGER append_only ON ledger_transfer")
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON ledger_transfer FOR EACH ROW "
        "EXECUTE FUNCTION refuse_change_of_money()"
    )


def downgrade() -> None:
    """Accounts that were made one stay so; no further ones can be."""
    op.execute("DROP TRIGGER append_only ON ledger_transfer")
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON ledger_transfer FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.execute("DROP FUNCTION refuse_change_of_money()")
