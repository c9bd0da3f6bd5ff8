"""What is taken out of a configuration while grants refer to it, and what changed since"""

from contextlib import closing

import pytest

from authserver import config_diff
from authserver.build import open_store, prepare
from authserver.config_diff import Change, StillReferred
from authserver.settings import load
from authserver.storage.config_sections import Referrers
from tests.actors import Deployment, McpClient, write_config
from tests.databases import database_url, postgresql_database, postgresql_url  # noqa: F401
from tests.taking_out import WIKI, connected, without_wiki


@pytest.fixture
def config(database_url, idp, tmp_path):  # noqa: F811
    return write_config(tmp_path, database_url, idp.issuer)


def found(config, deployment):
    settings = load(config)
    with closing(open_store(settings)) as store, store.read() as reads:
        return config_diff.changes(reads, settings, deployment.clock.now)


def test_a_resource_that_grants_refer_to_is_not_taken_out(config, idp):
    deployment, _, _ = connected(config, idp)
    without_wiki(config)

    with pytest.raises(StillReferred) as refused:
        prepare(load(config), deployment.clock.now)

    in_use = Change("resources.wiki", "removed", Referrers(2, 1, 2))
    assert refused.value.changes == (in_use,)
    assert found(config, deployment) == (in_use,)
    text = str(refused.value)
    assert "resources.wiki: 2 live grants, of 1 users and 2 clients" in text
    assert "retire = true" in text
    assert "serve --revoke" in text
    with pytest.raises(StillReferred):
        Deployment(load(config), idp)


def test_where_it_is_said_its_grants_end_and_no_others(config, idp):
    deployment, clients, tokens = connected(config, idp)
    without_wiki(config)

    (said,) = prepare(load(config), deployment.clock.now, revoke=True)

    assert said == "resources.wiki was taken out: 2 live grants, of 1 users and 2 clients ended"
    with Deployment(load(config), idp) as after:
        for client, token in zip(clients, tokens, strict=True):
            client.deployment = after
            refused = client.refresh(token["refresh_token"], resource=None)
            assert refused.json["error"] == "invalid_grant"
        assert clients[0].connect()
    assert found(config, deployment) == ()


def test_grants_that_have_ended_hold_nothing(config, idp):
    deployment, _, _ = connected(config, idp)
    without_wiki(config)
    assert prepare(load(config), deployment.clock.now + 31 * 86400) == ()


def test_another_name_or_spelling_is_the_same_resource(config, idp):
    deployment, _, _ = connected(config, idp)
    text = config.read_text().replace("[resources.wiki]", "[resources.handbook]")
    config.write_text(text.replace(WIKI, "https://wiki.example:443/mcp/"))
    assert prepare(load(config), deployment.clock.now) == ()


def test_a_resource_that_retires_takes_nobody_in_and_lets_them_run_out(config, idp):
    _, clients, tokens = connected(config, idp)
    retired = "[resources.wiki]\nretire = true"
    config.write_text(config.read_text().replace("[resources.wiki]", retired))
    with Deployment(load(config), idp) as after:
        clients[0].deployment = after
        assert clients[0].refresh(tokens[0]["refresh_token"], resource=WIKI).status_code == 200
        newcomer = McpClient(after).register()
        answer = after.http().get(newcomer.authorize_url(resource=WIKI).removeprefix(after.issuer))
        assert "error=invalid_target" in answer.headers["Location"]
        assert newcomer.connect(resource=None)  # the other one is the only one


def test_what_changed_is_said_by_section(config, idp, tmp_path):
    deployment, _, _ = connected(config, idp)
    assert found(config, deployment) == ()

    config.write_text(config.read_text().replace('name = "Wiki"', 'name = "Handbook"'))
    (tmp_path / "upstream-secret").write_text("another-secret-of-32-characters!")
    more = '\n[tokens]\nauthorization_code_lifetime = "30s"\n'
    config.write_text(config.read_text() + more)

    assert set(found(config, deployment)) == {
        Change("resources.wiki", "changed"),
        Change("upstream", "secret changed"),
        Change("tokens", "added"),
    }
    prepare(load(config), deployment.clock.now)
    assert found(config, deployment) == ()
    config.write_text(config.read_text().replace(more, ""))
    assert found(config, deployment) == (Change("tokens", "removed"),)


def test_with_another_sealing_key_it_is_not_known_and_then_taken_anew(config, idp, tmp_path):
    deployment, _, _ = connected(config, idp)
    (tmp_path / "new-key").write_bytes(b"n" * 32)
    old, two = '["file:sealing-key"]', '["file:new-key", "file:sealing-key"]'
    both = config.read_text().replace(old, two)
    config.write_text(both)
    assert found(config, deployment) == (Change("keys", "changed"),)
    config.write_text(both.replace(', "file:sealing-key"', ""))
    assert {each.what for each in found(config, deployment)} == {"unknown"}


def test_a_start_with_nothing_changed_writes_nothing(config, idp):
    deployment, _, _ = connected(config, idp)
    settings = load(config)
    with closing(open_store(settings)) as store, store.counting() as count:
        config_diff.take(store, settings, deployment.clock.now)
    assert len(count.statements) == 1
    assert count.commits == 0
