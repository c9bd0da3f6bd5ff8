"""`[client_documents]`: who may publish clients, and how it is said"""

from authserver.oauth.client_document import Publishers
from authserver.settings.report.describe import describe

WRITTEN = {
    "client_documents/allowed_domains": ["claude.ai", "vscode.dev"],
    "client_documents/denied_domains": ["bad.claude.ai"],
    "client_documents/private_hosts": ["clients.corp.example", "dev.example:8443"],
}


def test_by_default_any_public_host_may(settings):
    found = settings()
    assert found.publishers == Publishers()
    assert dict(describe(found).in_effect)["clients published at"] == "any public host"
    assert "client_documents" not in "".join(describe(found).loosened)


def test_domains_and_private_hosts_become_values_and_are_said(settings):
    found = settings(WRITTEN)
    assert found.publishers == Publishers(
        allowed=("claude.ai", "vscode.dev"),
        denied=("bad.claude.ai",),
        private_hosts=frozenset({"clients.corp.example", "dev.example:8443"}),
    )
    said = dict(describe(found).in_effect)["clients published at"]
    assert said == "claude.ai, vscode.dev, but not bad.claude.ai"
    assert [each for each in describe(found).loosened if "client_documents" in each] == [
        "client_documents.private_hosts: clients.corp.example may lie in a private network",
        "client_documents.private_hosts: dev.example:8443 may lie in a private network",
    ]


def test_switched_off_it_is_said_too(settings):
    found = settings({"client_documents/enabled": False})
    assert dict(describe(found).in_effect)["clients published at"] == "no host"
