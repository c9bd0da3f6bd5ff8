"""`authserver config check`: every mistake in the configuration, or what it means"""

import json
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from authserver.cli.option import as_json, config_file

if TYPE_CHECKING:
    from authserver.config_diff import Change
    from authserver.settings import Settings
    from authserver.upstream.check import Report


@click.group()
def config() -> None:
    """Look at the configuration."""


@config.command()
@config_file
@click.option(
    "--upstream",
    "ask_upstream",
    is_flag=True,
    help="Ask the identity provider as well, and say what would fail at a sign-in.",
)
@as_json
@click.pass_context
def check(
    ctx: click.Context, config_file: str | None, *, ask_upstream: bool, as_json: bool
) -> None:
    """Name every mistake with its remedy, or show what is in effect."""
    from authserver.settings import SettingsError, load, locate  # noqa: PLC0415 - heavy
    from authserver.settings.report.describe import describe  # noqa: PLC0415 - heavy

    path = locate(config_file)
    try:
        settings = load(path)
    except SettingsError as error:
        if not as_json:
            raise
        problems = [
            {"key": each.key, "message": each.message, "remedy": each.remedy}
            for each in error.problems
        ]
        click.echo(json.dumps({"valid": False, "problems": problems}, indent=2))
        ctx.exit(1)
    description, report = describe(settings), _asked(settings) if ask_upstream else None
    if as_json:
        found: dict[str, object] = {
            "valid": True,
            "in_effect": dict(description.in_effect),
            "loosened": list(description.loosened),
        }
        if report is not None:
            found["upstream"] = asdict(report)
        click.echo(json.dumps(found, indent=2))
    else:
        click.echo(f"{path} is valid.\n\n{description}")
        if report is not None:
            click.echo("\n".join(_lines(report)))
    ctx.exit(1 if report is not None and report.problems else 0)


@config.command()
@config_file
@as_json
@click.pass_context
def diff(ctx: click.Context, config_file: str | None, *, as_json: bool) -> None:
    """Say what changed since the configuration was last taken; exits with 1 where something did.

    It compares, section by section, with what the instances of this database last started with,
    the contents of secrets too. No value is shown.
    """
    from authserver.build import open_store  # noqa: PLC0415 - heavy
    from authserver.config_diff import changes  # noqa: PLC0415 - heavy
    from authserver.settings import load, locate  # noqa: PLC0415 - heavy

    settings = load(locate(config_file))
    with closing(open_store(settings)) as store, store.read() as reads:
        found = changes(reads, settings, int(time.time()))
    if as_json:
        click.echo(json.dumps([asdict(each) for each in found], indent=2))
    else:
        click.echo("\n".join(map(_line, found)) or "Nothing changed.")
    ctx.exit(1 if found else 0)


_SAID = {
    "secret changed": "the content of its secret changed",
    "unknown": "not to be compared: it was taken with a sealing key that is configured no more",
}


def _line(change: "Change") -> str:
    line = f"{change.section}: {_SAID.get(change.what, change.what)}"
    return f"{line}; {change.referrers} refer to what it was" if change.referrers else line


def _asked(settings: "Settings") -> "Report":
    from authserver.upstream.check import check as check_upstream  # noqa: PLC0415 - heavy

    return check_upstream(settings, int(time.time()))


def _lines(report: "Report") -> Iterator[str]:
    yield ""
    yield f"Register this redirect URI at the identity provider: {report.redirect_uri}"
    if report.public_key is not None:
        yield f"Register this public key there: {json.dumps(report.public_key)}"
    if report.problems:
        yield "What would fail at a sign-in:"
        yield from (f"  - {each}" for each in report.problems)
    else:
        yield "Nothing was found that would fail at a sign-in."
    if report.notes:
        yield "Worth knowing:"
        yield from (f"  - {each}" for each in report.notes)
