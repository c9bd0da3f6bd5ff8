"""The file that `authserver init` writes: what is required, and the rest as comments"""

import textwrap
from collections.abc import Iterator

from authserver.settings.reference import Section, sections

_REQUIRED = """\
# The configuration of authserver. Check it with: authserver config check
# Secrets never stand here: write "env:NAME" or "file:/path". Relative paths start at this file.
# Durations are seconds, or a number with s, m, h or d, such as "15m".

# The public URL of this server, exactly as clients see it.
issuer = "https://auth.example.com"

# The identity provider. Register the redirect URI <issuer>/callback there. A preset such as
# "google", "entra", "okta" or "github" knows the rest: write preset = "..." in place of type.
[upstream]
type = "oidc"
issuer = "https://login.example.com"
client_id = "mcp-auth"
client_secret = "env:UPSTREAM_CLIENT_SECRET"

# One table for each MCP server.
[resources.issues]
url = "https://issues.example.com/mcp"
name = "Issue tracker"
scopes = { "issues:read" = "Read your issues", "issues:write" = "Create and close issues" }

# All that follows is optional; each line shows the default, or an example where there is none.
"""


def example() -> str:
    """Return a file that is valid once the secrets that it names exist."""
    optional = (each for each in sections() if each.optional)
    return "\n".join((_REQUIRED, *("\n".join(_lines(section)) for section in optional)))


def _lines(section: Section) -> Iterator[str]:
    yield f"# {section.meaning}"
    yield f"# [{section.name}]"
    for key in section.keys:
        yield from textwrap.wrap(
            key.meaning, 96, initial_indent="#   # ", subsequent_indent="#   # "
        )
        yield f"#   {key.name} = {key.default or key.example}"
    yield ""
