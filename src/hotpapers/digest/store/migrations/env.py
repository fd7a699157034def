"""What Alembic runs to bring a store up to date; the connection is given by ``hotpapers.digest.store.opening``."""

from alembic import context

from hotpapers.digest.store.schema import schema

context.configure(connection=context.config.attributes["connection"], target_metadata=schema)
with context.begin_transaction():
    context.run_migrations()
