"""`authserver demo`: the whole story on this machine"""

from pathlib import Path

import click

from authserver.cli.refusal import Refusal


@click.command()
@click.option("--check", is_flag=True, help="Walk through the story, then end: exits with 0 or 1.")
@click.option(
    "--dir",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep the demo's files in this folder.  [default: a temporary one]",
)
@click.pass_context
def demo(ctx: click.Context, directory: Path | None, *, check: bool) -> None:
    """Run an identity provider, authserver and an MCP server, and connect a client to them."""
    try:
        from authserver.demo.run import run  # noqa: PLC0415 - heavy, and of an extra
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("authserver"):
            raise
        refusal = Refusal(f"The demo needs {error.name}: pip install 'authserver[demo]'")
    else:
        ctx.exit(run(check=check, directory=directory))
    raise refusal
