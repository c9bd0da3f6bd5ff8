"""`authserver serve`: gunicorn with our settings. PEP 3333"""

import re

import click

from authserver.cli.option import config_file

_BIND = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]*):[0-9]{1,5}\Z|unix:.+\Z")


def _check_bind(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> list[str]:
    for address in value:
        if not _BIND.match(address):
            raise click.BadParameter("write HOST:PORT, [IPv6]:PORT or unix:PATH", ctx, param)
    return list(value)


@click.command()
@config_file
@click.option(
    "--bind",
    multiple=True,
    default=("127.0.0.1:8000",),
    show_default=True,
    metavar="HOST:PORT",
    callback=_check_bind,
    help="Where to listen; may be given more than once.",
)
@click.option("--workers", type=click.IntRange(1, 256), default=2, show_default=True)
@click.option(
    "--threads", type=click.IntRange(1, 256), default=8, show_default=True, help="Of each worker."
)
@click.option(
    "--revoke",
    is_flag=True,
    help="End the grants that refer to what was taken out of the configuration.",
)
def serve(
    config_file: str | None, bind: list[str], workers: int, threads: int, *, revoke: bool
) -> None:
    """Serve until SIGTERM; SIGHUP reads the configuration again, SIGTERM lets requests finish.

    So does a file of a secret that changes.

    An SQLite database is made and migrated here. PostgreSQL is migrated by `authserver db
    upgrade` alone. TLS ends in front: see [server] trusted_proxies.
    """
    from authserver.cli.gunicorn_server import GunicornServer  # noqa: PLC0415 - heavy
    from authserver.settings import locate  # noqa: PLC0415 - heavy

    GunicornServer(
        locate(config_file), bind=bind, workers=workers, threads=threads, revoke=revoke
    ).run()
