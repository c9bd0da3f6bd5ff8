"""What each section says, as digests: a change of any key or secret shows, and no secret does"""

import copy
from typing import Any

import pytest

from authserver.sealing import SealingKey
from authserver.settings import sections

KEYS = tuple(SealingKey.from_secret(bytes([number]) * 32) for number in (1, 2))
DOCUMENT: dict[str, Any] = {
    "issuer": "https://auth.example.com",
    "upstream": {"client_id": "a", "client_secret": "env:SECRET"},
    "resources": {
        "issues": {
            "url": "HTTPS://Issues.example.com/mcp/",
            "client": {"client_secrets": ["file:s"]},
        },
        "wiki": {"url": "https://wiki.example.com/mcp"},
    },
    "clients": {"chat": {"client_secrets": ["file:s", "file:t"]}},
}  # fmt: skip
SECRETS = {"env:SECRET": b"one", "file:s": b"two", "file:t": b"three"}


def digests(document=None, secrets=None, keys=KEYS):
    found = sections.of(document or DOCUMENT, secrets or SECRETS, keys)
    return {each.name: each.digests[keys[0].kid] for each in found}


def changed(path, value):
    document = copy.deepcopy(DOCUMENT)
    table = document
    *tables, key = path.split("/")
    for name in tables:
        table = table[name]
    table[key] = value
    return document


def test_each_named_table_is_a_section_of_its_own():
    found = sections.of(DOCUMENT, SECRETS, KEYS)
    assert [each.name for each in found] == [
        "issuer", "upstream", "resources.issues", "resources.wiki", "clients.chat",
    ]  # fmt: skip
    assert {each.name: each.identifier for each in found if each.identifier} == {
        "resources.issues": "https://issues.example.com/mcp",
        "resources.wiki": "https://wiki.example.com/mcp",
        "clients.chat": "chat",
    }


@pytest.mark.parametrize(
    ("path", "value", "section"),
    [
        ("issuer", "https://other.example.com", "issuer"),
        ("upstream/client_id", "b", "upstream"),
        ("resources/issues/url", "https://x.example.com", "resources.issues"),
        ("resources/wiki/name", "Wiki", "resources.wiki"),
        ("clients/chat/client_secrets", ["file:t", "file:s"], "clients.chat"),
    ],
)
def test_a_key_that_changes_changes_its_section_and_no_other(path, value, section):
    before, after = digests(), digests(changed(path, value))
    assert [name for name in before if before[name] != after[name]] == [section]
    assert before[section].shape != after[section].shape


@pytest.mark.parametrize(
    ("reference", "changes"),
    [
        ("env:SECRET", {"upstream"}),
        ("file:s", {"resources.issues", "clients.chat"}),
        ("file:t", {"clients.chat"}),
    ],
)
def test_a_secret_that_changes_changes_every_section_that_names_it(reference, changes):
    before, after = digests(), digests(secrets={**SECRETS, reference: b"new"})
    assert {name for name in before if before[name].whole != after[name].whole} == changes
    assert all(before[name].shape == after[name].shape for name in before)


def test_the_order_of_keys_does_not_matter():
    turned = {name: DOCUMENT[name] for name in reversed(DOCUMENT)}
    assert digests(turned) == digests()


def test_each_sealing_key_has_digests_of_its_own():
    (first, *_) = sections.of(DOCUMENT, SECRETS, KEYS)
    assert set(first.digests) == {key.kid for key in KEYS}
    assert len({each.whole for each in first.digests.values()}) == 2
    assert "two" not in repr(first)
    assert first.digests[KEYS[0].kid].whole not in repr(first)
