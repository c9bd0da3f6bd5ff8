"""`authserver config check`: every mistake in the configuration, or what it means"""

import json

import click

from authserver.cli.option import as_json, config_file


@click.group()
def config() -> None:
    """Look at the configuration."""


@config.command()
@config_file
@as_json
@click.pass_context
def check(ctx: click.Context, config_file: str | None, *, as_json: bool) -> None:
    """Name every mistake with its remedy, or show what is in effect."""
    from authserver.settings import SettingsError, load, locate  # noqa: PLC0415 - heavy
    from authserver.settings.describe import Description, describe  # noqa: PLC0415 - heavy

    path = locate(config_file)
    try:
        description: Description = describe(load(path))
    except SettingsError as error:
        if not as_json:
            raise
        problems = [
            {"key": each.key, "message": each.message, "remedy": each.remedy}
            for each in error.problems
        ]
        click.echo(json.dumps({"valid": False, "problems": problems}, indent=2))
        ctx.exit(1)
    if as_json:
        found = {
            "valid": True,
            "in_effect": dict(description.in_effect),
            "loosened": list(description.loosened),
        }
        click.echo(json.dumps(found, indent=2))
    else:
        click.echo(f"{path} is valid.\n\n{description}")
