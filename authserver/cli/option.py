"""Options that several commands have"""

import click

config_file = click.option(
    "--config",
    "config_file",
    metavar="FILE",
    help="The configuration file.  [default: $AUTHSERVER_CONFIG, else ./authserver.toml]",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
