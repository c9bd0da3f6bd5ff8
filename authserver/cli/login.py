"""`authserver login`: try a deployment as a client would"""

import json
import time
import webbrowser
from dataclasses import fields
from typing import TYPE_CHECKING

import click

from authserver.cli.option import as_json
from authserver.cli.refusal import Refusal

if TYPE_CHECKING:
    from authserver.login import Outcome


@click.command()
@click.argument("url")
@click.option("--resource", metavar="URL", help="The MCP server, where an issuer has several.")
@click.option("--scope", help="What to ask for, separated by spaces.  [default: left out]")
@click.option("--client-id", metavar="ID", help="A client of yours.  [default: our own]")
@click.option("--timeout", default=300, show_default=True, help="Seconds to wait for the browser.")
@click.option("--no-browser", is_flag=True, help="Print the address in place of opening it.")
@click.option("--show-token", is_flag=True, help="Print the token, and do not revoke it.")
@as_json
def login(
    url: str,
    resource: str | None,
    scope: str | None,
    client_id: str | None,
    timeout: int,
    *,
    no_browser: bool,
    show_token: bool,
    as_json: bool,
) -> None:
    """Log in at URL, an MCP server or an issuer, and say what came back.

    Finds the authorization server as clients do, opens the browser, checks the token as MCP
    servers do, tries it at the MCP server, and revokes it.
    """
    from authserver.login import Http, LoginFailed, Wishes, find, log_in  # noqa: PLC0415 - heavy
    from authserver.login.discovery import is_url  # noqa: PLC0415 - heavy

    if not is_url(url):
        raise click.BadParameter("write a URL: https, or http on this machine", param_hint="URL")

    def open_browser(address: str) -> None:
        opened = not no_browser and webbrowser.open(address)
        asks = "Waiting for your browser." if opened else f"Open this:\n{address}"
        click.echo(_printable(asks), err=True)

    wishes = Wishes(client_id=client_id, scope=scope, timeout=timeout, keep=show_token)
    http = Http()
    try:
        found = find(http, url, resource)
        outcome = log_in(http, found, wishes, open_browser, int(time.time()))
    except LoginFailed as error:
        raise Refusal(_printable(str(error))) from None
    finally:
        http.close()
    _print(outcome, show_token=show_token, as_json=as_json)
    if outcome.mcp_status is not None and outcome.mcp_status >= 400:
        raise Refusal(f"The MCP server answered {outcome.mcp_status} to the token.")


def _print(outcome: "Outcome", *, show_token: bool, as_json: bool) -> None:
    members = {each.name: getattr(outcome, each.name) for each in fields(outcome)}
    members["claims"] = dict(outcome.claims)
    if not show_token:
        del members["access_token"]
    if as_json:
        click.echo(json.dumps(members, indent=2))
        return
    claims = members.pop("claims")
    for name, value in members.items():
        if value is not None:
            click.echo(_printable(f"{name:<12}  {value}"))
    click.echo("claims")
    for name, value in claims.items():
        click.echo(_printable(f"  {name:<10}  {json.dumps(value)}"))


def _printable(text: str) -> str:
    """Return what servers said without what a terminal would obey."""
    return "".join(each if each.isprintable() or each == "\n" else "?" for each in text)
