"""Cases 71, 72, 75-77, 81, 82: refresh tokens, lost, replayed, idle and at their end"""

import pytest

from authserver import upkeep
from authserver.oauth import epoch
from tests.actors import Clock, Deployment, McpClient

DAY = 86400


@pytest.fixture
def client(deployment):
    return McpClient(deployment).register()


def refused(answer):
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_grant"), answer.json
    assert set(answer.json) == {"error", "error_description"}


def rotated(client, token, times=1):
    for _ in range(times):
        answer = client.refresh(token)
        assert answer.status_code == 200, answer.json
        token = answer.json["refresh_token"]
    return token


def reason(client):
    return client.deployment.last("request.refused")["reason"]


@pytest.mark.spec("RFC 9700", "4.14.2")
@pytest.mark.parametrize("later", [61, 3600, 29 * DAY])
def test_071_a_rotated_token_after_the_grace_ends_its_whole_family(client, later):
    tokens = client.connect(scope="openid issues:read")
    current = rotated(client, tokens["refresh_token"])

    client.deployment.wait(later)
    refused(client.refresh(tokens["refresh_token"]))

    assert reason(client) == "refresh_token_reused_grant_revoked"
    refused(client.refresh(current))
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert client.deployment.http().get("/userinfo", headers=bearer).status_code == 401


def test_071_a_replay_ends_one_family_and_not_the_others_of_its_client_and_user(client):
    first, other = client.connect()["refresh_token"], client.connect()["refresh_token"]
    rotated(client, first)

    client.deployment.wait(61)
    refused(client.refresh(first))

    assert client.refresh(other).status_code == 200


@pytest.mark.parametrize("ages", [2, 3, 10])
def test_071_a_token_of_any_earlier_generation_ends_the_family_even_within_the_grace(client, ages):
    first = client.connect()["refresh_token"]
    current = rotated(client, first, ages)

    refused(client.refresh(first))

    refused(client.refresh(current))


def test_072_within_the_grace_the_same_successor_comes_again_and_again(client):
    first = client.connect()["refresh_token"]
    second = rotated(client, first)

    for _ in range(30):
        client.deployment.wait(2)
        assert rotated(client, first) == second
    client.deployment.wait(1)
    refused(client.refresh(first))


def test_072_the_grace_is_not_prolonged_by_its_use_and_a_used_successor_ends_it(client):
    first = client.connect()["refresh_token"]
    second = rotated(client, first)
    rotated(client, second)

    refused(client.refresh(first))

    assert reason(client) == "refresh_token_reused_grant_revoked"


def test_072_a_lost_answer_is_not_given_again_after_a_revocation(client):
    first = client.connect()["refresh_token"]
    rotated(client, first)
    with client.deployment.server.store.write() as tx:
        tx.bump_epoch(epoch.client(client.client_id))

    refused(client.refresh(first))
    refused(client.refresh(first))


def test_072_a_lost_answer_may_be_asked_for_with_another_scope_but_never_a_wider_one(client):
    first = client.connect(scope="issues:read")["refresh_token"]
    second = rotated(client, first)

    assert client.refresh(first, scope="issues:write").json["error"] == "invalid_scope"
    assert client.refresh(first, scope="issues:read").json["refresh_token"] == second


def test_075_two_rotations_within_one_second_and_then_the_oldest_again(client):
    first = client.connect()["refresh_token"]
    third = rotated(client, first, 2)  # the clock stands still

    refused(client.refresh(first))
    refused(client.refresh(third))


@pytest.mark.parametrize("jump", [-3600, 0, 3600])
@pytest.mark.parametrize("rotations", [1, 2])
def test_076_a_restart_and_a_clock_that_jumps_do_not_forget_a_rotation(client, jump, rotations):
    first = client.connect()["refresh_token"]
    current = rotated(client, first, rotations)

    client.deployment = restarted(client.deployment, 61 + jump if jump >= 0 else jump)
    refused(client.refresh(first))

    assert reason(client) == "refresh_token_reused_grant_revoked"
    refused(client.refresh(current))


@pytest.mark.parametrize("jump", [-3600, 6, 3600])
def test_076_nor_that_a_code_was_spent(client, jump):
    code = client.code()
    token = client.redeem(code).json["refresh_token"]

    client.deployment = restarted(client.deployment, jump)
    refused(client.redeem(code))

    assert reason(client) == "code_replayed_grant_revoked"
    refused(client.refresh(token))


@pytest.mark.parametrize("jump", [-3600, 3600])
def test_076_a_clock_that_jumps_ends_nobodys_session(client, jump):
    token = client.connect()["refresh_token"]

    client.deployment = restarted(client.deployment, jump)
    token = rotated(client, token)
    client.deployment = restarted(client.deployment, -jump)

    assert client.refresh(token).status_code == 200


def restarted(deployment, jump):
    """Return a new server on the same database; its clock is off by `jump` seconds."""
    deployment.server.store.close()
    return Deployment(deployment.settings, deployment.idp, Clock(deployment.clock.now + jump))


@pytest.mark.spec("RFC 9700", "4.14.2")
def test_077_a_token_used_29_days_ago_is_recognised_after_daily_clean_up(client):
    first = client.connect()["refresh_token"]
    current = rotated(client, first)
    for _ in range(29):
        client.deployment.wait(DAY)
        upkeep.run_once(client.deployment.server)

    refused(client.refresh(first))

    assert reason(client) == "refresh_token_reused_grant_revoked"
    refused(client.refresh(current))


def test_081_rotation_does_not_move_the_absolute_end(client):
    token = client.connect()["refresh_token"]
    for _ in range(18):
        client.deployment.wait(20 * DAY)
        token = rotated(client, token)
    client.deployment.wait(5 * DAY - 1)
    token = rotated(client, token)

    client.deployment.wait(1)
    refused(client.refresh(token))


@pytest.mark.spec("OAuth 2.1", "4.3.3")
def test_082_an_idle_token_expires_after_thirty_days(client):
    token = client.connect()["refresh_token"]
    client.deployment.wait(30 * DAY - 1)
    token = rotated(client, token)

    client.deployment.wait(30 * DAY)
    refused(client.refresh(token))

    assert reason(client) == "refresh_token_expired"


def test_082_a_lost_answer_at_the_idle_end_does_not_keep_the_family_alive(client):
    first = client.connect()["refresh_token"]
    second = rotated(client, first)
    client.deployment.wait(50)
    assert rotated(client, first) == second

    client.deployment.wait(30 * DAY - 50)
    refused(client.refresh(second))
