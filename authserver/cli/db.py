"""`authserver db`: the schema of the database"""

import json
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from authserver.cli.option import as_json, config_file

if TYPE_CHECKING:
    from authserver.upstream.change import Users


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
        with closing(Store.open(url)) as store:
            is_current = store.schema_is_current()
            if is_current:
                store.check_schema()
    if as_json:
        found = {"revision": revision, "newest": newest, "current": is_current}
        click.echo(json.dumps(found, indent=2))
    else:
        click.echo(f"The schema is at {revision or 'no revision: the database is empty'}.")
        if not is_current:
            click.echo(f"This version needs {newest}: run authserver db upgrade.")
    ctx.exit(0 if is_current else 1)


@db.command("rekey-upstream")
@config_file
@click.option(
    "--users",
    type=click.Choice(["keep", "new"]),
    required=True,
    help="keep: the subjects still mean the same people.  new: they may mean others.",
)
@click.option("--yes", is_flag=True, help="Do it; without this, only say what would be done.")
@click.pass_context
def rekey_upstream(
    ctx: click.Context, config_file: str | None, users: "Users", *, yes: bool
) -> None:
    """Take over a configuration that changes by what users are known at the provider.

    Users that are not kept are retired: their sessions and grants end, and nobody who signs in is
    one of them. Stop the server first.
    """
    from authserver.build import open_store  # noqa: PLC0415 - heavy
    from authserver.settings import fingerprint, load, locate  # noqa: PLC0415 - heavy
    from authserver.upstream import change  # noqa: PLC0415 - heavy

    settings = load(locate(config_file))
    configured = fingerprint.of(settings.upstream)
    with closing(open_store(settings)) as store, store.write() as tx:
        stored = tx.upstream_identity()
        if stored is None or stored == configured:
            click.echo("Nothing to do: users are known by what the configuration says.")
            return
        plan = change.plan(tx, stored, configured, users)
        click.echo("\n".join(change.describe(stored, configured)))
        if yes:
            change.carry_out(tx, plan, configured, int(time.time()))
            click.echo(f"Done: {plan.kept} users are kept, {plan.retired} are retired.")
        else:
            click.echo(f"{plan.kept} users would be kept, {plan.retired} retired.")
            click.echo("Nothing was changed: stop the server, and run it again with --yes.")
    ctx.exit(0 if yes else 1)
