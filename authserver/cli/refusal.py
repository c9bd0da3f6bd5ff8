"""How a command says no: a text for people on standard error, exit status 1, no traceback"""

from typing import IO, Any

import click


class Refusal(click.ClickException):
    """The command was understood and says no."""

    exit_code = 1

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the reason as it is."""
        click.echo(self.format_message(), file=file, err=file is None)


class Commands(click.Group):
    """The commands, with every error that an operator can mend turned into a refusal."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command that was named."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            text = explained(error)
            if text is None:
                raise
            refusal = Refusal(text)
        raise refusal


def explained(error: Exception) -> str | None:
    """Return what to tell the operator, None where the error is ours."""
    from authserver.settings import SettingsError  # noqa: PLC0415 - heavy

    if isinstance(error, SettingsError):
        return str(error)
    if isinstance(error, click.ClickException | click.exceptions.Exit | click.Abort):
        return None

    from authserver.build import SchemaBehind  # noqa: PLC0415 - heavy
    from authserver.config_diff import StillReferred  # noqa: PLC0415 - heavy
    from authserver.endpoints.pages import TemplateBroken  # noqa: PLC0415 - heavy
    from authserver.keys import KeysDisagree, NoSigningKey  # noqa: PLC0415 - heavy
    from authserver.sealing import UnknownKey  # noqa: PLC0415 - heavy
    from authserver.storage.errors import (  # noqa: PLC0415 - heavy
        StorageUnavailable,
        UnfitDatabase,
        UnusableUrl,
    )
    from authserver.upstream.change import Doubles, UpstreamChanged  # noqa: PLC0415 - heavy

    keys = (KeysDisagree, NoSigningKey, UnknownKey)
    database = (SchemaBehind, StorageUnavailable, UnfitDatabase, UnusableUrl)
    others = (UpstreamChanged, Doubles, StillReferred, TemplateBroken)
    return str(error) if isinstance(error, (*keys, *database, *others)) else None
