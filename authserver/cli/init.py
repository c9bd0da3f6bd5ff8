"""`authserver init`: a first configuration and a sealing key"""

import os
import secrets
from pathlib import Path

import click

from authserver.cli.refusal import Refusal

_NEXT = """
Next:
  1. Edit {config}: your issuer, your identity provider, your MCP server.
  2. Register the redirect URI <issuer>/callback with your identity provider.
  3. Put its client secret into the environment variable UPSTREAM_CLIENT_SECRET.
  4. authserver config check --config {config}
  5. authserver serve --config {config}

Keep {key} out of version control and in your backups, apart from the
database: without it nothing that the database seals can be opened."""


@click.command()
@click.option(
    "--dir",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Where to write.  [default: this folder]",
)
def init(directory: Path) -> None:
    """Write authserver.toml and a sealing key; what is there already stays as it is."""
    from authserver.settings.example import example  # noqa: PLC0415 - heavy
    from authserver.settings.load import CONFIG_FILE  # noqa: PLC0415 - heavy
    from authserver.settings.secret import SEALING_KEY_FILE  # noqa: PLC0415 - heavy

    config, key = directory / CONFIG_FILE, directory / SEALING_KEY_FILE
    try:
        directory.mkdir(parents=True, exist_ok=True)
        _write(config, example().encode(), 0o644)
        _write(key, secrets.token_bytes(32), 0o600)
    except OSError as error:
        raise Refusal(f"{error.filename} cannot be written: {error.strerror}") from None
    click.echo(_NEXT.format(config=config, key=key))


def _write(path: Path, content: bytes, mode: int) -> None:
    """Write a file that is not there yet, whole or not at all, and say so."""
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        path.hardlink_to(unfinished)  # fails where a file is: nothing is ever overwritten
        click.echo(f"{path}: written")
    except FileExistsError:
        click.echo(f"{path}: is there already, left as it is")
    finally:
        unfinished.unlink()
