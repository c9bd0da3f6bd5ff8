"""`authserver db`: the schema of the database"""

import json
from pathlib import Path

import click

from authserver.cli.option import as_json, config_file


@click.group()
def db() -> None:
    """Look after the schema of the database."""


@db.command()
@config_file
def upgrade(config_file: str | None) -> None:
    """Bring the schema to this version; safe to run again, and at the same time elsewhere."""
    from authserver.settings import load, locate  # noqa: PLC0415 - heavy
    from authserver.storage import migrate  # noqa: PLC0415 - heavy

    url = load(locate(config_file)).database_url
    migrate.upgrade(url)
    revision, _ = migrate.status(url)
    click.echo(f"The schema is at {revision}.")


@db.command()
@config_file
@as_json
@click.pass_context
def status(ctx: click.Context, config_file: str | None, *, as_json: bool) -> None:
    """Say at which revision the schema is; exits with 1 when it is behind this version."""
    from authserver.settings import load, locate  # noqa: PLC0415 - heavy
    from authserver.storage import migrate  # noqa: PLC0415 - heavy
    from authserver.storage.store import Store  # noqa: PLC0415 - heavy

    url = load(locate(config_file)).database_url
    if url.startswith("sqlite:") and not Path(url.removeprefix("sqlite:///")).exists():
        # Asking SQLite would make the file.
        revision, newest, is_current = None, migrate.head(), False
    else:
        revision, newest = migrate.status(url)
        store = Store.open(url)
        is_current = store.schema_is_current()
        store.close()
    if as_json:
        found = {"revision": revision, "newest": newest, "current": is_current}
        click.echo(json.dumps(found, indent=2))
    else:
        click.echo(f"The schema is at {revision or 'no revision: the database is empty'}.")
        if not is_current:
            click.echo(f"This version needs {newest}: run authserver db upgrade.")
    ctx.exit(0 if is_current else 1)
