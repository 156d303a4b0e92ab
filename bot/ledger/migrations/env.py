"""What Alembic runs: the revisions, on the connection and in the transaction that the ledger has opened."""

from alembic import context

from bot.ledger.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
