"""docs/configuration.md, made from the models: `python -m authserver.settings.docs`"""

import sys
from collections.abc import Iterator

from authserver.settings.reference import Key, Section, sections

_TOP = """\
# Configuration

<!-- Made by `python -m authserver.settings.docs > docs/configuration.md`; a test compares. -->

One TOML file says everything. `--config` names it, else the environment variable
`AUTHSERVER_CONFIG`, else it is `authserver.toml` in the current folder. `authserver init` writes a
first one; `authserver config check` names every mistake at once, or shows what is in effect and
where it is looser than the defaults.

```toml
issuer = "https://auth.example.com"

[upstream]
type = "oidc"
issuer = "https://login.example.com"
client_id = "mcp-auth"
client_secret = "env:UPSTREAM_CLIENT_SECRET"

[resources.issues]
url = "https://issues.example.com/mcp"
name = "Issue tracker"
scopes = { "issues:read" = "Read your issues", "issues:write" = "Create and close issues" }
```

That is a whole configuration, with a file `sealing.key` beside it. [upstreams.md](upstreams.md) has
the `[upstream]` of many identity providers. Register one redirect URI with the identity provider:
the issuer (or `server.authorization_endpoint_base_url`) followed by `/callback`. Audiences and the
scopes in the metadata follow from the resources.

- **A secret** is never written into the file: it is `"env:NAME"`, an environment variable, or
  `"file:/path"`, a file from whose text one trailing newline is removed. Sealing keys are at least
  32 bytes, raw in a file, base64 in a variable. The environment changes nothing else.
- **A duration** is a number of seconds, or a text with a unit: `"90s"`, `"15m"`, `"12h"`, `"30d"`.
- **A relative path** starts at the folder of the configuration file.
- **A URL** is https; http is accepted for `localhost`, `127.0.0.1` and `[::1]` only.
- A key that is not known is a mistake, never ignored.
"""


def markdown() -> str:
    """Return the page."""
    return "\n".join((_TOP, *("\n".join(_lines(section)) for section in sections())))


def _lines(section: Section) -> Iterator[str]:
    when = f" with `{section.when}`" if section.when else ""
    yield f"## `[{section.name}]`{when}" if section.name else "## At the top"
    yield ""
    if section.meaning:
        yield f"{section.meaning}{' Optional.' if section.optional else ''}"
        yield ""
    yield "| key | type | default | meaning |"
    yield "|---|---|---|---|"
    for key in section.keys:
        yield f"| `{key.name}` | {key.kind} | {_default(key)} | {_cell(key.meaning)} |"
    yield ""


def _default(key: Key) -> str:
    if key.required:
        return "required"
    return f"`{_cell(key.default)}`" if key.default else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(markdown())
