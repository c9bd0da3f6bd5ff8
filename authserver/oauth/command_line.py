"""The client that our own command line is, as it publishes itself: CIMD draft -01 §4.1, RFC 7591 §2

`authserver login` uses it to try a deployment. It is served by the server that it logs in at, so
that one never asks itself over the network: both take it from here.
"""

from authserver.oauth import client as clients
from authserver.oauth.client import Client, RegistrationPolicy

PATH = "/.well-known/oauth-client/cli.json"
REDIRECT_URI = "http://127.0.0.1/callback"  # at whatever port it listens (RFC 8252 §7.3)


def client_id(issuer: str) -> str:
    """Return the URL of the document, which is the client_id."""
    return issuer + PATH


def document(issuer: str) -> dict[str, object]:
    """Return what the command line says of itself. It logs in once, and never refreshes."""
    return {
        "client_id": client_id(issuer),
        "client_name": "authserver command line",
        "redirect_uris": [REDIRECT_URI],
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "application_type": "native",
    }


def client(issuer: str) -> Client:
    """Return the client that the document describes."""
    return clients.registered(
        clients.parse(document(issuer), RegistrationPolicy()), client_id(issuer), None, 0
    )
