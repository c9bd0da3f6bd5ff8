"""The command `authserver`: what an operator does with the server

Modules import what is heavy inside their commands, so that `--help` answers at once.
"""

import click

from authserver import __version__
from authserver.cli.clients import clients
from authserver.cli.config import config
from authserver.cli.db import db
from authserver.cli.demo import demo
from authserver.cli.init import init
from authserver.cli.keys import keys
from authserver.cli.login import login
from authserver.cli.refusal import Commands
from authserver.cli.serve import serve

__all__ = ["main"]


@click.group(cls=Commands)
@click.version_option(__version__, prog_name="authserver")
def main() -> None:
    """An OAuth 2.1 authorization server for MCP servers.

    Every command exits with 0, with 1 when it said no, or with 2 when it was called wrongly.
    """


for command in (init, demo, serve, config, db, keys, clients, login):
    main.add_command(command)
