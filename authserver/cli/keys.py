"""`authserver keys`: the keys that sign tokens, and those that seal secrets. RFC 7517"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from authserver.cli import sealing
from authserver.cli.option import as_json, config_file

if TYPE_CHECKING:
    from authserver.keys import SigningKeys


@click.group()
def keys() -> None:
    """Look after the keys that sign tokens, and those that seal secrets."""


for command in (sealing.status, sealing.check, sealing.reseal, sealing.forget):
    keys.add_command(command)


@keys.command("list")
@config_file
@as_json
def list_(config_file: str | None, *, as_json: bool) -> None:
    """List every key: which one signs, which comes next, which are retired."""
    with _signing_keys(config_file) as signing_keys:
        found = signing_keys.list(int(time.time()))
    if as_json:
        click.echo(json.dumps([asdict(each) for each in found], indent=2))
        return
    if not found:
        click.echo("There is no key yet: the server makes one when it starts.")
    for each in found:
        line = f"{each.kid}  {each.alg:<5}  {each.state:<8}  signs from {_date(each.active_at)}"
        click.echo(line + (f" until {_date(each.retired_at)}" if each.retired_at else ""))


@keys.command()
@config_file
def rotate(config_file: str | None) -> None:
    """Make the next key now; it signs as soon as every verifier had time to fetch it."""
    now = int(time.time())
    with _signing_keys(config_file) as signing_keys:
        active_at = signing_keys.rotate(now)
    when = "now" if active_at <= now else f"from {_date(active_at)}"
    click.echo(f"The newest key is published and signs {when}. No token becomes invalid.")


@contextmanager
def _signing_keys(config_file: str | None) -> Iterator["SigningKeys"]:
    """Give the keys of the configured server, whose schema must be current."""
    from authserver.build import open_store, signing_keys  # noqa: PLC0415 - heavy
    from authserver.settings import load, locate  # noqa: PLC0415 - heavy

    settings = load(locate(config_file))
    store = open_store(settings)
    try:
        yield signing_keys(settings, store)
    finally:
        store.close()


def _date(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M UTC")
