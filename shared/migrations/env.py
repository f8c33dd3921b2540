"""Alembic's environment: the caller gives the connection and the tables (`shared.kit.schema`)."""

from alembic import context

config = context.config
connection = config.attributes["connection"]
connection.exec_driver_sql("SET LOCAL lock_timeout TO '5s'")
connection.exec_driver_sql("SET LOCAL statement_timeout TO 0")  # millions of rows take longer than any page may
connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtextextended('guichet.migrations', 7))")
context.configure(
    connection=connection,
    target_metadata=config.attributes["metadata"],
    compare_type=True,
    compare_server_default=False,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
