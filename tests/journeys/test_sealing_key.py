"""A sealing key is replaced while two instances serve: nobody is disconnected"""

from contextlib import ExitStack
from hashlib import sha256

import pytest

from authserver import vault
from authserver.keys import KeyInUse, KeysDisagree, inventory
from authserver.settings import load
from tests.actors import RESOURCE, Clock, Deployment, McpClient, claims_of, write_config
from tests.databases import database_url, postgresql_database, postgresql_url  # noqa: F401

MINUTE = 60
DAY = 86400


@pytest.fixture
def start(database_url, idp, tmp_path):  # noqa: F811 - the fixture
    """Start an instance with sealing keys in an order; all share one database and one clock."""
    clock = Clock()
    with ExitStack() as stack:

        def start(*names):
            config = write_config(tmp_path, database_url, idp.issuer)
            for name in names:
                (tmp_path / name).write_bytes(sha256(name.encode()).digest())
            seal = ", ".join(f'"file:{name}"' for name in names)
            text = config.read_text().replace('seal = ["file:sealing-key"]', f"seal = [{seal}]")
            keeps = (
                '[resources.issues]\nupstream_token = "exchange"\nupstream_scopes = ["api:read"]'
            )
            config.write_text(text.replace("[resources.issues]", keeps))
            return stack.enter_context(Deployment(load(config), idp, clock))

        yield start


def stop(deployment):
    deployment.server.agreement.leave()


def replaced(deployment, start, *names):
    """Restart an instance with other keys."""
    stop(deployment)
    return start(*names)


def kid(deployment):
    return deployment.settings.sealing_keys[0].kid


class User:
    """A client that is refreshed at one instance and then at the other, as a load balancer does."""

    def __init__(self, deployment):
        self.client = McpClient(deployment).register()
        self.tokens = self.client.connect()

    def goes_on_at(self, *deployments):
        for deployment in deployments:
            self.client.deployment = deployment
            answer = self.client.refresh(self.tokens["refresh_token"])
            assert answer.status_code == 200, answer.json
            self.tokens = dict(answer.json or {})
            deployment.wait(2 * MINUTE)
            assert self.upstream_token(deployment) in deployment.idp.access_tokens

    def upstream_token(self, deployment):
        server, resource = deployment.server, deployment.server.resource(RESOURCE)
        sub = claims_of(self.tokens["access_token"])["sub"]
        found = vault.upstream_token(server, sub, resource, deployment.clock.now)
        return found.access_token


def test_no_step_of_rolling_a_key_disconnects_anybody(start, idp):
    one, two = start("old"), start("old")
    user = User(one)

    one = replaced(one, start, "old", "new")
    user.goes_on_at(one, two)
    two = replaced(two, start, "old", "new")
    user.goes_on_at(one, two)

    one = replaced(one, start, "new", "old")
    user.goes_on_at(one, two, one)
    idp.subject = "user-2"
    late = User(two)  # sealed and made with the old key, while the other one has the new
    two = replaced(two, start, "new", "old")
    user.goes_on_at(two, one)

    with pytest.raises(KeyInUse, match="needed by 1 signing key, 3 upstream tokens, 1 refresh"):
        start("new")
    one.server.keys.reseal(one.clock.now)
    assert inventory.reseal(one.server.store, one.server.vault_cipher).resealed == 3
    with pytest.raises(KeyInUse, match="needed by 1 refresh token"):
        start("new")
    late.goes_on_at(one)

    one = replaced(one, start, "new")
    user.goes_on_at(one, two)
    late.goes_on_at(one, two)
    two = replaced(two, start, "new")
    user.goes_on_at(two, one)
    late.goes_on_at(two, one)
    User(one).goes_on_at(two)


def test_a_key_is_not_promoted_before_all_hold_it_nor_removed_while_one_seals_with_it(start):
    one, two = start("old"), start("old")
    stop(one)
    with pytest.raises(KeysDisagree, match="one instance runs"):
        start("new", "old")
    one = start("old", "new")
    stop(one)
    with pytest.raises(KeysDisagree, match="one instance runs"):
        start("new", "old")
    two = replaced(two, start, "old", "new")
    one = start("new", "old")
    one.server.keys.reseal(one.clock.now)
    with pytest.raises(KeysDisagree, match=f"{kid(two)}, which is not"):
        start("new")


def test_a_lost_answer_is_the_same_string_after_a_promotion(start):
    one = start("old")
    client = McpClient(one).register()
    tokens = client.connect()
    first = client.refresh(tokens["refresh_token"]).json["refresh_token"]
    one = replaced(one, start, "new", "old")
    client.deployment = one
    again = client.refresh(tokens["refresh_token"]).json["refresh_token"]
    assert again == first
    assert client.refresh(again).status_code == 200


def test_a_refresh_token_of_a_key_that_was_given_up_is_refused_and_the_client_connects_again(start):
    one = start("old")
    client = McpClient(one).register()
    tokens = client.connect()
    stop(one)
    with pytest.raises(KeyInUse):
        start("new")
    with one.server.store.write() as tx:
        tx.forget_sealing_key(kid(one), one.clock.now)
    client.deployment = start("new")
    assert client.refresh(tokens["refresh_token"]).json["error"] == "invalid_grant"
    client.connect()


def test_the_background_says_that_the_instance_runs_and_seals_signing_keys_anew(start):
    from authserver.upkeep import run_once

    one = start("old")
    one = replaced(one, start, "old", "new")
    one = replaced(one, start, "new", "old")
    one.wait(2 * MINUTE)
    run_once(one.server)
    one.wait(2 * MINUTE)
    with one.server.store.read() as reads:
        (instance,) = reads.instances(one.clock.now - 3 * MINUTE)
        (key,) = reads.signing_keys()
    assert instance.sealing_kid == kid(one)
    assert key.sealed.startswith(f"v1:{kid(one)}:")
