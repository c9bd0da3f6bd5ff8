import json

import pytest

from authserver.resource_server import ResourceServer


def guard(issuer="https://auth.example.com", resource="https://issues.example.com/mcp", **options):
    return ResourceServer(issuer=issuer, resource=resource, **options)


@pytest.mark.spec("RFC 9728", "3.1")
@pytest.mark.parametrize(("resource", "url", "paths"), [
    ("https://h.example", "https://h.example/.well-known/oauth-protected-resource", [""]),
    ("https://h.example/", "https://h.example/.well-known/oauth-protected-resource", [""]),
    ("https://h.example/a/b", "https://h.example/.well-known/oauth-protected-resource/a/b",
     ["", "/a/b", "/a/b/"]),
    ("https://h.example/a/", "https://h.example/.well-known/oauth-protected-resource/a/", ["/a/"]),
    ("https://h.example/%C3%A9", "https://h.example/.well-known/oauth-protected-resource/%C3%A9",
     ["/é"]),
    ("http://localhost:8080/mcp", "http://localhost:8080/.well-known/oauth-protected-resource/mcp",
     ["/mcp"]),
])  # fmt: skip
def test_the_metadata_is_where_clients_look(resource, url, paths):
    metadata = guard(resource=resource).metadata
    assert metadata.url == url
    assert all(metadata.is_at(f"/.well-known/oauth-protected-resource{path}") for path in paths)
    assert not metadata.is_at("/.well-known/oauth-protected-resource/other")
    assert not metadata.is_at("/.well-known/oauth-protected-resourceful")


@pytest.mark.spec("RFC 9728", "3.3")
@pytest.mark.parametrize("issuer", ["https://auth.example.com", "https://auth.example.com/oauth"])
@pytest.mark.parametrize("resource", ["https://issues.example.com", "https://issues.example.com/m"])
def test_issuer_and_resource_are_written_as_they_were_configured(issuer, resource):
    body = guard(issuer, resource).metadata.body
    assert json.loads(body)["authorization_servers"] == [issuer]
    assert json.loads(body)["resource"] == resource


def test_a_name_and_scopes_are_told_where_there_are_some():
    document = json.loads(guard(name="Issues", scopes=["a", "b"]).metadata.body)
    assert (document["resource_name"], document["scopes_supported"]) == ("Issues", ["a", "b"])
    assert "scopes_supported" not in json.loads(guard().metadata.body)
