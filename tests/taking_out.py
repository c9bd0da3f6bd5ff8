"""A configuration with live grants, from which a resource is taken out"""

from authserver.settings import load
from tests.actors import Deployment, McpClient

WIKI = "https://wiki.example/mcp"


def without_wiki(config):
    text = config.read_text()
    config.write_text(text[: text.index("[resources.wiki]")])


def connected(config, idp):
    """Let a user connect two clients to the wiki, and one to the issue tracker."""
    with Deployment(load(config), idp) as deployment:
        clients = [McpClient(deployment).register() for _ in range(2)]
        tokens = [each.redeem(each.code(resource=WIKI), resource=WIKI).json for each in clients]
        clients[0].connect()
        return deployment, clients, tokens
