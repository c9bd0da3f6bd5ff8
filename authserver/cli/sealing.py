"""`authserver keys status | check | reseal | forget`: the keys that seal secrets at rest"""

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import click

from authserver.cli.option import as_json, config_file
from authserver.cli.refusal import Refusal

if TYPE_CHECKING:
    from authserver.keys import SigningKeys
    from authserver.keys.usage import KeyUsage
    from authserver.keys.vault_cipher import VaultCipher
    from authserver.sealing import Sealer
    from authserver.storage.store import Store

_ROLES = {"seals": "seals", "opens": "opens", "missing": "MISSING"}


@dataclass(frozen=True, slots=True)
class _Opened:
    store: "Store"
    sealer: "Sealer"
    cipher: "VaultCipher"
    signing_keys: "SigningKeys"
    accept_plaintext: bool
    now: int


def _check_kid(ctx: click.Context, param: click.Parameter, value: str) -> str:
    if not re.fullmatch("[0-9a-f]{8}", value):
        raise click.BadParameter("write the 8 characters of a key's id", ctx, param)
    return value


@click.command()
@config_file
@as_json
def status(config_file: str | None, *, as_json: bool) -> None:
    """Count what depends on each sealing key: values, refresh tokens, running instances."""
    from authserver.keys.usage import count, unattributed  # noqa: PLC0415 - heavy

    with _opened(config_file) as opened:
        usages = count(opened.store, opened.sealer, opened.now)
        plaintext, unknown = unattributed(opened.store, opened.now)
    if as_json:
        keys = [asdict(each) for each in usages]
        found = {"keys": keys, "plaintext": plaintext, "refresh_tokens_of_unknown_key": unknown}
        click.echo(json.dumps(found, indent=2))
        return
    for each in usages:
        click.echo(_line(each))
    if plaintext:
        click.echo(f"{plaintext} upstream tokens are not sealed at all.")
    if unknown:
        click.echo(f"{unknown} refresh tokens were made by a version that did not note their key.")


@click.command()
@config_file
@as_json
@click.pass_context
def check(ctx: click.Context, config_file: str | None, *, as_json: bool) -> None:
    """Open every sealed value, and say which keys may go; exits with 1 where something is wrong."""
    from authserver.keys import verdict  # noqa: PLC0415 - heavy

    with _opened(config_file) as opened:
        found = verdict.judge(
            opened.store,
            opened.sealer,
            opened.cipher,
            opened.now,
            accept_plaintext=opened.accept_plaintext,
        )
    if as_json:
        click.echo(json.dumps(asdict(found), indent=2))
    else:
        for each in (*found.problems, *found.remarks):
            click.echo(each)
        if not found.problems:
            click.echo("Every sealed value opens in its place.")
    ctx.exit(1 if found.problems else 0)


@click.command()
@config_file
@as_json
def reseal(config_file: str | None, *, as_json: bool) -> None:
    """Seal with the first key whatever another one sealed; safe while servers run."""
    from authserver.keys import inventory  # noqa: PLC0415 - heavy

    with _opened(config_file) as opened:
        signing_keys = opened.signing_keys.reseal(opened.now)
        vault = inventory.reseal(opened.store, opened.cipher)
    if as_json:
        found = {"signing_keys": signing_keys, "upstream_tokens": asdict(vault)}
        click.echo(json.dumps(found, indent=2))
        return
    click.echo(f"Sealed anew: {signing_keys} signing keys, {vault.resealed} upstream tokens.")
    unopened = vault.damaged + vault.missing
    if unopened:
        click.echo(f"Not opened: {unopened} upstream tokens. authserver keys check says why.")


@click.command()
@config_file
@click.argument("kid", callback=_check_kid)
@click.confirmation_option(
    prompt="Users connect again whose tokens it sealed, and tokens that its signing keys signed "
    "become invalid. Is the key lost for good?"
)
def forget(config_file: str | None, kid: str) -> None:
    """Give up what a lost sealing key sealed, so that the server starts without it."""
    from authserver.keys.usage import counted_as  # noqa: PLC0415 - heavy

    with _opened(config_file) as opened:
        if kid in opened.sealer.kids:
            raise Refusal(f"The sealing key {kid} is configured: nothing of it is lost.")
        with opened.store.write() as tx:
            keys, rows, grants = tx.forget_sealing_key(kid, opened.now)
    lost = (
        counted_as(keys, "signing key"),
        f"{rows} user's upstream tokens" if rows == 1 else f"{rows} users' upstream tokens",
        counted_as(grants, "grant"),
    )
    click.echo(f"Given up: {', '.join(lost)}.")


def _line(usage: "KeyUsage") -> str:
    return (
        f"{usage.kid}  {_ROLES[usage.role]:<7}  held by {usage.instances} running, "
        f"needed by {usage}"
    )


@contextmanager
def _opened(config_file: str | None) -> Iterator[_Opened]:
    """Give what the commands need of the configured server, whose schema must be current."""
    from authserver.build import open_store, signing_keys, vault_cipher  # noqa: PLC0415 - heavy
    from authserver.sealing import Sealer  # noqa: PLC0415 - heavy
    from authserver.settings import load, locate  # noqa: PLC0415 - heavy

    settings = load(locate(config_file))
    store = open_store(settings)
    sealer = Sealer(settings.sealing_keys)
    try:
        yield _Opened(
            store,
            sealer,
            vault_cipher(settings, sealer),
            signing_keys(settings, store),
            settings.accept_plaintext,
            int(time.time()),
        )
    finally:
        store.close()
