"""How Alembic runs here: on the connection that `authserver.storage.migrate` opened and locked."""

from alembic import context

from authserver.storage.migrate import VERSION_TABLE
from authserver.storage.tables import metadata

connection = context.config.attributes["connection"]

context.configure(
    connection=connection,
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    render_as_batch=connection.dialect.name == "sqlite",
    transactional_ddl=True,  # SQLite too: a migration that fails leaves nothing behind
    compare_server_default=True,
)
with context.begin_transaction():
    context.run_migrations()
