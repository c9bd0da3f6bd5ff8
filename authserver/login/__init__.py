"""A login as an MCP client does it, to try a deployment: OAuth 2.1 §4.1, RFC 9728, RFC 8414

It knows no configuration and no database: only what the servers tell a client.
"""

from authserver.login.discovery import find
from authserver.login.errors import LoginFailed
from authserver.login.http import Http
from authserver.login.walk import Outcome, Wishes, log_in

__all__ = ["Http", "LoginFailed", "Outcome", "Wishes", "find", "log_in"]
