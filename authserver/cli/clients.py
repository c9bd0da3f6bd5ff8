"""`authserver clients block | unblock`: a client that may do nothing any more"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from authserver.cli.option import config_file
from authserver.cli.refusal import Refusal

if TYPE_CHECKING:
    from authserver.oauth.client import Client
    from authserver.settings import Settings
    from authserver.storage.store import Store


@click.group()
def clients() -> None:
    """Look after clients that registered themselves."""


@clients.command()
@click.argument("client_id")
@config_file
def block(client_id: str, config_file: str | None) -> None:
    """End all that a client was given, at once, and let it begin nothing new."""
    now = int(time.time())
    with _opened(config_file) as (settings, store):
        client = _find(settings, store, client_id, now)
        with store.write() as tx:
            tx.block_client(client, now)
    click.echo(f"{client.display_name} is blocked: its grants and what users decided have ended.")


@clients.command()
@click.argument("client_id")
@config_file
def unblock(client_id: str, config_file: str | None) -> None:
    """Let a blocked client begin anew; what was ended stays ended."""
    with _opened(config_file) as (_, store), store.write() as tx:
        found = tx.unblock_client(client_id)
    if not found:
        raise Refusal("No client with this id is blocked.")
    click.echo("It may begin anew: its users sign in and agree again.")


def _find(settings: "Settings", store: "Store", client_id: str, now: int) -> "Client":
    """Return a client that registered, also one that nobody has agreed to yet."""
    from authserver.oauth import client_document, command_line, signed_client  # noqa: PLC0415 - heavy
    from authserver.sealing import client_id_keys  # noqa: PLC0415 - heavy

    if client_id in settings.clients:
        raise Refusal("This client stands in the configuration: take it out there.")
    if client_id == command_line.client_id(settings.issuer):
        raise Refusal(
            "This is our own command line: without [client_documents] enabled it is unknown."
        )
    if client_document.is_url(client_id):
        raise Refusal(
            "This client publishes itself: write its domain into [client_documents] denied_domains."
        )
    with store.read() as reads:
        found = reads.registration(client_id)
    if found is not None:
        return found.client
    keys, policy = client_id_keys(settings.sealing_keys), settings.registration
    signed = signed_client.find(keys, settings.issuer, client_id, policy, now)
    if signed is None:
        raise Refusal("There is no client with this id.")
    return signed


@contextmanager
def _opened(config_file: str | None) -> Iterator[tuple["Settings", "Store"]]:
    from authserver.build import open_store  # noqa: PLC0415 - heavy
    from authserver.settings import load, locate  # noqa: PLC0415 - heavy

    settings = load(locate(config_file))
    store = open_store(settings)
    try:
        yield settings, store
    finally:
        store.close()
