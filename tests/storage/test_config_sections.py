"""What was taken of a configuration is kept by section, and who refers to one is counted"""

from dataclasses import replace
from typing import Any

from authserver.storage.config_sections import Referrers, StoredSection
from tests.storage.values import NOW, a_grant

WIKI = StoredSection("resources.wiki", "https://wiki.example", "k", "whole", "shape", NOW)


def test_a_section_is_written_changed_and_forgotten(store):
    later = replace(WIKI, whole="other", taken_at=NOW + 1)
    for section in (WIKI, later, replace(WIKI, name="server", identifier=None)):
        with store.write() as tx:
            tx.take_section(section)
    with store.read() as reads:
        assert [each.name for each in reads.config_sections()] == ["resources.wiki", "server"]
        assert reads.config_sections()[0] == later
    with store.write() as tx:
        tx.forget_section("resources.wiki")
    with store.read() as reads:
        assert [each.name for each in reads.config_sections()] == ["server"]


def test_only_live_grants_refer_to_a_section(store):
    grant = a_grant()
    others: tuple[dict[str, Any], ...] = (
        {"client_id": "mcp-other"},
        {"sub": "another"},
        {"revoked_at": NOW},
        {"expires_at": NOW},
        {"idle_expires_at": NOW},
        {"resource": "https://elsewhere.example"},
    )
    with store.write() as tx:
        tx.add_grant(grant)
        for number, changes in enumerate(others):
            tx.add_grant(a_grant(f"other-{number}", **changes))
    with store.read() as reads:
        by_url = reads.referrers("resources", [grant.resource], NOW)
        by_client = reads.referrers("clients", ["mcp-other", "mcp-nobody"], NOW)
        assert (by_url, by_client) == (Referrers(3, 2, 2), Referrers(1, 1, 1))
        assert reads.referrers("resources", [], NOW).grants == 0
        urls = set(reads.resource_urls(NOW))
        assert urls == {grant.resource, "https://elsewhere.example"}


def test_the_grants_that_refer_to_it_are_ended_batch_by_batch(store):
    with store.write() as tx:
        for number in range(3):
            tx.add_grant(a_grant(f"grant-{number}"))
    resource = [a_grant().resource]
    with store.write() as tx:
        ids = tx.referring_grants("resources", resource, NOW, 2)
        assert len(ids) == 2
        assert tx.revoke_grants(ids, NOW) == 2
        assert tx.revoke_grants(ids, NOW) == 0
    with store.read() as reads:
        assert reads.referrers("resources", resource, NOW).grants == 1
